-- Who answers for cells and areas from now on.
-- Columns: cell_id, area_id (one of both), ref, name, phone, valid_from, valid_to (UTC epoch seconds, null: open).
-- Sequential scan; few rows are in the past only.
SELECT
    r.cell_id,
    r.area_id,
    p.ref,
    p.name,
    p.phone,
    extract(epoch FROM lower(r.valid))::float8 AS valid_from,
    extract(epoch FROM upper(r.valid))::float8 AS valid_to
FROM responsibilities AS r
JOIN persons AS p ON p.id = r.person_id
WHERE upper_inf(r.valid) OR upper(r.valid) > now()
ORDER BY r.id
