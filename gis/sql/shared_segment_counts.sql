-- Reports of a window that stand on a flagged coordinate, by segment.
-- Parameters: from_day, to_day (to exclusive); categories, sources (int[] of ids, or null for all).
-- Columns: id (of the segment), reports. BRIN index on day; few flagged coordinates are hashed.
SELECT segment_id, count(*)
FROM reports
JOIN shared_positions AS flagged ON flagged.lon = ST_X(geom) AND flagged.lat = ST_Y(geom)
WHERE segment_id IS NOT NULL
  AND day >= :from_day
  AND day < :to_day
  AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
GROUP BY segment_id
