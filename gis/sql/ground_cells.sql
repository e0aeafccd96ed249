-- Every live cell, ascending code (the order of ranks).
-- Columns: id, code, area_id, tier, dm2 (int8, geodesic area in square decimetres = 1e-8 km2, exact).
-- Sequential scan and sort; 100 k rows.
SELECT id, code, area_id, tier, CAST(area_km2 * 100000000 AS int8) AS dm2
FROM cells
WHERE retired_at IS NULL
ORDER BY code
