-- Take the staged areas (temporary table incoming_areas) of one level into the city; what is the same stays untouched.
-- Parameters: level. Columns: added, one row per area written, true where it is new. Index: uq_areas_code.
-- The parents, of higher levels, must be in already.
INSERT INTO areas (level, code, name, name_en, parent_id, parent_level, geom)
SELECT i.level, i.code, i.name, i.name_en, p.id, p.level, i.geom
FROM incoming_areas i
LEFT JOIN areas p ON p.code = i.parent_code
WHERE i.level = :level
ORDER BY i.code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name,
    name_en = coalesce(excluded.name_en, areas.name_en),
    parent_id = excluded.parent_id,
    parent_level = excluded.parent_level,
    geom = excluded.geom
WHERE (areas.name, areas.parent_id) IS DISTINCT FROM (excluded.name, excluded.parent_id)
   OR coalesce(excluded.name_en, areas.name_en) IS DISTINCT FROM areas.name_en
   OR ST_AsBinary(areas.geom) <> ST_AsBinary(excluded.geom)
RETURNING xmax = 0 AS added
