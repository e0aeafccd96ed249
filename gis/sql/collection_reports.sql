-- The stored reports, as the collection reports.
-- Columns: source_id (hidden, orders pages), id (source:source_ref; % and : of the source written %25 and %3A), source,
--   source_kind, source_ref, reported_at (timestamptz), day (of the city), category (kind:code), category_name,
--   category_name_en, chaos (null: none), cell_code, segment_code (null: in none), description,
--   geom (point, SRID 4326; null: no usable position).
-- Primary key of reports for one report and for pages; BRIN index on day.
SELECT
    r.source_id,
    replace(replace(s.name, '%', '%25'), ':', '%3A') || ':' || r.source_ref AS id,
    s.name AS source, s.kind AS source_kind, r.source_ref, r.reported_at, r.day,
    k.kind || ':' || k.code AS category, k.name AS category_name, k.name_en AS category_name_en, k.chaos,
    c.code AS cell_code, g.code AS segment_code, r.description, r.geom
FROM reports AS r
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS k ON k.id = r.category_id
LEFT JOIN cells AS c ON c.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
