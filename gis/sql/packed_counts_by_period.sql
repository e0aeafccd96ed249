-- The roll-up of a window by category and sub-period, packed arrays strung together.
-- Parameters: target ('cell' | 'segment'); from_day, to_day (dates of the city, to exclusive);
--   categories, sources (int[] of ids, or null for all); starts (date[]: first day of each sub-period, ascending,
--   the first one from_day).
-- Columns: category_id; period (int, 0 for the first sub-period); ids, counts (bytea, int32 little endian, same length).
-- Primary key of report_counts (target, day).
SELECT category_id,
       width_bucket(day, CAST(:starts AS date[])) - 1 AS period,
       string_agg(ids, ''::bytea) AS ids,
       string_agg(counts, ''::bytea) AS counts
FROM report_counts
WHERE target = :target
  AND day >= :from_day
  AND day < :to_day
  AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
GROUP BY 1, 2
