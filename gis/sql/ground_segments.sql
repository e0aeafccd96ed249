-- Every live road segment, ascending code (the order of ranks).
-- Columns: id, code, name, class, length_m (numeric m, geodesic).
SELECT id, code, name, class, length_m
FROM road_segments
WHERE retired_at IS NULL
ORDER BY code
