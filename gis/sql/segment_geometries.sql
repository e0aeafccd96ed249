-- The geometry of every live road segment, in the order of ground_segments.sql.
-- Columns: geom (WKB in the city's metric CRS).
SELECT ST_AsBinary(geom_m) AS geom
FROM road_segments
WHERE retired_at IS NULL
ORDER BY code
