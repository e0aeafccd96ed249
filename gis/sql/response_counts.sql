-- How the steps of double ten of the cases found in a window went, by place, responsible person or hour of day. The
-- verdicts are those of gis/rules/response.py; a test compares the two case by case.
-- Parameters: from_day, to_day (dates of the city on which the problem was found, to exclusive); at (instant: what happened
--   after it does not count); steps (int[] of 1 and 2); limit_days, limits_s (date[] and int[] of equal length, ascending:
--   from which day on a step may take how many seconds); level (city | district | street | community | cell | person | hour);
--   categories (int[] of ids, null: all); area_ids (int[] of areas, the cells of which count; null: everywhere);
--   operation (id of a special operation: only problems that its polygon covers) with from_at, to_at (instants, half-open),
--   all null: anywhere; zone (IANA name of the city's time zone, for the hour in which a step began).
-- Columns: key (id of the area, cell or person; the hour; 0 for the city; null: none of the level); on_time, late, pending,
--   not_required, missing (steps); median_s, p95_s (float8 seconds of the steps that were done, nearest rank; null: none).
-- Index ix_cases_day; primary key of reports, which is not looked at where neither level nor area_ids ask for places.
WITH limits AS (
    SELECT
        CASE WHEN row_number() OVER w = 1 THEN '-infinity' ELSE day END AS first,
        coalesce(lead(day) OVER w, 'infinity') AS after,
        limit_s
    FROM unnest(CAST(:limit_days AS date[]), CAST(:limits_s AS int[])) AS l (day, limit_s)
    WINDOW w AS (ORDER BY day)
),
found AS (
    SELECT
        c.id, c.person_id, c.source_id, c.source_ref, k.chaos, c.found_at,
        CASE WHEN c.arrived_at <= :at THEN c.arrived_at END AS arrived_at,
        CASE WHEN c.failed_at <= :at THEN c.failed_at END AS failed_at,
        CASE WHEN c.enforced_at <= :at THEN c.enforced_at END AS enforced_at,
        CASE WHEN c.ended_at <= :at THEN c.ended_at END AS ended_at,
        c.state = 'void' AS void,
        c.merged_into IS NOT NULL AS merged,
        make_interval(secs => l.limit_s) AS allowed
    FROM cases AS c
    JOIN categories AS k ON k.id = c.category_id
    JOIN limits AS l ON c.day >= l.first AND c.day < l.after
    WHERE c.day >= :from_day
      AND c.day < :to_day
      AND c.found_at <= :at
      AND (CAST(:categories AS int[]) IS NULL OR c.category_id = ANY (CAST(:categories AS int[])))
      AND (CAST(:operation AS int) IS NULL
           OR (c.found_at >= CAST(:from_at AS timestamptz)
               AND c.found_at < CAST(:to_at AS timestamptz)
               AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), c.geom)))
),
steps AS (
    SELECT
        f.id, f.person_id, f.source_id, f.source_ref, s.begun_at, s.done_at,
        CASE
            WHEN s.begun_at IS NULL OR (f.merged AND f.ended_at IS NOT NULL) THEN 'not_required'
            WHEN s.done_at IS NOT NULL THEN
                CASE WHEN s.done_at <= s.begun_at + f.allowed THEN 'on_time' ELSE 'late' END
            WHEN s.number = 1 AND f.chaos IS NULL THEN 'not_required'
            WHEN f.ended_at IS NOT NULL THEN
                CASE WHEN f.void AND f.ended_at <= s.begun_at + f.allowed THEN 'not_required' ELSE 'missing' END
            WHEN :at <= s.begun_at + f.allowed THEN 'pending'
            ELSE 'missing'
        END AS verdict
    FROM found AS f
    CROSS JOIN LATERAL (
        VALUES (1, f.found_at, f.arrived_at), (2, f.failed_at, f.enforced_at)
    ) AS s (number, begun_at, done_at)
    WHERE s.number = ANY (CAST(:steps AS int[]))
),
area_keys AS (
    SELECT
        a.id,
        CASE CAST(:level AS text) WHEN a.level THEN a.id WHEN u.level THEN u.id WHEN t.level THEN t.id END AS key
    FROM areas AS a
    LEFT JOIN areas AS u ON u.id = a.parent_id
    LEFT JOIN areas AS t ON t.id = u.parent_id
),
judged AS (
    SELECT
        CASE CAST(:level AS text)
            WHEN 'city' THEN 0
            WHEN 'person' THEN s.person_id
            WHEN 'hour' THEN CAST(extract(hour FROM s.begun_at AT TIME ZONE :zone) AS int)
            WHEN 'cell' THEN r.cell_id
            ELSE k.key
        END AS key,
        s.verdict,
        CASE
            WHEN s.verdict IN ('on_time', 'late') THEN CAST(extract(epoch FROM s.done_at - s.begun_at) AS float8)
        END AS seconds
    FROM steps AS s
    LEFT JOIN reports AS r ON r.source_id = s.source_id AND r.source_ref = s.source_ref
    LEFT JOIN cells AS g ON g.id = r.cell_id
    LEFT JOIN area_keys AS k ON k.id = g.area_id
    WHERE CAST(:area_ids AS int[]) IS NULL OR g.area_id = ANY (CAST(:area_ids AS int[]))
)
SELECT
    key,
    count(*) FILTER (WHERE verdict = 'on_time') AS on_time,
    count(*) FILTER (WHERE verdict = 'late') AS late,
    count(*) FILTER (WHERE verdict = 'pending') AS pending,
    count(*) FILTER (WHERE verdict = 'not_required') AS not_required,
    count(*) FILTER (WHERE verdict = 'missing') AS missing,
    -- Both out of one sort.
    (percentile_disc(CAST('{0.5,0.95}' AS float8[])) WITHIN GROUP (ORDER BY seconds))[1] AS median_s,
    (percentile_disc(CAST('{0.5,0.95}' AS float8[])) WITHIN GROUP (ORDER BY seconds))[2] AS p95_s
FROM judged
GROUP BY key
