-- How much of the roads was surveyed in a period, by city, area, class, named group or segment.
-- Parameters: firsts (date[]: first days of the ten-day periods that it consists of); level (city, district, street,
--   community, class, group or segment); share (1: of its length, from which on a segment counts as surveyed).
-- Columns: id (of the area or segment; null: neither), code, name, segments, surveyed_segments (counts), length_m,
--   surveyed_m (numeric m, geodesic). Where the level is one of areas, a row with code null for the segments in none.
-- Primary key of survey_periods; sequential scan of road_segments, 50 k rows.
WITH surveyed AS (
    SELECT segment_id, range_agg(covered) AS covered
    FROM survey_periods
    WHERE first = ANY(CAST(:firsts AS date[]))
    GROUP BY segment_id
),
segments AS MATERIALIZED (
    SELECT
        s.id, s.code, s.name, s.class, s.groups, s.area_id, s.length_m, surveyed_m(c.covered, s.length_m) AS surveyed_m
    FROM road_segments AS s
    LEFT JOIN surveyed AS c ON c.segment_id = s.id
    WHERE s.retired_at IS NULL
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
),
summed AS (
    SELECT
        id, segment_id, code, name, CAST(count(*) AS int) AS segments,
        CAST(count(*) FILTER (WHERE surveyed_m >= CAST(:share AS numeric) * length_m AND length_m > 0) AS int)
            AS surveyed_segments,
        sum(length_m) AS length_m, sum(surveyed_m) AS surveyed_m
    FROM keyed
    GROUP BY id, segment_id, code, name
),
wanted AS (
    SELECT id, code, name FROM areas WHERE level = CAST(:level AS text) AND retired_at IS NULL
)
SELECT
    coalesce(w.id, s.segment_id) AS id, coalesce(w.code, s.code) AS code, coalesce(w.name, s.name) AS name,
    coalesce(s.segments, 0) AS segments, coalesce(s.surveyed_segments, 0) AS surveyed_segments,
    coalesce(s.length_m, 0) AS length_m, coalesce(s.surveyed_m, 0) AS surveyed_m
FROM summed AS s
FULL JOIN wanted AS w ON w.id = s.id
ORDER BY coalesce(w.code, s.code) COLLATE "C"
