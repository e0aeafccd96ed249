-- Reports per km2 of responsible area of each live area of a level: sums over its cells, so numbers add up.
-- Parameters: level (district | street | community); ids, counts (int[] of the same length: cells that have reports in
--   the window, and how many); days (length of the window).
-- Columns: code, name, count, area_km2 (float8 km2: the sum over its cells), per_km2, per_km2_per_day (null: no cells),
--   geom (multipolygon, SRID 4326).
-- Sequential scan of cells; 100 k rows.
WITH holders AS (
    SELECT
        a.id,
        CASE :level WHEN a.level THEN a.id WHEN p.level THEN p.id WHEN g.level THEN g.id END AS area_id
    FROM areas AS a
    LEFT JOIN areas AS p ON p.id = a.parent_id
    LEFT JOIN areas AS g ON g.id = p.parent_id
),
sums AS (
    SELECT o.area_id, sum(coalesce(h.count, 0)) AS count, sum(c.area_km2) AS area_km2
    FROM cells AS c
    JOIN holders AS o ON o.id = c.area_id
    LEFT JOIN unnest(CAST(:ids AS int[]), CAST(:counts AS int[])) AS h (id, count) ON h.id = c.id
    WHERE c.retired_at IS NULL
    GROUP BY o.area_id
)
SELECT
    a.code, a.name, CAST(coalesce(s.count, 0) AS int8) AS count, CAST(coalesce(s.area_km2, 0) AS float8) AS area_km2,
    s.count / CAST(s.area_km2 AS float8) AS per_km2,
    s.count / CAST(s.area_km2 AS float8) / CAST(:days AS int) AS per_km2_per_day, a.geom
FROM areas AS a
LEFT JOIN sums AS s ON s.area_id = a.id
WHERE a.retired_at IS NULL
  AND a.level = :level
