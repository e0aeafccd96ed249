-- Take the staged departments (temporary table incoming_departments); what is the same stays untouched.
-- Columns: added, one row per department written, true where it is new. Index: uq_departments_code.
INSERT INTO departments (code, name, name_en)
SELECT code, name, name_en
FROM incoming_departments
ORDER BY code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, name_en = excluded.name_en
WHERE (departments.name, departments.name_en) IS DISTINCT FROM (excluded.name, excluded.name_en)
RETURNING xmax = 0 AS added
