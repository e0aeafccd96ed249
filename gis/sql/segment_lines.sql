-- The geometry of every live road segment in longitude and latitude, in the order of ground_segments.sql.
-- Columns: geom (WKB in EPSG:4326).
SELECT ST_AsBinary(geom) AS geom
FROM road_segments
WHERE retired_at IS NULL
ORDER BY code
