-- Takes lines that are due and answers what each is to tell next.
-- Parameters: room (most lines), each (most lines per webhook, what is taken already included), lease_s (seconds until
--   another may take over), taken_ids (int[]) and taken_counts (int[]: lines of that webhook that the caller holds).
-- Columns: webhook_id, subject, subject_id, claim, outbox_id, message, body, url, secret, old_secret (null: not valid
--   any more), failures (of the webhook), pending (false: told already, the line only has to move on), attempts.
-- A line that is held is not `away`, so that nobody brings it forward (webhook_bring_forward.sql).
-- A webhook that is away is asked with one line at a time. Whoever waits longest comes first. Lines that others hold or
-- are being added to are passed over. Index ix_delivery_lines_due; the backlog of a receiver that is away is not read.
WITH due AS (
    SELECT l.webhook_id, l.subject, l.subject_id
    FROM webhooks AS w
    LEFT JOIN unnest(CAST(:taken_ids AS int[]), CAST(:taken_counts AS int[])) AS t (id, lines) ON t.id = w.id
    CROSS JOIN LATERAL (
        SELECT webhook_id, subject, subject_id, next_at
        FROM delivery_lines
        WHERE webhook_id = w.id
          AND next_at <= now()
        ORDER BY next_at
        LIMIT greatest(0, CASE WHEN w.failures > 0 THEN 1 ELSE CAST(:each AS int) END - coalesce(t.lines, 0))
        FOR UPDATE SKIP LOCKED
    ) AS l
    WHERE w.stopped_because IS NULL
      AND (w.paused_until IS NULL OR w.paused_until <= now())
    ORDER BY l.next_at
    LIMIT :room
),
taken AS (
    UPDATE delivery_lines AS l
    SET claim = l.claim + 1, next_at = now() + make_interval(secs => :lease_s), away = false
    FROM due
    WHERE l.webhook_id = due.webhook_id
      AND l.subject = due.subject
      AND l.subject_id = due.subject_id
    RETURNING l.webhook_id, l.subject, l.subject_id, l.claim, l.front
)
SELECT
    t.webhook_id, t.subject, t.subject_id, t.claim, o.id AS outbox_id, o.message, o.body, w.url, w.secret,
    CASE WHEN w.old_until > now() THEN w.old_secret END AS old_secret,
    w.failures, d.state = 'pending' AS pending, d.attempts
FROM taken AS t
JOIN webhooks AS w ON w.id = t.webhook_id
JOIN outbox AS o ON o.id = t.front
JOIN deliveries AS d ON d.webhook_id = t.webhook_id AND d.outbox_id = t.front
