-- The cases, as the collection cases.
-- Columns: id, state, category (kind:code), category_name, chaos (null: none), found_at (timestamptz), day (of the city),
--   cell_code, segment_code (of the report that opened it; null: in none), department (code), department_name (null: none yet), due_at,
--   ended_at (timestamptz), on_time (null: not closed), report_count, reworks, arrived_at, failed_at, enforced_at
--   (timestamptz), geom (point, SRID 4326; null: no usable position).
-- Primary keys of cases and reports; index ix_case_reports_case_id.
SELECT
    c.id, c.state, k.kind || ':' || k.code AS category, k.name AS category_name, k.chaos, c.found_at, c.day,
    e.code AS cell_code, g.code AS segment_code, d.code AS department, d.name AS department_name, c.due_at, c.ended_at,
    c.on_time, (SELECT count(*) FROM case_reports AS o WHERE o.case_id = c.id) AS report_count,
    CAST(c.reworks AS int) AS reworks, c.arrived_at, c.failed_at, c.enforced_at, c.geom
FROM cases AS c
JOIN categories AS k ON k.id = c.category_id
JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
LEFT JOIN cells AS e ON e.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
LEFT JOIN departments AS d ON d.id = c.department_id
