-- Segments that do not count as surveyed in a period, nearest first.
-- Parameters: firsts (date[]: first days of the ten-day periods that it consists of); share (1: of its length, from which
--   on a segment counts as surveyed); x, y (m, in the city's metric CRS; null: in the order of codes); area_id (of a
--   district, street or community; null: anywhere), class, road_group (null: any); most (rows).
-- Columns: id, code, name, class, street_code, street_name (null: in none), length_m, surveyed_m (numeric m, geodesic),
--   last_surveyed_at (ever; null: never), distance_m (float8 m; null: no place given).
-- GiST index on road_segments.geom_m, walked outwards from the place; ix_survey_periods_segment_id for each segment met.
SELECT
    s.id, s.code, s.name, s.class, street.code AS street_code, street.name AS street_name, s.length_m,
    surveyed_m(c.covered, s.length_m) AS surveyed_m,
    (SELECT max(last_at) FROM survey_periods WHERE segment_id = s.id) AS last_surveyed_at,
    ST_Distance(s.geom_m, ST_Point(:x, :y)) AS distance_m
FROM road_segments AS s
LEFT JOIN areas AS held ON held.id = s.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
LEFT JOIN LATERAL (
    SELECT range_agg(covered) AS covered
    FROM survey_periods
    WHERE segment_id = s.id AND first = ANY(CAST(:firsts AS date[]))
) AS c ON true
WHERE s.retired_at IS NULL
  AND (CAST(:area_id AS int) IS NULL OR :area_id IN (held.id, street.id, street.parent_id))
  AND (CAST(:class AS text) IS NULL OR s.class = :class)
  AND (CAST(:road_group AS text) IS NULL OR CAST(:road_group AS text) = ANY(s.groups))
  AND (s.length_m = 0 OR surveyed_m(c.covered, s.length_m) < CAST(:share AS numeric) * s.length_m)
ORDER BY s.geom_m <-> ST_Point(:x, :y), s.code
LIMIT :most
