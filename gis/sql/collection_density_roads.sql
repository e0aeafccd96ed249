-- Reports per km of each live road segment, as the collection density-roads.
-- Parameters: ids, counts (int[] of the same length: segments that have reports in the window, and how many).
-- Columns: code, name, class, count, length_m (float8 m, geodesic), per_km, geom (multilinestring, SRID 4326).
-- Unique index on road_segments.code for one segment and for pages; GiST on road_segments.geom for boxes.
SELECT
    g.code, nullif(g.name, '') AS name, g.class, coalesce(h.count, 0) AS count, CAST(g.length_m AS float8) AS length_m,
    coalesce(h.count, 0) / nullif(CAST(g.length_m AS float8) / 1000, 0) AS per_km, g.geom
FROM road_segments AS g
LEFT JOIN unnest(CAST(:ids AS int[]), CAST(:counts AS int[])) AS h (id, count) ON h.id = g.id
WHERE g.retired_at IS NULL
