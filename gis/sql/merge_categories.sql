-- Take the staged categories (temporary table incoming_categories) into the dictionary; what is the same stays untouched.
-- Columns: added, one row per category written, true where it is new. Index: uq_categories_standard_ref_kind_code.
INSERT INTO categories (standard_ref, kind, code, name, name_en, domain, chaos)
SELECT standard_ref, kind, code, name, name_en, coalesce(domain, 'other'), chaos
FROM incoming_categories
ORDER BY standard_ref, kind, code
ON CONFLICT (standard_ref, kind, code) DO UPDATE
SET name = excluded.name, name_en = excluded.name_en, domain = excluded.domain, chaos = excluded.chaos
WHERE (categories.name, categories.name_en, categories.domain, categories.chaos)
      IS DISTINCT FROM (excluded.name, excluded.name_en, excluded.domain, excluded.chaos)
RETURNING xmax = 0 AS added
