-- Positions of the reports of a window, within a box or outside all cells.
-- Parameters: from_day, to_day (dates of the city, to exclusive); categories, sources (int[] of ids, or null for all);
--   west, south, east, north (degrees, all null for anywhere); outside (only those in no cell); without_shared (leave out
--   those on flagged coordinates).
-- Columns: lon, lat (degrees, WGS 84).
-- BRIN index on day.
SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat
FROM reports
WHERE geom IS NOT NULL
  AND day >= :from_day
  AND day < :to_day
  AND (NOT :outside OR cell_id IS NULL)
  AND (CAST(:west AS float8) IS NULL OR geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326))
  AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
  AND (NOT :without_shared OR NOT EXISTS (
      SELECT FROM shared_positions AS flagged WHERE flagged.lon = ST_X(geom) AND flagged.lat = ST_Y(geom)
  ))
