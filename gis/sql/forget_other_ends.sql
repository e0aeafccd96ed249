-- Remove stored responsibilities that a staged row (incoming_places) renews with another end: the same person, place and
-- beginning; counts them. They are added again as staged.
-- The place of a stored row is computed, so its table is scanned; as many rows as cells.
DELETE FROM responsibilities r
USING incoming_places i, persons p
WHERE p.id = r.person_id AND p.ref = i.ref
  AND coalesce(r.cell_id, -r.area_id) = i.place
  AND lower(r.valid) IS NOT DISTINCT FROM lower(i.valid)
  AND r.valid <> i.valid
