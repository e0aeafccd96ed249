-- Reports of a window that belong to no case yet, in the order in which they were made.
-- Parameters: from_day, to_day (dates of the city, to exclusive); categories, sources (int[] of ids, or null for all).
-- Columns: source (name), source_ref.
-- BRIN index on day; primary key of case_reports.
SELECT s.name AS source, r.source_ref
FROM reports AS r
JOIN sources AS s ON s.id = r.source_id
WHERE r.day >= :from_day
  AND r.day < :to_day
  AND (CAST(:categories AS int[]) IS NULL OR r.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR r.source_id = ANY (CAST(:sources AS int[])))
  AND NOT EXISTS (SELECT FROM case_reports AS c WHERE c.source_id = r.source_id AND c.source_ref = r.source_ref)
ORDER BY r.reported_at, r.source_id, r.source_ref
