-- How much of the roads inside a special operation was passed by patrols in its window, by city, area, class, named group or
-- segment.
-- Parameters: operation (id); from_at, to_at (instants, half-open) and from_day, to_day (days of the city that hold them); level
--   and share as in coverage.sql; metric_srid (of geom_m).
-- Columns: as in coverage.sql, lengths of what lies inside; only rows with roads inside.
-- ix_patrol_passes_day, ix_road_segments_geom. A part of a segment that was passed is measured along geom_m, in which its
-- position was found, and put back to longitude and latitude, in which the polygon's edges are straight.
WITH passed AS (
    SELECT segment_id, range_agg(int4range(from_dm, to_dm)) AS covered
    FROM patrol_passes
    WHERE day >= :from_day
      AND day < :to_day
      AND passed_at >= :from_at
      AND passed_at < :to_at
    GROUP BY segment_id
),
met AS MATERIALIZED (
    SELECT
        s.id, s.code, s.name, s.class, s.groups, s.area_id, s.geom_m, s.length_m AS whole_m, o.geom AS polygon, c.covered,
        c.covered @> int4range(0, CAST(ceil(s.length_m * 10) AS int)) AS covered_whole,
        CASE
            WHEN ST_Covers(o.geom, s.geom) THEN s.length_m
            ELSE CAST(round(CAST(ST_Length(CAST(
                ST_CollectionExtract(ST_Intersection(s.geom, o.geom), 2) AS geography)) AS numeric), 3) AS numeric)
        END AS length_m
    FROM special_operations AS o
    JOIN road_segments AS s ON ST_Intersects(o.geom, s.geom)
    LEFT JOIN passed AS c ON c.segment_id = s.id
    WHERE o.id = :operation
      AND s.retired_at IS NULL
),
laid AS (
    SELECT
        m.id, m.polygon, ST_Length(m.geom_m) / (m.whole_m * 10) AS per_dm, d.geom AS line, m.covered,
        sum(ST_Length(d.geom)) OVER (PARTITION BY m.id ORDER BY d.path) AS end_m
    FROM met AS m
    CROSS JOIN LATERAL ST_Dump(m.geom_m) AS d
    WHERE m.covered IS NOT NULL
      AND NOT m.covered_whole
      AND m.whole_m > 0
),
parts AS (
    SELECT
        l.id, l.polygon,
        ST_CollectionExtract(
            ST_LocateBetween(
                ST_AddMeasure(l.line, l.end_m - ST_Length(l.line), l.end_m),
                lower(r.stretch) * l.per_dm,
                coalesce(upper(r.stretch) * l.per_dm, 'infinity')
            ), 2
        ) AS part
    FROM laid AS l
    CROSS JOIN LATERAL unnest(l.covered) AS r (stretch)
),
measured AS (
    SELECT
        id,
        sum(ST_Length(CAST(ST_CollectionExtract(ST_Intersection(
            ST_Force2D(ST_Transform(ST_SetSRID(part, CAST(:metric_srid AS int)), 4326)), polygon), 2) AS geography))) AS passed_m
    FROM parts
    WHERE NOT ST_IsEmpty(part)
    GROUP BY id
),
segments AS MATERIALIZED (
    SELECT
        m.id, m.code, m.name, m.class, m.groups, m.area_id, m.length_m,
        CASE
            WHEN m.covered_whole THEN m.length_m
            ELSE least(m.length_m, CAST(round(CAST(coalesce(p.passed_m, 0) AS numeric), 3) AS numeric))
        END AS surveyed_m
    FROM met AS m
    LEFT JOIN measured AS p ON p.id = m.id
    WHERE m.length_m > 0
),
holders AS (
    SELECT
        a.id AS area_id,
        CASE CAST(:level AS text) WHEN a.level THEN a.id WHEN p.level THEN p.id WHEN g.level THEN g.id END AS holder_id
    FROM areas AS a
    LEFT JOIN areas AS p ON p.id = a.parent_id
    LEFT JOIN areas AS g ON g.id = p.parent_id
),
keyed AS (
    SELECT
        s.length_m, s.surveyed_m, h.holder_id AS id,
        CASE CAST(:level AS text) WHEN 'class' THEN s.class WHEN 'group' THEN g.name WHEN 'segment' THEN s.code END AS code,
        CASE CAST(:level AS text) WHEN 'segment' THEN s.id END AS segment_id,
        CASE CAST(:level AS text) WHEN 'segment' THEN s.name END AS name
    FROM segments AS s
    LEFT JOIN LATERAL unnest(CASE CAST(:level AS text) WHEN 'group' THEN s.groups ELSE '{-}' END) AS g (name) ON true
    LEFT JOIN holders AS h ON h.area_id = s.area_id
    WHERE g.name IS NOT NULL
)
SELECT
    coalesce(k.id, k.segment_id) AS id, coalesce(a.code, k.code) AS code, coalesce(a.name, k.name) AS name,
    CAST(count(*) AS int) AS segments,
    CAST(count(*) FILTER (WHERE k.surveyed_m >= CAST(:share AS numeric) * k.length_m) AS int) AS surveyed_segments,
    sum(k.length_m) AS length_m, sum(k.surveyed_m) AS surveyed_m
FROM keyed AS k
LEFT JOIN areas AS a ON a.id = k.id
GROUP BY 1, 2, 3
ORDER BY coalesce(a.code, k.code) COLLATE "C"
