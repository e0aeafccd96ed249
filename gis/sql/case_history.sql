-- What happened to a case, oldest first.
-- Parameters: case_id.
-- Columns: number, move, state (after it), at, recorded_at (UTC), actor, reason, department (code), task, time_s (seconds of the
--   case's clock), other (id of the other case of a merge), due_at (after it; null: the clock stands).
-- Primary key of case_events.
SELECT
    e.number, e.move, e.state, e.at, e.recorded_at, e.actor, e.reason, d.code AS department, e.task,
    CAST(extract(epoch FROM e.time) AS float8) AS time_s, e.other_id AS other, e.due_at
FROM case_events AS e
LEFT JOIN departments AS d ON d.id = e.department_id
WHERE e.case_id = :case_id
ORDER BY e.number
