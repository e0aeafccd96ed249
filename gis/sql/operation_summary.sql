-- Reports inside a special operation, and at the same place over the same length of time just before, by category and kind
-- of source.
-- Parameters: operation (id); before_at, from_at, to_at (instants: before from before_at to from_at, during from there to
--   to_at); before_day, to_day (days of the city that hold them, to exclusive).
-- Columns: category (kind:code), name, name_en, chaos (null: none of the four), source_kind, count (during), in_cells (during,
--   in a cell), before, most during first.
-- BRIN index on day first; each point that is left is judged exactly.
SELECT
    k.kind || ':' || k.code AS category, k.name, k.name_en, k.chaos, s.kind AS source_kind,
    count(*) FILTER (WHERE r.reported_at >= :from_at) AS count,
    count(r.cell_id) FILTER (WHERE r.reported_at >= :from_at) AS in_cells,
    count(*) FILTER (WHERE r.reported_at < :from_at) AS before
FROM reports AS r
JOIN special_operations AS o ON o.id = :operation
JOIN categories AS k ON k.id = r.category_id
JOIN sources AS s ON s.id = r.source_id
WHERE r.day >= :before_day
  AND r.day < :to_day
  AND r.reported_at >= :before_at
  AND r.reported_at < :to_at
  AND ST_Covers(o.geom, r.geom)
GROUP BY k.id, s.kind
ORDER BY count(*) FILTER (WHERE r.reported_at >= :from_at) DESC, k.kind, k.code, s.kind
