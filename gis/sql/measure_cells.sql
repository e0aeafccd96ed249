-- Live cells that measures touch, and those in a ring around them.
-- Parameters: ids (int[], measures; null: all), ring_m (float8, metres from the measure's shape),
--   from_day, to_day (dates: only measures under way or in place at some time of it, to exclusive; null: any).
-- Columns: measure_id, cell_id (int4), touched (boolean; false: within ring_m of it).
-- ix_cells_geom.
SELECT m.id AS measure_id, c.id AS cell_id, ST_Intersects(c.geom, m.geom) AS touched
FROM measures AS m
JOIN cells AS c ON c.retired_at IS NULL
    AND c.geom && CAST(ST_Buffer(CAST(m.geom AS geography), CAST(:ring_m AS float8)) AS geometry)
    AND ST_DWithin(CAST(c.geom AS geography), CAST(m.geom AS geography), CAST(:ring_m AS float8))
WHERE (CAST(:ids AS int[]) IS NULL OR m.id = ANY (CAST(:ids AS int[])))
  AND (CAST(:from_day AS date) IS NULL
       OR daterange(least(m.begun, lower(m.valid)), upper(m.valid)) && daterange(CAST(:from_day AS date), CAST(:to_day AS date)))
ORDER BY m.id, c.id
