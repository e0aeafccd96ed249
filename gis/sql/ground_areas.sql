-- Every live area without its geometry, ascending code.
-- Columns: id, level, code, name, name_en, parent_id, area_km2 (numeric km2, geodesic).
SELECT id, level, code, name, name_en, parent_id, area_km2
FROM areas
WHERE retired_at IS NULL
ORDER BY code
