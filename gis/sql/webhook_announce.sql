-- Puts one event of a case into the outbox, one delivery and a place in line for each webhook that wants it.
-- Parameters: case_id, number (key of case_events), base (address that links begin with, no slash at its end).
-- Writes nothing where no active webhook wants the event, nor where it was announced before. Times as ISO 8601 in UTC.
-- A webhook that is being removed is waited for and passed over: without its lock, the keys below could point to nothing.
-- A line that exists is locked until this transaction ends, so that whoever delivers cannot take it away as finished
-- while something is being added to it; lines are locked in the order of webhooks.
-- Primary keys of case_events, cases, reports; webhooks are few. Two names are subqueries, because planning takes longer
-- than all the rest and grows with the number of joins.
WITH event AS (
    SELECT
        e.case_id, e.number, e.move, e.state, e.at, c.category_id,
        ARRAY[a.id, b.id, d.id] AS area_ids,
        CAST(json_build_object(
            'type', 'case.' || e.move,
            'timestamp', e.at,
            'data', json_build_object(
                'case', e.case_id, 'number', e.number, 'move', e.move, 'state', e.state, 'at', e.at,
                'actor', e.actor, 'reason', e.reason, 'task', e.task, 'other', e.other_id, 'due_at', e.due_at,
                'category', g.kind || ':' || g.code, 'category_name', g.name, 'category_name_en', g.name_en,
                'source', (SELECT name FROM sources WHERE id = c.source_id), 'source_ref', c.source_ref,
                'department', (SELECT code FROM departments WHERE id = c.department_id), 'cell', k.code,
                'street_code', CASE 'street' WHEN a.level THEN a.code WHEN b.level THEN b.code END,
                'street', CASE 'street' WHEN a.level THEN a.name WHEN b.level THEN b.name END,
                'lon', ST_X(c.geom), 'lat', ST_Y(c.geom),
                'link', :base || '/cases/' || e.case_id
            )
        ) AS text) AS body
    FROM case_events AS e
    JOIN cases AS c ON c.id = e.case_id
    JOIN categories AS g ON g.id = c.category_id
    JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
    LEFT JOIN cells AS k ON k.id = r.cell_id
    LEFT JOIN areas AS a ON a.id = k.area_id
    LEFT JOIN areas AS b ON b.id = a.parent_id
    LEFT JOIN areas AS d ON d.id = b.parent_id
    WHERE e.case_id = :case_id
      AND e.number = :number
),
wanted AS (
    SELECT w.id
    FROM webhooks AS w
    CROSS JOIN event AS e
    WHERE w.stopped_because IS NULL
      AND (w.moves IS NULL OR e.move = ANY(w.moves))
      AND (w.states IS NULL OR e.state = ANY(w.states))
      AND (w.category_ids IS NULL OR e.category_id = ANY(w.category_ids))
      AND (w.area_ids IS NULL OR w.area_ids && e.area_ids)
    ORDER BY w.id
    FOR KEY SHARE OF w
),
told AS (
    INSERT INTO outbox (message, subject, subject_id, number, at, body)
    SELECT 'msg_' || replace(CAST(gen_random_uuid() AS text), '-', ''), 'case', case_id, number, at, body
    FROM event
    WHERE EXISTS (SELECT 1 FROM wanted)
    ON CONFLICT (subject, subject_id, number) DO NOTHING
    RETURNING id, subject, subject_id
),
delivery AS (
    INSERT INTO deliveries (webhook_id, outbox_id)
    SELECT wanted.id, told.id
    FROM wanted
    CROSS JOIN told
)
INSERT INTO delivery_lines AS line (webhook_id, subject, subject_id, front)
SELECT wanted.id, told.subject, told.subject_id, told.id
FROM wanted
CROSS JOIN told
ORDER BY wanted.id
ON CONFLICT (webhook_id, subject, subject_id) DO UPDATE SET front = line.front
