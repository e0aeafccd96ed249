-- Service requests: reports with what the case they belong to says.
-- Parameters: source_ids (int2[]), source_refs (text[] of the same length): which reports, in the order of the answer;
--   moves (text[]): the moves that explain a state.
-- Columns: source, source_kind, source_ref, category (kind:code), category_name, category_name_en, description,
--   reported_at (UTC), lon, lat (degrees, null: no position), cell, segment (codes, null: none), address, address_id,
--   media_url, case_id, state (null: no case), due_at, last_at, department, department_en (names), reports (of the
--   case), move, reason (the last of `moves`).
-- Primary keys of reports, case_reports, cases, case_events; index on case_reports.case_id.
SELECT
    s.name AS source, s.kind AS source_kind, r.source_ref, k.kind || ':' || k.code AS category,
    k.name AS category_name, k.name_en AS category_name_en, r.description, r.reported_at,
    ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, e.code AS cell, g.code AS segment,
    o.address, o.address_id, o.media_url,
    c.id AS case_id, c.state, c.due_at, c.last_at,
    d.name AS department, coalesce(d.name_en, d.name) AS department_en,
    (SELECT count(*) FROM case_reports AS n WHERE n.case_id = c.id) AS reports,
    h.move, h.reason
FROM unnest(CAST(:source_ids AS int2[]), CAST(:source_refs AS text[])) WITH ORDINALITY AS w (source_id, source_ref, place)
JOIN reports AS r ON r.source_id = w.source_id AND r.source_ref = w.source_ref
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS k ON k.id = r.category_id
LEFT JOIN cells AS e ON e.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
LEFT JOIN open311_requests AS o ON o.source_id = r.source_id AND o.source_ref = r.source_ref
LEFT JOIN case_reports AS b ON b.source_id = r.source_id AND b.source_ref = r.source_ref
LEFT JOIN cases AS c ON c.id = b.case_id
LEFT JOIN departments AS d ON d.id = c.department_id
LEFT JOIN LATERAL (
    SELECT v.move, v.reason
    FROM case_events AS v
    WHERE v.case_id = c.id
      AND v.move = ANY (CAST(:moves AS text[]))
    ORDER BY v.number DESC
    LIMIT 1
) AS h ON true
ORDER BY w.place
