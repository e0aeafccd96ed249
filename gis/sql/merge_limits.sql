-- Take the staged limits of categories (temporary table incoming_limits); what is the same stays untouched.
-- Columns: added, one row per limit written, true where it is new. Primary key of category_limits.
INSERT INTO category_limits (category_id, amount, unit, department_id)
SELECT category_id, amount, unit, department_id
FROM incoming_limits
ORDER BY category_id
ON CONFLICT (category_id) DO UPDATE
SET amount = excluded.amount, unit = excluded.unit, department_id = excluded.department_id
WHERE (category_limits.amount, category_limits.unit, category_limits.department_id)
      IS DISTINCT FROM (excluded.amount, excluded.unit, excluded.department_id)
RETURNING xmax = 0 AS added
