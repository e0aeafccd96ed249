-- Other measures that touch the same cells and are under way or in place at some time of a window.
-- Parameters: id (the measure that is asked about), cells (int[], ids of the cells that it touches), from_day, to_day
--   (dates, to exclusive).
-- Columns: ref.
-- ix_measures_geom.
SELECT m.ref
FROM measures AS m
WHERE m.id <> :id
  AND daterange(least(m.begun, lower(m.valid)), upper(m.valid)) && daterange(CAST(:from_day AS date), CAST(:to_day AS date))
  AND EXISTS (SELECT FROM cells AS c WHERE c.id = ANY (CAST(:cells AS int[])) AND ST_Intersects(c.geom, m.geom))
ORDER BY m.ref
