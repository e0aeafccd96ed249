-- Take the staged cells (temporary table incoming_cells) into the city; what is the same stays untouched.
-- Parameters: surveyed (bool). Columns: added, one row per cell written, true where it is new. Index: uq_cells_code.
-- A tier that is not given stays as it is, general at first.
INSERT INTO cells (code, area_id, tier, surveyed, geom)
SELECT i.code, a.id, coalesce(i.tier, c.tier, 'general'), :surveyed, i.geom
FROM incoming_cells i
JOIN areas a ON a.code = i.area_code
LEFT JOIN cells c ON c.code = i.code
ORDER BY i.code
ON CONFLICT (code) DO UPDATE
SET area_id = excluded.area_id, tier = excluded.tier, surveyed = excluded.surveyed, geom = excluded.geom
WHERE (cells.area_id, cells.tier, cells.surveyed) <> (excluded.area_id, excluded.tier, excluded.surveyed)
   OR ST_AsBinary(cells.geom) <> ST_AsBinary(excluded.geom)
RETURNING xmax = 0 AS added
