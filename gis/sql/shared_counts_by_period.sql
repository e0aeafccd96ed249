-- Reports of a window that stand on a flagged coordinate, by coordinate, category and sub-period.
-- Parameters: from_day, to_day (to exclusive); categories, sources (int[] of ids, or null for all);
--   starts (date[]: first day of each sub-period, ascending, the first one from_day).
-- Columns: lon, lat (WGS 84 degrees); cell_id, segment_id (0: none); category_id; period (0 for the first); reports.
-- BRIN index on day; few flagged coordinates are hashed.
SELECT flagged.lon,
       flagged.lat,
       coalesce(cell_id, 0) AS cell_id,
       coalesce(segment_id, 0) AS segment_id,
       category_id,
       width_bucket(day, CAST(:starts AS date[])) - 1 AS period,
       count(*) AS reports
FROM reports
JOIN shared_positions AS flagged ON flagged.lon = ST_X(geom) AND flagged.lat = ST_Y(geom)
WHERE day >= :from_day
  AND day < :to_day
  AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3, 4, 5, 6
