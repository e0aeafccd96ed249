-- Makes what was given up pending again and due at once, and what waits for another attempt due at once.
-- Parameters: webhook_id; outbox_id (null: all that were given up).
-- Columns: subject, subject_id of each line. Whoever holds one of the lines loses it, so that it cannot undo this.
-- The line is locked before the delivery, as whoever settles an attempt does: otherwise the two could stop each other.
-- Index ix_deliveries_unfinished.
WITH line AS MATERIALIZED (
    SELECT l.subject_id
    FROM outbox AS o
    JOIN delivery_lines AS l
        ON l.webhook_id = :webhook_id AND l.subject = o.subject AND l.subject_id = o.subject_id
    WHERE o.id = :outbox_id
    FOR UPDATE OF l
),
again AS (
    UPDATE deliveries
    SET state = 'pending', attempts = 0
    WHERE (SELECT count(*) FROM line) >= 0
      AND webhook_id = :webhook_id
      AND ((CAST(:outbox_id AS int8) IS NULL AND state = 'given_up')
           OR (outbox_id = :outbox_id AND state <> 'delivered'))
    RETURNING outbox_id
)
INSERT INTO delivery_lines AS line (webhook_id, subject, subject_id, front)
SELECT :webhook_id, o.subject, o.subject_id, min(o.id)
FROM again
JOIN outbox AS o ON o.id = again.outbox_id
GROUP BY o.subject, o.subject_id
ORDER BY o.subject, o.subject_id
ON CONFLICT (webhook_id, subject, subject_id) DO UPDATE
SET front = least(line.front, excluded.front), next_at = clock_timestamp(), claim = line.claim + 1
RETURNING subject, subject_id
