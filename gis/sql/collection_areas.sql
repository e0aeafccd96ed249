-- The live areas of one level, as the collections districts, streets and communities.
-- Parameters: level (district | street | community).
-- Columns: code, name, name_en, parent_code, parent_name (null: none), area_km2 (float8 km2, geodesic),
--   geom (multipolygon, SRID 4326).
-- Unique index on areas.code for one area and for pages; GiST on areas.geom for boxes.
SELECT
    a.code, a.name, a.name_en, p.code AS parent_code, p.name AS parent_name,
    CAST(a.area_km2 AS float8) AS area_km2, a.geom
FROM areas AS a
LEFT JOIN areas AS p ON p.id = a.parent_id
WHERE a.retired_at IS NULL
  AND a.level = :level
