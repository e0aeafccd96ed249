-- Listed places with what the public may know.
-- Parameters: listing_id, states (text[]), from_day and to_day (first days of periods, to exclusive), kind, street (code of
--   a street or of its district), operation (id of a special operation: only places that its polygon covers, and that were on
--   the list at some time of it, or are proposed or dismissed for a period that it shares a day with) with first_day,
--   day_after (its days, after exclusive) and from_at (its first instant): each null for any; today (date of the city).
-- Columns: id, kind, period, rank (null: by hand), code (of the segment), name, street_code, street_name, responsible (name),
--   state, reports, shared_reports, weighted, length_m (m, geodesic), score, listed_on, due_on, submitted_on, hold_until,
--   days_left (negative: over; null: no clock runs), overdue_days (all together), escalated, events (count), lon, lat.
-- Primary key, or a sequential scan: twenty rows per period.
SELECT
    l.id, l.kind, l.period, l.rank, g.code, nullif(l.name, '') AS name, a.code AS street_code, a.name AS street_name,
    p.name AS responsible, l.state, l.reports, l.shared_reports, l.weighted, l.length_m, l.score,
    l.listed_on, l.due_on, l.submitted_on, l.hold_until,
    CASE WHEN l.state IN ('listed', 'rectifying') THEN l.due_on - CAST(:today AS date) END AS days_left,
    l.late_before + greatest(coalesce(l.submitted_on, CAST(:today AS date)) - l.due_on, 0) AS overdue_days,
    l.escalated, l.version AS events, ST_X(l.geom) AS lon, ST_Y(l.geom) AS lat
FROM listings AS l
LEFT JOIN road_segments AS g ON g.id = l.segment_id
LEFT JOIN areas AS a ON a.id = l.street_id
LEFT JOIN areas AS above ON above.id = a.parent_id
LEFT JOIN persons AS p ON p.id = l.person_id
WHERE (CAST(:listing_id AS bigint) IS NULL OR l.id = CAST(:listing_id AS bigint))
  AND (CAST(:states AS text[]) IS NULL OR l.state = ANY (CAST(:states AS text[])))
  AND (CAST(:from_day AS date) IS NULL OR (l.first_day >= CAST(:from_day AS date) AND l.first_day < CAST(:to_day AS date)))
  AND (CAST(:kind AS text) IS NULL OR l.kind = CAST(:kind AS text))
  AND (CAST(:street AS text) IS NULL OR CAST(:street AS text) IN (a.code, above.code))
  AND (CAST(:operation AS int) IS NULL
       OR (ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), l.geom)
           AND CASE
               WHEN l.listed_on IS NULL THEN
                   l.first_day < CAST(:day_after AS date)
                   AND CAST(:first_day AS date) < CASE
                       WHEN extract(day FROM l.first_day) < 21 THEN l.first_day + 10
                       ELSE CAST(date_trunc('month', l.first_day) + interval '1 month' AS date)
                   END
               ELSE
                   l.listed_on < CAST(:day_after AS date)
                   AND (l.state <> 'delisted' OR l.at >= CAST(:from_at AS timestamptz))
           END))
ORDER BY l.first_day DESC, l.kind, l.rank NULLS LAST, l.id
