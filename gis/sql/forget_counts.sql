-- Drops the roll-up of some days.
-- Parameters: first (date), start, stop (int days after it, stop exclusive). Primary key of report_counts.
DELETE FROM report_counts
WHERE target IN ('cell', 'segment')
  AND day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
