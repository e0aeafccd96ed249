-- Special operations, the latest first.
-- Parameters: code (of one, null: all).
-- Columns: id, code, name, name_en (null: none), valid_from, valid_to (UTC, half-open), area_km2 (numeric, geodesic).
-- uq_special_operations_code for one; there are few.
SELECT id, code, name, name_en, lower(valid) AS valid_from, upper(valid) AS valid_to, area_km2
FROM special_operations
WHERE CAST(:code AS text) IS NULL
   OR code = CAST(:code AS text) COLLATE "C"
ORDER BY lower(valid) DESC, code
