-- Every live area with its geometry and the code of its parent, ascending code.
-- Columns: level, code, name, name_en, parent_code (null: the city), geom (WKB, SRID 4326).
-- Sequential scan; a few thousand rows.
SELECT a.level, a.code, a.name, a.name_en, p.code AS parent_code, ST_AsBinary(a.geom) AS geom
FROM areas a
LEFT JOIN areas p ON p.id = a.parent_id
WHERE a.retired_at IS NULL
ORDER BY a.code
