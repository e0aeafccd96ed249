-- Give the staged places (incoming_places) to a person; counts them.
-- Parameters: person_id, handover_id.
INSERT INTO responsibilities (person_id, cell_id, area_id, valid, handover_id)
SELECT :person_id, i.cell_id, i.area_id, i.valid, :handover_id
FROM incoming_places AS i
ORDER BY i.code
