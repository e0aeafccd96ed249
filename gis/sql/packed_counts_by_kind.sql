-- The roll-up of a window by category and source, packed arrays strung together.
-- Parameters: target ('cell' | 'segment'); from_day, to_day (dates of the city, to exclusive).
-- Columns: category_id, source_id; ids, counts (bytea, int32 little endian, same length).
-- Primary key of report_counts (target, day).
SELECT category_id, source_id, string_agg(ids, ''::bytea) AS ids, string_agg(counts, ''::bytea) AS counts
FROM report_counts
WHERE target = :target AND day >= :from_day AND day < :to_day
GROUP BY category_id, source_id
