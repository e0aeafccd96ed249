-- The first and the last day that have reports; null where there are none.
-- Columns: first, last (dates of the city).
-- Primary key of report_counts (target, day).
SELECT min(day) AS first, max(day) AS last
FROM report_counts
WHERE target = 'cell'
