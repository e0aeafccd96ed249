-- Ids of the live areas that meet a box.
-- Parameters: west, south, east, north (degrees, SRID 4326). GiST index on geom.
SELECT id
FROM areas
WHERE retired_at IS NULL
  AND ST_Intersects(geom, ST_MakeEnvelope(:west, :south, :east, :north, 4326))
