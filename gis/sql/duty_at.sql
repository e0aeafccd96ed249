-- Who answers for each live cell, and for each live area, at an instant; places where nobody does included.
-- Parameters: level ('cell' | 'community' | 'street' | 'district', null: all); place (code of an area: what lies in it or is
--   it, null: the whole city); at (instant).
-- Columns: level, id (of the cell or area), code, name (a cell's is that of its lowest area), ref, person, phone (null:
--   nobody), since, until (UTC, null: open), in code order of each level, highest first.
-- uq_cells_code, uq_areas_code for one place; else as many rows as places. Codes of what lies below an area begin with its own.
WITH places AS (
    SELECT a.level, a.id, -a.id AS place, a.code, a.name
    FROM areas AS a
    WHERE a.retired_at IS NULL
      AND (CAST(:level AS text) IS NULL OR a.level = :level)
    UNION ALL
    SELECT 'cell', c.id, c.id, c.code, a.name
    FROM cells AS c
    JOIN areas AS a ON a.id = c.area_id
    WHERE c.retired_at IS NULL
      AND (CAST(:level AS text) IS NULL OR :level = 'cell')
)
SELECT
    p.level, p.id, p.code, p.name, h.ref, h.name AS person, h.phone, lower(r.valid) AS since, upper(r.valid) AS until
FROM places AS p
LEFT JOIN responsibilities AS r ON coalesce(r.cell_id, -r.area_id) = p.place AND r.valid @> CAST(:at AS timestamptz)
LEFT JOIN persons AS h ON h.id = r.person_id
WHERE CAST(:place AS text) IS NULL
   OR (p.code >= CAST(:place AS text) COLLATE "C" AND p.code < CAST(:place AS text) COLLATE "C" || ':')
ORDER BY array_position(ARRAY['district', 'street', 'community', 'cell'], p.level), p.code
