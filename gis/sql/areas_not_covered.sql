-- Which of these areas their own live cells do not cover.
-- Parameters: codes (text[]), share (below which an area is named, 0 to 1).
-- Columns: code, covered (0 to 1), missing_m2 (geodesic). Indexes: uq_areas_code, ix_cells_area_id.
SELECT a.code, sum(c.area_km2) / a.area_km2 AS covered, (a.area_km2 - sum(c.area_km2)) * 1000000 AS missing_m2
FROM areas a
JOIN cells c ON c.area_id = a.id AND c.retired_at IS NULL
WHERE a.code = ANY(:codes)
GROUP BY a.id
HAVING sum(c.area_km2) < a.area_km2 * :share
ORDER BY a.code
