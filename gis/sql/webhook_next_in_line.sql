-- What a webhook has to hear next about a subject; no row where it has heard everything.
-- Parameters: webhook_id, subject, subject_id.
-- Columns: outbox_id, message, body, attempts. Unique index of outbox (subject, subject_id, number).
SELECT o.id AS outbox_id, o.message, o.body, d.attempts
FROM outbox AS o
JOIN deliveries AS d ON d.outbox_id = o.id AND d.webhook_id = :webhook_id AND d.state = 'pending'
WHERE o.subject = :subject
  AND o.subject_id = :subject_id
ORDER BY o.id
LIMIT 1
