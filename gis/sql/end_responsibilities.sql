-- End what is held at an instant at the staged places (incoming_places): what was before stays as it was.
-- Parameters: at (instant). Columns: ref, name (of whoever held it), one row for each place.
-- As many rows of responsibilities are read as there are.
UPDATE responsibilities AS r
SET valid = tstzrange(lower(r.valid), CAST(:at AS timestamptz), CASE WHEN lower_inc(r.valid) THEN '[)' ELSE '()' END)
FROM incoming_places AS i, persons AS p
WHERE coalesce(r.cell_id, -r.area_id) = i.place
  AND r.valid @> CAST(:at AS timestamptz)
  AND p.id = r.person_id
RETURNING p.ref, p.name
