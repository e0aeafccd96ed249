-- What a webhook was told or has still to hear, newest first.
-- Parameters: webhook_id; state (pending | delivered | given_up, null: all); before_id (only smaller ids; null: from the
--   newest); row_limit.
-- Columns: id (of the outbox), message (webhook-id), subject, subject_id, number, at (of the event), state, attempts,
--   last_at, last_status (HTTP, null: no answer), last_error, next_at (null: not pending, or behind another of its case).
-- Primary key of deliveries; of those that are not delivered, ix_deliveries_unfinished.
SELECT
    o.id, o.message, o.subject, o.subject_id, o.number, o.at, d.state, d.attempts, d.last_at, d.last_status,
    d.last_error, l.next_at
FROM deliveries AS d
JOIN outbox AS o ON o.id = d.outbox_id
LEFT JOIN delivery_lines AS l
    ON l.webhook_id = d.webhook_id AND l.subject = o.subject AND l.subject_id = o.subject_id AND l.front = o.id
    AND d.state = 'pending'
WHERE d.webhook_id = :webhook_id
  AND (CAST(:state AS text) IS NULL OR d.state = :state)
  AND (CAST(:before_id AS int8) IS NULL OR d.outbox_id < :before_id)
ORDER BY d.outbox_id DESC
LIMIT :row_limit
