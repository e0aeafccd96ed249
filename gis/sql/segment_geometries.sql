-- The geometry of every live road segment, in the order of ground_segments.sql.
-- Columns: geom (hex EWKB in the city's metric CRS, SRID 0).
SELECT geom_m::text AS geom
FROM road_segments
WHERE retired_at IS NULL
ORDER BY code
