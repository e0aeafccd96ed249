-- Which stretches of days hold reports, so that decades without any cost nothing.
-- Parameters: first (date of the earliest report), days (int, length of a stretch).
-- Columns: stretch (int4, number 0 begins at first), ascending. Reads every report.
SELECT DISTINCT (day - CAST(:first AS date)) / CAST(:days AS int) AS stretch
FROM reports
ORDER BY 1
