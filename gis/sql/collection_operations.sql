-- Special operations, as the collection operations.
-- Columns: code, name, name_en (null: none), valid_from, valid_to (timestamptz, half-open), area_km2 (float8 km2, geodesic),
--   geom (multipolygon, SRID 4326).
-- uq_special_operations_code; ix_special_operations_geom for boxes.
SELECT
    o.code, o.name, o.name_en, lower(o.valid) AS valid_from, upper(o.valid) AS valid_to,
    CAST(o.area_km2 AS float8) AS area_km2, o.geom
FROM special_operations AS o
