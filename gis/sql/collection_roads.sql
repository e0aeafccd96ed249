-- The live road segments, as the collection roads.
-- Columns: code, name, class, groups (names of the sets it belongs to, space between; null: none), length_m (float8 m,
--   geodesic), geom (multilinestring, SRID 4326).
-- Unique index on road_segments.code for one segment and for pages; GiST on road_segments.geom for boxes.
SELECT
    code, nullif(name, '') AS name, class, nullif(array_to_string(groups, ' '), '') AS groups,
    CAST(length_m AS float8) AS length_m, geom
FROM road_segments
WHERE retired_at IS NULL
