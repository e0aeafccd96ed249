-- What supporting departments have to do for a case.
-- Parameters: case_id.
-- Columns: number, department (code), department_name, what, due_at, state (open | done | waived), ended_at.
-- Primary key of case_tasks.
SELECT t.number, d.code AS department, d.name AS department_name, t.what, t.due_at, t.state, t.ended_at
FROM case_tasks AS t
JOIN departments AS d ON d.id = t.department_id
WHERE t.case_id = :case_id
ORDER BY t.number
