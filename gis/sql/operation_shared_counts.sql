-- Reports inside a special operation that stand on a flagged coordinate, by coordinate, category and sub-period.
-- Parameters: operation, from_at, to_at, from_day, to_day, categories, sources, starts as in operation_counts.sql.
-- Columns: lon, lat (WGS 84 degrees); cell_id, segment_id (0: none); category_id; period (0 for the first); reports.
-- BRIN index on day; few flagged coordinates are hashed.
SELECT
    f.lon, f.lat, coalesce(r.cell_id, 0) AS cell_id, coalesce(r.segment_id, 0) AS segment_id, r.category_id,
    width_bucket(r.day, CAST(:starts AS date[])) - 1 AS period, count(*) AS reports
FROM reports AS r
JOIN shared_positions AS f ON f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom)
WHERE r.day >= :from_day
  AND r.day < :to_day
  AND r.reported_at >= :from_at
  AND r.reported_at < :to_at
  AND (CAST(:categories AS int[]) IS NULL OR r.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR r.source_id = ANY (CAST(:sources AS int[])))
  AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), r.geom)
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2, 3, 4, 5, 6
