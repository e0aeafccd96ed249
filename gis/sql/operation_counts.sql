-- Reports inside a special operation: the polygon covers the point (its edge included) and the window the instant.
-- Parameters: operation (id); from_at, to_at (instants, half-open) and from_day, to_day (days of the city that hold them);
--   target ('cell' | 'segment'); categories, sources (int[] of ids, or null for all); without_shared (bool: leave out flagged
--   coordinates); starts (date[]: first day of each sub-period, ascending, the first one from_day).
-- Columns: id (of the cell or segment, 0: in none), category_id, period (0 for the first sub-period), reports.
-- BRIN index on day first; each point that is left is judged exactly. The polygon is read once, as it
-- stands in a question of its own: joined, it would be read and prepared again for every report.
SELECT
    coalesce(CASE WHEN :target = 'cell' THEN r.cell_id ELSE r.segment_id END, 0) AS id,
    r.category_id,
    width_bucket(r.day, CAST(:starts AS date[])) - 1 AS period,
    count(*) AS reports
FROM reports AS r
WHERE r.day >= :from_day
  AND r.day < :to_day
  AND r.reported_at >= :from_at
  AND r.reported_at < :to_at
  AND (CAST(:categories AS int[]) IS NULL OR r.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR r.source_id = ANY (CAST(:sources AS int[])))
  AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), r.geom)
  AND NOT (
      :without_shared
      AND EXISTS (SELECT FROM shared_positions AS f WHERE f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom))
  )
GROUP BY 1, 2, 3
