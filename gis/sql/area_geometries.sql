-- The geometry of every live area, in the order of ground_areas.sql.
-- Columns: geom (WKB in EPSG:4326).
SELECT ST_AsBinary(geom) AS geom
FROM areas
WHERE retired_at IS NULL
ORDER BY code
