-- What cases count for the indicators of a window, by place, department or category.
-- A case that was merged before the window's end counts nowhere: the other case counts. A case that was voided counts for
-- what had happened to it. As the window's end the state, due time and department after the last move before it are taken,
-- so that later moves change nothing. Moves of double ten are left out there: they may be recorded later than they
-- happened and carry the state of the moment of recording.
-- Parameters: operation (id of a special operation: only cases that its polygon covers; null: anywhere);
--   from_at, to_at (instants, to exclusive); end_at (instant: to_at, or now where that lies ahead);
--   level (city | district | street | community | cell | department | category); categories (int[] of ids, null: all);
--   area_ids (int[] of areas, the cells of which count; null: everywhere, also outside all cells);
--   department_id (the lead at the window's end; null: any).
-- Columns: key (id of the area, cell, department or category; 0 for the city; null: none of the level);
--   accepted, filed, dispatched, overdue, closed, on_time, rework, extended, enforcement_needed, enforcement_valid (cases).
-- Sequential scan of cases, or ix_cases_ended_at; primary key of case_events for cases that were delayed or moved on after
-- the window; primary key of reports, which is not looked at where neither level nor area_ids ask for places.
WITH looked_up AS (
    -- The few cases of which the columns of `cases` do not say all: first rework and extension, and how the case stood
    -- at the window's end where it has moved on since.
    SELECT c.id, f.rework_at, f.extended_at, h.overdue, d.department_id
    FROM cases AS c
    LEFT JOIN LATERAL (
        SELECT
            min(e.at) FILTER (WHERE e.move = 'rework') AS rework_at,
            min(e.at) FILTER (WHERE e.move = 'extend') AS extended_at
        FROM case_events AS e
        WHERE (c.reworks > 0 OR c.extensions > 0) AND e.case_id = c.id AND e.move IN ('rework', 'extend')
    ) AS f ON true
    LEFT JOIN LATERAL (
        SELECT
            CASE WHEN e.state <> 'suspended' THEN e.due_at < :end_at
                 -- The clock stands, which does not give back the time that had passed: late before is late still.
                 ELSE (
                     SELECT b.due_at < p.at
                     FROM case_events AS p
                     JOIN case_events AS b ON b.case_id = p.case_id AND b.number = p.number - 1
                     WHERE p.case_id = e.case_id AND p.move = 'suspend' AND p.number <= e.number
                     ORDER BY p.number DESC
                     LIMIT 1
                 ) END AS overdue
        FROM case_events AS e
        WHERE (c.last_at >= :end_at OR c.state = 'suspended')
          AND e.case_id = c.id
          AND e.at < :end_at
          AND e.move NOT IN ('arrive', 'fail', 'enforce')
        ORDER BY e.number DESC
        LIMIT 1
    ) AS h ON true
    LEFT JOIN LATERAL (
        SELECT CASE e.move WHEN 'dispatch' THEN e.department_id END AS department_id
        FROM case_events AS e
        WHERE c.last_at >= :end_at AND e.case_id = c.id AND e.at < :end_at AND e.move IN ('dispatch', 'return')
        ORDER BY e.number DESC
        LIMIT 1
    ) AS d ON CAST(:level AS text) = 'department' OR CAST(:department_id AS int) IS NOT NULL
    WHERE (c.reworks > 0 OR c.extensions > 0 OR c.last_at >= :end_at OR c.state = 'suspended')
      AND c.accepted_at < :to_at
      AND (c.ended_at IS NULL OR c.ended_at >= :from_at)
),
judged AS (
    SELECT
        c.source_id, c.source_ref, c.category_id,
        c.accepted_at >= :from_at AS accepted,
        c.filed_at >= :from_at AND c.filed_at < :to_at AS filed,
        c.dispatched_at >= :from_at AND c.dispatched_at < :to_at AS dispatched,
        c.filed_at < :end_at
        AND (c.ended_at IS NULL OR c.ended_at >= :end_at)
        AND CASE WHEN c.last_at >= :end_at OR c.state = 'suspended' THEN l.overdue ELSE c.due_at < :end_at END AS overdue,
        c.state = 'closed' AND c.ended_at < :to_at AS closed,
        c.on_time,
        l.rework_at >= :from_at AND l.rework_at < :to_at AS rework,
        l.extended_at >= :from_at AND l.extended_at < :to_at AS extended,
        c.failed_at < :end_at AS failed,
        c.enforced_at < :end_at AS enforced,
        CASE WHEN c.last_at >= :end_at THEN l.department_id ELSE c.department_id END AS lead_id
    FROM cases AS c
    LEFT JOIN looked_up AS l ON l.id = c.id
    WHERE c.accepted_at < :to_at
      AND (c.ended_at IS NULL OR c.ended_at >= :from_at)
      AND (c.merged_into IS NULL OR c.ended_at >= :to_at)
      AND (CAST(:operation AS int) IS NULL
           OR ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), c.geom))
      AND (CAST(:categories AS int[]) IS NULL OR c.category_id = ANY (CAST(:categories AS int[])))
),
area_keys AS (
    SELECT
        a.id,
        CASE CAST(:level AS text) WHEN a.level THEN a.id WHEN u.level THEN u.id WHEN t.level THEN t.id END AS key
    FROM areas AS a
    LEFT JOIN areas AS u ON u.id = a.parent_id
    LEFT JOIN areas AS t ON t.id = u.parent_id
)
SELECT
    CASE CAST(:level AS text)
        WHEN 'city' THEN 0
        WHEN 'category' THEN j.category_id
        WHEN 'department' THEN j.lead_id
        WHEN 'cell' THEN r.cell_id
        ELSE k.key
    END AS key,
    count(*) FILTER (WHERE j.accepted) AS accepted,
    count(*) FILTER (WHERE j.filed) AS filed,
    count(*) FILTER (WHERE j.dispatched) AS dispatched,
    count(*) FILTER (WHERE j.overdue) AS overdue,
    count(*) FILTER (WHERE j.closed) AS closed,
    count(*) FILTER (WHERE j.closed AND j.on_time) AS on_time,
    count(*) FILTER (WHERE j.rework) AS rework,
    count(*) FILTER (WHERE j.extended) AS extended,
    count(*) FILTER (WHERE j.failed AND (j.closed OR j.overdue)) AS enforcement_needed,
    count(*) FILTER (WHERE j.failed AND j.closed AND j.enforced) AS enforcement_valid
FROM judged AS j
LEFT JOIN reports AS r ON r.source_id = j.source_id AND r.source_ref = j.source_ref
LEFT JOIN cells AS g ON g.id = r.cell_id
LEFT JOIN area_keys AS k ON k.id = g.area_id
WHERE (j.accepted OR j.filed OR j.dispatched OR j.overdue OR j.closed OR j.rework OR j.extended)
  AND (CAST(:area_ids AS int[]) IS NULL OR g.area_id = ANY (CAST(:area_ids AS int[])))
  AND (CAST(:department_id AS int) IS NULL OR j.lead_id = :department_id)
GROUP BY 1
