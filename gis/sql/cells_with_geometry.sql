-- Every live cell with its geometry and the code of its area, ascending code.
-- Columns: code, area_code, tier, geom (WKB, SRID 4326).
-- Sequential scan and sort; 100 k rows.
SELECT c.code, a.code AS area_code, c.tier, ST_AsBinary(c.geom) AS geom
FROM cells c
JOIN areas a ON a.id = c.area_id
WHERE c.retired_at IS NULL
ORDER BY c.code
