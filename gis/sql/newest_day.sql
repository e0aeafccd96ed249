-- The newest day that has reports; null where there are none.
-- Columns: day (of the city).
-- Primary key of report_counts (target, day).
SELECT max(day) AS day
FROM report_counts
WHERE target = 'cell'
