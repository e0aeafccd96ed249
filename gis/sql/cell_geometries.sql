-- The geometry of every live cell, in the order of ground_cells.sql.
-- Columns: geom (hex EWKB, SRID 4326).
SELECT geom::text AS geom
FROM cells
WHERE retired_at IS NULL
ORDER BY code
