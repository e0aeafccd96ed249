-- Every live road segment, ascending code, as tracks are matched to it.
-- Columns: id, length_m (float8 m, geodesic), geom_m (WKB in the city's metric CRS).
SELECT id, CAST(length_m AS float8) AS length_m, ST_AsBinary(geom_m) AS geom_m
FROM road_segments
WHERE retired_at IS NULL
ORDER BY code
