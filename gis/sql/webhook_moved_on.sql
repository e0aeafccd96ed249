-- Ends what stands at the front of a line, and moves the line on to its next event, or ends it. In one statement, as it
-- is done for every message; the caller has locked the line before, so that nothing can be added meanwhile.
-- Parameters: webhook_id, subject, subject_id; outbox_id (the front); attempted (false: nothing to write about it); state
--   (delivered | given_up), status (HTTP, null: no answer), error (null: none); wait_s (seconds until the next event is
--   told, or until another may take over), away.
-- Columns: outbox_id, message, body, attempts of the next event; no row where the webhook has heard everything.
-- Primary key of deliveries, unique index of outbox (subject, subject_id, number).
WITH noted AS (
    UPDATE deliveries
    SET state = :state, attempts = attempts + 1, last_at = now(), last_status = CAST(:status AS int2),
        last_error = CAST(:error AS text)
    WHERE :attempted
      AND webhook_id = :webhook_id
      AND outbox_id = :outbox_id
      AND state <> 'delivered'
),
following AS (
    SELECT o.id AS outbox_id, o.message, o.body, d.attempts
    FROM outbox AS o
    JOIN deliveries AS d ON d.outbox_id = o.id AND d.webhook_id = :webhook_id AND d.state = 'pending'
    WHERE o.subject = :subject
      AND o.subject_id = :subject_id
      AND o.id <> :outbox_id
    ORDER BY o.id
    LIMIT 1
),
moved AS (
    UPDATE delivery_lines AS l
    SET front = f.outbox_id, next_at = now() + make_interval(secs => :wait_s), away = :away
    FROM following AS f
    WHERE l.webhook_id = :webhook_id
      AND l.subject = :subject
      AND l.subject_id = :subject_id
),
ended AS (
    DELETE FROM delivery_lines
    WHERE webhook_id = :webhook_id
      AND subject = :subject
      AND subject_id = :subject_id
      AND NOT EXISTS (SELECT 1 FROM following)
)
SELECT outbox_id, message, body, attempts
FROM following
