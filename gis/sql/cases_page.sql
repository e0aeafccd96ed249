-- A page of cases, oldest first.
-- Parameters: case_id (null: any); states (text[], null: any); from_day, to_day (dates of the city on which the problem was found,
--   to exclusive; null: any); categories (int[] of ids, null: any); department (code, null: any); place (code of a cell or
--   area: what it begins with, null: any); due_before (instant; null: any) only open cases whose time is up
--   before it; operation (id of a special operation: only problems that its polygon covers) with from_at, to_at (instants,
--   half-open), all null: anywhere; after_id (0: from the beginning); row_limit.
-- Columns: id, state, events, category (kind:code), category_name, category_name_en, chaos, source, source_ref, found_at (UTC), day,
--   lon, lat (degrees; null: no position), cell, street_code, street, segment, department, department_name, responsible (ref),
--   responsible_name, limit_unit, allowed_s, used_s (seconds of the case's clock), due_at, on_time, ended_at, report_count, tasks, open_tasks, confirmed, reworks, extensions, returns, arrived_at, failed_at, enforced_at, merged_into,
--   description.
-- Primary key of cases, ix_cases_day, ix_cases_open_due.
SELECT
    c.id, c.state, c.events, k.kind || ':' || k.code AS category, k.name AS category_name,
    k.name_en AS category_name_en, k.chaos, s.name AS source, c.source_ref, c.found_at, c.day,
    ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat, e.code AS cell, a.code AS street_code, a.name AS street,
    g.code AS segment, d.code AS department, d.name AS department_name, p.ref AS responsible,
    p.name AS responsible_name, c.limit_unit,
    CAST(extract(epoch FROM c.allowed) AS float8) AS allowed_s, CAST(extract(epoch FROM c.used) AS float8) AS used_s,
    c.due_at, c.on_time, c.ended_at,
    (SELECT count(*) FROM case_reports AS o WHERE o.case_id = c.id) AS report_count,
    c.tasks, c.open_tasks, c.confirmed, c.reworks, c.extensions, c.returns, c.arrived_at, c.failed_at,
    c.enforced_at, c.merged_into, r.description
FROM cases AS c
JOIN categories AS k ON k.id = c.category_id
JOIN sources AS s ON s.id = c.source_id
JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
LEFT JOIN cells AS e ON e.id = r.cell_id
LEFT JOIN areas AS l ON l.id = e.area_id
LEFT JOIN areas AS u ON u.id = l.parent_id
LEFT JOIN areas AS a ON a.id = CASE 'street' WHEN l.level THEN l.id WHEN u.level THEN u.id END
LEFT JOIN road_segments AS g ON g.id = r.segment_id
LEFT JOIN departments AS d ON d.id = c.department_id
LEFT JOIN persons AS p ON p.id = c.person_id
WHERE (CAST(:case_id AS int8) IS NULL OR c.id = :case_id)
  AND c.id > :after_id
  AND (CAST(:states AS text[]) IS NULL OR c.state = ANY (CAST(:states AS text[])))
  AND (CAST(:from_day AS date) IS NULL OR c.day >= :from_day)
  AND (CAST(:to_day AS date) IS NULL OR c.day < :to_day)
  AND (CAST(:categories AS int[]) IS NULL OR c.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:department AS text) IS NULL OR d.code = :department)
  AND (CAST(:place AS text) IS NULL
       OR (e.code >= CAST(:place AS text) COLLATE "C" AND e.code < CAST(:place AS text) COLLATE "C" || ':'))
  AND (CAST(:operation AS int) IS NULL
       OR (c.found_at >= CAST(:from_at AS timestamptz)
           AND c.found_at < CAST(:to_at AS timestamptz)
           AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), c.geom)))
  AND (CAST(:due_before AS timestamptz) IS NULL OR (c.ended_at IS NULL AND c.due_at < :due_before))
ORDER BY c.id
LIMIT :row_limit
