-- The reports that a case stands for.
-- Parameters: case_id.
-- Columns: source, source_ref, reported_at (UTC), lon, lat (degrees; null: no position), description.
-- Index ix_case_reports_case_id.
SELECT s.name AS source, r.source_ref, r.reported_at, ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, r.description
FROM case_reports AS c
JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
JOIN sources AS s ON s.id = r.source_id
WHERE c.case_id = :case_id
ORDER BY r.reported_at, s.name, r.source_ref
