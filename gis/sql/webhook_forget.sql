-- Forgets what was announced before a moment and is not waiting to be told to anybody, at most `most` entries.
-- Parameters: before (timestamptz), most. Deliveries go with their entry. Index ix_outbox_announced_at.
DELETE FROM outbox
WHERE id IN (
    SELECT o.id
    FROM outbox AS o
    WHERE o.announced_at < :before
      AND NOT EXISTS (
          SELECT 1
          FROM deliveries AS d
          WHERE d.outbox_id = o.id
            AND d.state = 'pending'
      )
    ORDER BY o.announced_at
    LIMIT :most
)
