-- How much each person answers for at an instant: who holds too much.
-- Parameters: place (code of an area: what lies in it or is it, null: the whole city); at (instant).
-- Columns: ref, person, phone, cells (how many), cells_km2 (numeric, geodesic, exact), areas (codes of those that he or she
--   heads, in order), most cells first.
-- As many rows of responsibilities are read as there are.
SELECT
    h.ref, h.name AS person, h.phone, count(c.id) AS cells, coalesce(sum(c.area_km2), 0) AS cells_km2,
    coalesce(array_agg(a.code ORDER BY a.code) FILTER (WHERE a.id IS NOT NULL), '{}') AS areas
FROM responsibilities AS r
JOIN persons AS h ON h.id = r.person_id
LEFT JOIN cells AS c ON c.id = r.cell_id
LEFT JOIN areas AS a ON a.id = r.area_id
WHERE r.valid @> CAST(:at AS timestamptz)
  AND coalesce(c.retired_at, a.retired_at) IS NULL
  AND (CAST(:place AS text) IS NULL
       OR (coalesce(c.code, a.code) >= CAST(:place AS text) COLLATE "C"
           AND coalesce(c.code, a.code) < CAST(:place AS text) COLLATE "C" || ':'))
GROUP BY h.id
ORDER BY count(c.id) DESC, sum(c.area_km2) DESC NULLS LAST, h.ref
