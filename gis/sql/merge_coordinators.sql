-- Take the staged coordinators (temporary table incoming_coordinators) in; what is the same stays untouched.
-- Columns: added, one row per coordinator written, true where new. Index: uq_coordinators_ref.
INSERT INTO coordinators (ref, name, area_id, tier, on_post)
SELECT i.ref, i.name, a.id, i.tier, daterange(i.first, i.stop, '[)')
FROM incoming_coordinators i
JOIN areas a ON a.code = i.area_code
ORDER BY i.ref
ON CONFLICT (ref) DO UPDATE
SET name = excluded.name, area_id = excluded.area_id, tier = excluded.tier, on_post = excluded.on_post
WHERE (coordinators.name, coordinators.area_id, coordinators.tier, coordinators.on_post)
      <> (excluded.name, excluded.area_id, excluded.tier, excluded.on_post)
RETURNING xmax = 0 AS added
