-- Reports of some days whose cell is not the lowest code among the cells that cover them.
-- Parameters: first (date), start, stop (int days after it, stop exclusive).
-- Columns: source_id, source_ref, cell (assigned code), derived (code that PostGIS says). GiST index on cells.geom.
SELECT r.source_id, r.source_ref, held.code AS cell, derived.code AS derived
FROM reports AS r
LEFT JOIN cells AS held ON held.id = r.cell_id
LEFT JOIN LATERAL (
    SELECT c.code
    FROM cells AS c
    WHERE c.retired_at IS NULL AND ST_Covers(c.geom, r.geom)
    ORDER BY c.code
    LIMIT 1
) AS derived ON true
WHERE held.code IS DISTINCT FROM derived.code
  AND day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
