-- Measures, as the collection measures: polygons as drawn, points and lines widened to 5 m on either side, so that one
-- layer can hold all of them; GET /measures has them as drawn.
-- Columns: ref, kind, name, shape (point, line or polygon, as drawn), valid_from, valid_to (dates, half-open, null: still
--   there), begun (null: as valid_from), cost_yuan (null: not known), length_m, area_m2 (float8, geodesic, as drawn),
--   geom (multipolygon, SRID 4326).
-- uq_measures_ref. There are few: boxes are tested one by one.
SELECT
    m.ref, m.kind, m.name,
    CASE ST_Dimension(m.geom) WHEN 0 THEN 'point' WHEN 1 THEN 'line' ELSE 'polygon' END AS shape,
    lower(m.valid) AS valid_from, upper(m.valid) AS valid_to, m.begun, m.cost_yuan,
    CAST(m.length_m AS float8) AS length_m, CAST(m.area_m2 AS float8) AS area_m2,
    CASE ST_Dimension(m.geom)
        WHEN 2 THEN m.geom
        -- to the centimetre, as coordinates are written
        ELSE ST_Multi(ST_SnapToGrid(CAST(ST_Buffer(CAST(m.geom AS geography), 5) AS geometry), 1e-7))
    END AS geom
FROM measures AS m
