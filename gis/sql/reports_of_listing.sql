-- Which reports a listing stands for, in the order in which they were made.
-- Parameters: listing_id, row_limit.
-- Columns: source, source_ref, category (kind:code), reported_at, lon, lat (degrees; null: no position).
-- Primary keys of listing_reports and reports.
SELECT
    s.name AS source, r.source_ref, k.kind || ':' || k.code AS category, r.reported_at,
    ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat
FROM listing_reports AS m
JOIN reports AS r ON r.source_id = m.source_id AND r.source_ref = m.source_ref
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS k ON k.id = r.category_id
WHERE m.listing_id = :listing_id
ORDER BY r.reported_at, s.name, r.source_ref
LIMIT :row_limit
