-- What imports took in of a window, by the day of the report.
-- Parameters: from_day, to_day (dates or null for open; to exclusive).
-- Columns: accepted, duplicate, rejected. Index on import_days.day.
SELECT
    coalesce(sum(accepted), 0) AS accepted,
    coalesce(sum(duplicate), 0) AS duplicate,
    coalesce(sum(rejected), 0) AS rejected
FROM import_days
WHERE (CAST(:from_day AS date) IS NULL OR day >= CAST(:from_day AS date))
  AND (CAST(:to_day AS date) IS NULL OR day < CAST(:to_day AS date))
