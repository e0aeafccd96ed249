-- Measures, by ref.
-- Parameters: ref (of one, null: all), kind (null: any), on_day (date on which they are in place, null: any).
-- Columns: id, ref, kind, name, valid_from, valid_to (dates, half-open, null: still there), begun (date, null: as
--   valid_from), cost_yuan (null: not known), shape (point, line or polygon), length_m, area_m2 (numeric, geodesic).
-- uq_measures_ref for one; there are few.
SELECT
    id, ref, kind, name, lower(valid) AS valid_from, upper(valid) AS valid_to, begun, cost_yuan,
    CASE ST_Dimension(geom) WHEN 0 THEN 'point' WHEN 1 THEN 'line' ELSE 'polygon' END AS shape,
    length_m, area_m2
FROM measures
WHERE (CAST(:ref AS text) IS NULL OR ref = CAST(:ref AS text) COLLATE "C")
  AND (CAST(:kind AS text) IS NULL OR kind = CAST(:kind AS text) COLLATE "C")
  AND (CAST(:on_day AS date) IS NULL OR valid @> CAST(:on_day AS date))
ORDER BY ref
