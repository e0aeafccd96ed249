-- One row per report of some days, as the roll-up counts them.
-- Parameters: first (date), start, stop (int days after it, stop exclusive); outside, no_position (ids that stand for these).
-- Columns: day, category_id, source_id, cell_id, segment_id (int4, never null). BRIN index on day.
SELECT
    day,
    category_id,
    source_id,
    coalesce(cell_id, CASE WHEN geom IS NULL THEN CAST(:no_position AS int) ELSE CAST(:outside AS int) END) AS cell_id,
    coalesce(segment_id, CASE WHEN geom IS NULL THEN CAST(:no_position AS int) ELSE CAST(:outside AS int) END) AS segment_id
FROM reports
WHERE day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
