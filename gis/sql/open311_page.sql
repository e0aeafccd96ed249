-- Which reports are on a page of service requests, newest first.
-- Parameters: from_at, to_at (instants, both included); from_day, to_day (dates of the city that hold the window, both
--   included); categories (int[] of ids, null: all); closed (true: whose case is closed or void; false: the others; null:
--   all); row_limit, row_offset.
-- Columns: source_id, source_ref.
-- BRIN index on reports.day; primary keys of case_reports and cases (neither is looked at where closed is null).
SELECT r.source_id, r.source_ref
FROM reports AS r
LEFT JOIN case_reports AS b ON b.source_id = r.source_id AND b.source_ref = r.source_ref
LEFT JOIN cases AS c ON c.id = b.case_id
WHERE r.day BETWEEN CAST(:from_day AS date) AND CAST(:to_day AS date)
  AND r.reported_at BETWEEN CAST(:from_at AS timestamptz) AND CAST(:to_at AS timestamptz)
  AND (CAST(:categories AS int[]) IS NULL OR r.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:closed AS bool) IS NULL
       OR CAST(:closed AS bool) = (c.id IS NOT NULL AND c.ended_at IS NOT NULL))
ORDER BY r.reported_at DESC, r.source_id, r.source_ref
LIMIT :row_limit OFFSET :row_offset
