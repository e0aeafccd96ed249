-- The geometry of every live cell, in the order of ground_cells.sql.
-- Columns: geom (WKB in EPSG:4326).
SELECT ST_AsBinary(geom) AS geom
FROM cells
WHERE retired_at IS NULL
ORDER BY code
