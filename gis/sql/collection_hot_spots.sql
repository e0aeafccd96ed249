-- Places tested for hot spots, with what was found out about them, on their geometry.
-- Parameters: level (cell, or a level of areas); rows (jsonb array of objects: place (id of the cell or area), count,
--   area_km2, per_km2, neighbours, z, p_sim, q, verdict, verdict_zh, note).
-- Columns: code, name (of the area; for a cell of the lowest area that holds it), count, area_km2 (float8 km2 of the cells),
--   per_km2 (null: no cells), neighbours, z, p_sim, q, verdict, verdict_zh (null: not tested), note (null: tested),
--   geom (multipolygon, SRID 4326).
-- Sequential scan of cells or areas, joined by hash; 100 k rows.
WITH places AS (
    SELECT c.id, c.code, a.name, c.geom
    FROM cells AS c
    JOIN areas AS a ON a.id = c.area_id
    WHERE :level = 'cell'
    UNION ALL
    SELECT id, code, name, geom
    FROM areas
    WHERE level = :level
)
SELECT
    p.code, p.name, r.count, r.area_km2, r.per_km2, r.neighbours, r.z, r.p_sim, r.q, r.verdict, r.verdict_zh, r.note, p.geom
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
    place int, count int8, area_km2 float8, per_km2 float8, neighbours int8, z float8, p_sim float8, q float8, verdict text,
    verdict_zh text, note text
)
JOIN places AS p ON p.id = r.place
