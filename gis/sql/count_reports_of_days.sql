-- Reports of some days.
-- Parameters: first (date), start, stop (int days after it, stop exclusive). BRIN index on day.
SELECT count(*)
FROM reports
WHERE day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
