-- Who answers for a place at an instant: for the cell that has it (lowest code), else for its street.
-- Parameters: lon, lat (degrees, SRID 4326), at (timestamptz), street_id (int, or null).
-- Columns: person_id; at most one row. GiST indexes on cells.geom and on responsibilities (cell or area, valid).
WITH cell AS (
    SELECT id
    FROM cells
    WHERE retired_at IS NULL AND ST_Covers(geom, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))
    ORDER BY code
    LIMIT 1
)
SELECT person_id
FROM responsibilities
WHERE valid @> CAST(:at AS timestamptz)
  AND (cell_id = (SELECT id FROM cell) OR area_id = CAST(:street_id AS int))
ORDER BY cell_id IS NULL
LIMIT 1
