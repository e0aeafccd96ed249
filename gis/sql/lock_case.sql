-- A case as the rules need it, nobody else's until this transaction ends.
-- Parameters: case_id.
-- Columns: those of cases, and task_states (text[]: open | done | waived, task 1 first).
-- Primary keys of cases and case_tasks.
SELECT
    c.*,
    ARRAY(SELECT t.state FROM case_tasks AS t WHERE t.case_id = c.id ORDER BY t.number) AS task_states
FROM cases AS c
WHERE c.id = :case_id
FOR UPDATE OF c
