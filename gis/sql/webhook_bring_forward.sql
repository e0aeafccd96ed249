-- Makes due at once what waits only because the receiver was away.
-- Parameters: webhook_id. Lines that are being added to are left as they are: waiting for them could block both sides.
UPDATE delivery_lines AS l
SET next_at = now(), away = false
FROM (
    SELECT subject, subject_id
    FROM delivery_lines
    WHERE webhook_id = :webhook_id
      AND away
      AND next_at > now()
    FOR UPDATE SKIP LOCKED
) AS waiting
WHERE l.webhook_id = :webhook_id
  AND l.subject = waiting.subject
  AND l.subject_id = waiting.subject_id
