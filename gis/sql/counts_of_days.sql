-- The roll-up of some days, packed.
-- Parameters: target ('cell' | 'segment'); first (date), start, stop (int days after it, stop exclusive).
-- Columns: day, category_id, source_id, ids, counts (bytea, int32 little endian). Primary key of report_counts.
SELECT day, category_id, source_id, ids, counts
FROM report_counts
WHERE target = :target
  AND day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
