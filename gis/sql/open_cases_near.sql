-- Open cases of a category and window in a box, as candidates for a duplicate.
-- Parameters: category_id; first, after (days of the city, after exclusive); west, south, east, north (degrees, SRID 4326).
-- Columns: id, lon, lat (degrees).
-- Partial GiST index ix_cases_open_geom.
SELECT id, ST_X(geom) AS lon, ST_Y(geom) AS lat
FROM cases
WHERE state NOT IN ('closed', 'void')
  AND category_id = :category_id
  AND day >= :first
  AND day < :after
  AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
ORDER BY id
