-- Spread the staged rows (temporary table incoming_responsibles) over the places they mean, as temporary table
-- incoming_places: row, ref, cell_id or area_id, place (the cell's id, or the area's below 0), code of the place, valid
-- (tstzrange); counts the places.
-- Indexes: uq_cells_code, uq_areas_code. Codes of what lies below an area begin with its own; ':' comes after '9'.
CREATE TEMPORARY TABLE incoming_places ON COMMIT DROP AS
SELECT i.row, i.ref, c.id AS cell_id, NULL::integer AS area_id, c.id AS place, c.code, tstzrange(i.first, i.stop, '[)') AS valid
FROM incoming_responsibles i
JOIN cells c ON c.code = i.code AND c.retired_at IS NULL
WHERE i.scope = 'cell'
UNION ALL
SELECT i.row, i.ref, c.id, NULL, c.id, c.code, tstzrange(i.first, i.stop, '[)')
FROM incoming_responsibles i
JOIN cells c ON c.code >= i.code AND c.code < i.code || ':' AND c.retired_at IS NULL
WHERE i.scope = 'cells'
UNION ALL
SELECT i.row, i.ref, NULL, a.id, -a.id, a.code, tstzrange(i.first, i.stop, '[)')
FROM incoming_responsibles i
JOIN areas a ON a.code = i.code
WHERE i.scope = 'area'
