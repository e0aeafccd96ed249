-- The live grid cells, as the collection cells.
-- Columns: code, area_code, area_name (the lowest area that holds the cell), tier (key | secondary | general),
--   surveyed (false: cut by the lattice), area_km2 (float8 km2, geodesic), geom (multipolygon, SRID 4326).
-- Every cell has an area; a left join can be left out where nothing of it is asked for.
-- Unique index on cells.code for one cell and for pages; GiST on cells.geom for boxes.
SELECT
    c.code, a.code AS area_code, a.name AS area_name, c.tier, c.surveyed,
    CAST(c.area_km2 AS float8) AS area_km2, c.geom
FROM cells AS c
LEFT JOIN areas AS a ON a.id = c.area_id
WHERE c.retired_at IS NULL
