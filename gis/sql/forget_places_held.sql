-- Leave the places out of the staged ones (incoming_places) that the person holds already for all the time; counts them.
-- Parameters: ref (of the person).
-- As many rows of responsibilities are read as there are.
DELETE FROM incoming_places AS i
USING responsibilities AS r, persons AS p
WHERE p.id = r.person_id
  AND p.ref = :ref
  AND coalesce(r.cell_id, -r.area_id) = i.place
  AND r.valid @> i.valid
