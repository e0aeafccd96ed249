-- Webhooks with what each wants and how it goes, without secrets, in the order in which they were added.
-- Parameters: webhook_id (null: all).
-- Columns: id, url, moves, states, categories (kind:code), areas (codes; each null: all), active, stopped_because (null: active),
--   created_at, pending, given_up (events), away (whether nobody was there at the last attempt), paused_until (null: not).
-- Indexes ix_deliveries_unfinished; webhooks are few.
SELECT
    w.id, w.url, w.moves, w.states,
    (SELECT array_agg(c.kind || ':' || c.code ORDER BY c.kind, c.code) FROM categories AS c
     WHERE c.id = ANY (w.category_ids)) AS categories,
    (SELECT array_agg(a.code ORDER BY a.code) FROM areas AS a WHERE a.id = ANY (w.area_ids)) AS areas,
    w.stopped_because IS NULL AS active, w.stopped_because, w.created_at,
    (SELECT count(*) FROM deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'pending') AS pending,
    (SELECT count(*) FROM deliveries AS d WHERE d.webhook_id = w.id AND d.state = 'given_up') AS given_up,
    w.failures > 0 AS away,
    CASE WHEN w.paused_until > now() THEN w.paused_until END AS paused_until
FROM webhooks AS w
WHERE CAST(:webhook_id AS int) IS NULL
   OR w.id = :webhook_id
ORDER BY w.id
