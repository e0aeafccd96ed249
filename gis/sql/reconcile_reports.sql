-- Where the stored reports of a window lie.
-- Parameters: from_day, to_day (dates or null for open; to exclusive).
-- Columns: in_cells, outside, no_position. BRIN index on day.
SELECT
    count(*) FILTER (WHERE cell_id IS NOT NULL) AS in_cells,
    count(*) FILTER (WHERE cell_id IS NULL AND geom IS NOT NULL) AS outside,
    count(*) FILTER (WHERE geom IS NULL) AS no_position
FROM reports
WHERE (CAST(:from_day AS date) IS NULL OR day >= CAST(:from_day AS date))
  AND (CAST(:to_day AS date) IS NULL OR day < CAST(:to_day AS date))
