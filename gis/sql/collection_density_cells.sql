-- Reports per km2 of each live cell, as the collection density-cells.
-- Parameters: ids, counts (int[] of the same length: cells that have reports in the window, and how many); days (length
--   of the window).
-- Columns: code, name (of the lowest area that holds the cell), tier, count, area_km2 (float8 km2, geodesic), per_km2,
--   per_km2_per_day, geom (multipolygon, SRID 4326).
-- Unique index on cells.code for one cell and for pages; GiST on cells.geom for boxes.
SELECT
    c.code, a.name, c.tier, coalesce(h.count, 0) AS count, CAST(c.area_km2 AS float8) AS area_km2,
    coalesce(h.count, 0) / CAST(c.area_km2 AS float8) AS per_km2,
    coalesce(h.count, 0) / CAST(c.area_km2 AS float8) / CAST(:days AS int) AS per_km2_per_day, c.geom
FROM cells AS c
JOIN areas AS a ON a.id = c.area_id
LEFT JOIN unnest(CAST(:ids AS int[]), CAST(:counts AS int[])) AS h (id, count) ON h.id = c.id
WHERE c.retired_at IS NULL
