-- A report as the case that it may open needs it.
-- Parameters: source (name), source_ref.
-- Columns: source (name), source_id, source_ref, category_id, category (kind:code), reported_at (UTC), day (of the city), lon, lat
--   (degrees; null: no position), person_id (who answered for its cell at that instant; null: nobody), amount, unit (limit of the category; null: the policy's default).
-- Primary key of reports; the exclusion constraint's index on responsibilities.
SELECT
    s.name AS source, r.source_id, r.source_ref, r.category_id, k.kind || ':' || k.code AS category, r.reported_at, r.day,
    ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, h.person_id, l.amount, l.unit
FROM reports AS r
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS k ON k.id = r.category_id
LEFT JOIN responsibilities AS h ON h.cell_id = r.cell_id AND h.valid @> r.reported_at
LEFT JOIN category_limits AS l ON l.category_id = r.category_id
WHERE s.name = :source
  AND r.source_ref = :source_ref
