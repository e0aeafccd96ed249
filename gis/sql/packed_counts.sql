-- The roll-up of a window, its packed arrays strung together per day chunk so that few, large rows travel.
-- Parameters: target ('cell' | 'segment'); from_day, to_day (dates of the city, to exclusive);
--   categories, sources (int[] of ids, or null for all).
-- Columns: ids, counts (bytea, int32 little endian, same length).
-- Primary key of report_counts (target, day).
SELECT string_agg(ids, ''::bytea) AS ids, string_agg(counts, ''::bytea) AS counts
FROM report_counts
WHERE target = :target
  AND day >= :from_day
  AND day < :to_day
  AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
GROUP BY day - mod(day - DATE '2000-01-01', 32)
