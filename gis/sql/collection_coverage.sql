-- How much of each live road segment was surveyed in a period, as the collection coverage.
-- Parameters: firsts (date[] as text: first days of the ten-day periods that it consists of); share (1: of its length,
--   from which on a segment counts as surveyed).
-- Columns: code, name, class, street_code, street_name (null: in none), length_m, surveyed_m (float8 m, geodesic),
--   coverage (1; null: no length), surveyed, last_surveyed_at (in the period; null: not), geom (multilinestring, SRID 4326).
-- Unique index on road_segments.code for one segment and for pages; GiST on road_segments.geom for boxes; primary key of
--   survey_periods.
SELECT
    g.code, nullif(g.name, '') AS name, g.class, street.code AS street_code, street.name AS street_name,
    CAST(g.length_m AS float8) AS length_m, CAST(c.surveyed_m AS float8) AS surveyed_m,
    CAST(c.surveyed_m / nullif(g.length_m, 0) AS float8) AS coverage,
    g.length_m > 0 AND c.surveyed_m >= CAST(:share AS numeric) * g.length_m AS surveyed,
    c.last_at AS last_surveyed_at, g.geom
FROM road_segments AS g
LEFT JOIN areas AS held ON held.id = g.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
CROSS JOIN LATERAL (
    SELECT surveyed_m(range_agg(covered), g.length_m) AS surveyed_m, max(last_at) AS last_at
    FROM survey_periods
    WHERE segment_id = g.id AND first = ANY(CAST(:firsts AS date[]))
) AS c
WHERE g.retired_at IS NULL
