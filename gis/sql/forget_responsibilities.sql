-- Remove what is stored for the places of the staged rows (incoming_places) and is neither in them nor renewed by them;
-- counts the responsibilities removed.
-- The place of a stored row is computed, so its table is scanned; as many rows as cells.
DELETE FROM responsibilities r
USING persons p
WHERE p.id = r.person_id
  AND coalesce(r.cell_id, -r.area_id) IN (SELECT i.place FROM incoming_places i)
  AND NOT EXISTS (
    SELECT FROM incoming_places i
    WHERE i.place = coalesce(r.cell_id, -r.area_id) AND i.ref = p.ref AND lower(i.valid) IS NOT DISTINCT FROM lower(r.valid)
  )
