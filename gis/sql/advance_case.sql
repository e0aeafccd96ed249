-- Store what a move makes of a case, and the move itself at the end of its history.
-- Parameters: case_id; the columns of cases that moves change; of the event: move, at, actor, reason, event_department, task, time,
--   other_id. The event's number, state and due time are the case's afterwards.
-- Primary keys of cases and case_events.
WITH changed AS (
    UPDATE cases
    SET
        state = :state,
        last_at = :last_at,
        events = :events,
        allowed = CAST(:allowed AS interval),
        used = CAST(:used AS interval),
        clock_since = :clock_since,
        due_at = :due_at,
        before_suspension = :before_suspension,
        reworks = :reworks,
        extensions = :extensions,
        returns = :returns,
        confirmed = :confirmed,
        arrived_at = :arrived_at,
        failed_at = :failed_at,
        enforced_at = :enforced_at,
        accepted_at = :accepted_at,
        filed_at = :filed_at,
        dispatched_at = :dispatched_at,
        ended_at = :ended_at,
        on_time = :on_time,
        merged_into = :merged_into,
        department_id = :department_id,
        tasks = :tasks,
        open_tasks = :open_tasks
    WHERE id = :case_id
    RETURNING id, events, state, due_at
)
INSERT INTO case_events (case_id, number, move, state, at, actor, reason, department_id, task, time, other_id, due_at)
SELECT
    id, events, :move, state, :at, :actor, :reason, CAST(:event_department AS smallint), CAST(:task AS smallint),
    CAST(:time AS interval), CAST(:other_id AS int8), due_at
FROM changed
