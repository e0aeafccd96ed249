-- Rows of the roll-up on days that have no report at all within reach of the comparison by days.
-- Columns: one int8.
SELECT count(*)
FROM report_counts
WHERE day < (SELECT coalesce(min(day), 'infinity') FROM reports)
   OR day > (SELECT coalesce(max(day), '-infinity') FROM reports)
