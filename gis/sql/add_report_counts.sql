-- Adds packed counts to the roll-up: appends to the day's row, which is atomic whoever else writes.
-- Reads temp table new_report_counts(target, day, category_id, source_id, ids, counts).
-- In key order, so that two writers cannot deadlock. Primary key of report_counts.
INSERT INTO report_counts AS held (target, day, category_id, source_id, ids, counts)
SELECT target, day, category_id, source_id, ids, counts
FROM new_report_counts
ORDER BY target, day, category_id, source_id
ON CONFLICT (target, day, category_id, source_id)
DO UPDATE SET ids = held.ids || excluded.ids, counts = held.counts || excluded.counts
