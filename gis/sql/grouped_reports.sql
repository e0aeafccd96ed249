-- The roll-up of some days as the reports themselves say.
-- Parameters: target ('cell' | 'segment'); first (date), start, stop (int days after it, stop exclusive);
--   outside, no_position (ids that stand for these).
-- Columns: day, category_id, source_id, id (int4), count (int8). BRIN index on day.
SELECT
    day,
    category_id,
    source_id,
    coalesce(
        CASE WHEN :target = 'cell' THEN cell_id ELSE segment_id END,
        CASE WHEN geom IS NULL THEN CAST(:no_position AS int) ELSE CAST(:outside AS int) END
    ) AS id,
    count(*)
FROM reports
WHERE day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
GROUP BY 1, 2, 3, 4
