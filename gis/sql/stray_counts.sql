-- Rows of the roll-up outside all stretches of days that hold reports, which is where the comparison does not look.
-- Parameters: first (date or null), days (int, length of a stretch), stretches (int[], as stretches_of_reports.sql).
-- Columns: one int8. Sequential scan.
SELECT count(*)
FROM report_counts
WHERE CAST(:first AS date) IS NULL
   OR floor((day - CAST(:first AS date)) / CAST(:days AS float8)) <> ALL (CAST(:stretches AS int[]))
