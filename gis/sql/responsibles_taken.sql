-- Staged rows (incoming_places) that share an instant at one place with a stored responsibility which none of them
-- renews: the same person, place and beginning is a renewal.
-- Columns: row, ref and name of the stored person, code (lowest place shared), places (how many).
-- The place of a stored row is computed, so its table is scanned; as many rows as cells.
SELECT i.row, p.ref, p.name, min(i.code) AS code, count(*) AS places
FROM incoming_places i
JOIN responsibilities r ON coalesce(r.cell_id, -r.area_id) = i.place AND r.valid && i.valid
JOIN persons p ON p.id = r.person_id
WHERE NOT EXISTS (
    SELECT FROM incoming_places n
    WHERE n.place = i.place AND n.ref = p.ref AND lower(n.valid) IS NOT DISTINCT FROM lower(r.valid)
)
GROUP BY i.row, p.ref, p.name
ORDER BY i.row, p.ref
