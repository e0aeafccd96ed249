-- One report by its identity.
-- Parameters: source (name), source_ref.
-- Columns: as in reports_page.sql. Primary key of reports.
SELECT
    s.name AS source, s.kind AS source_kind, r.source_ref, r.reported_at, r.day,
    c.kind || ':' || c.code AS category, c.name AS category_name, c.name_en AS category_name_en,
    ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, k.code AS cell, g.code AS segment, r.description, r.import_id
FROM reports AS r
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS c ON c.id = r.category_id
LEFT JOIN cells AS k ON k.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
WHERE s.name = :source
  AND r.source_ref = :source_ref
