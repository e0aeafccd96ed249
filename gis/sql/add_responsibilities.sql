-- Add the staged responsibilities (incoming_places) that are not stored yet; counts them.
-- The place of a stored row is computed, so its table is scanned; as many rows as cells.
INSERT INTO responsibilities (person_id, cell_id, area_id, valid)
SELECT p.id, i.cell_id, i.area_id, i.valid
FROM incoming_places i
JOIN persons p ON p.ref = i.ref
WHERE NOT EXISTS (
    SELECT FROM responsibilities r
    WHERE r.person_id = p.id AND coalesce(r.cell_id, -r.area_id) = i.place AND r.valid = i.valid
)
ORDER BY i.code, i.row
