-- Ids of the live road_segments that meet a box.
-- Parameters: west, south, east, north (degrees, SRID 4326). GiST index on geom.
SELECT id
FROM road_segments
WHERE retired_at IS NULL
  AND ST_Intersects(geom, ST_MakeEnvelope(:west, :south, :east, :north, 4326))
