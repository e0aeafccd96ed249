-- Reports inside a special operation, and at the same place over the same length of time just before, by category and kind
-- of source.
-- Parameters: operation (id); before_at, from_at, to_at (instants: before from before_at to from_at, during from there to
--   to_at); before_day, to_day (days of the city that hold them, to exclusive).
-- Columns: category (kind:code), name, name_en, chaos (null: none of the four), source_kind, count (during), in_cells (during,
--   in a cell), before, most during first.
-- BRIN index on day first; each point that is left is judged exactly. The polygon is read once, as it stands in a question of
-- its own, and names are looked up for the sums, not for each report.
WITH counted AS (
    SELECT
        category_id, source_id,
        count(*) FILTER (WHERE reported_at >= :from_at) AS count,
        count(cell_id) FILTER (WHERE reported_at >= :from_at) AS in_cells,
        count(*) FILTER (WHERE reported_at < :from_at) AS before
    FROM reports
    WHERE day >= :before_day
      AND day < :to_day
      AND reported_at >= :before_at
      AND reported_at < :to_at
      AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), geom)
    GROUP BY category_id, source_id
)
SELECT
    k.kind || ':' || k.code AS category, k.name, k.name_en, k.chaos, s.kind AS source_kind,
    CAST(sum(c.count) AS int8) AS count, CAST(sum(c.in_cells) AS int8) AS in_cells, CAST(sum(c.before) AS int8) AS before
FROM counted AS c
JOIN categories AS k ON k.id = c.category_id
JOIN sources AS s ON s.id = c.source_id
GROUP BY k.id, s.kind
ORDER BY sum(c.count) DESC, k.kind, k.code, s.kind
