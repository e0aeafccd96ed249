-- What cases count for the indicators of a window, by place, department or category.
-- A case that was merged before the window's end counts nowhere: the other case counts. A case that was voided counts for
-- what had happened to it. As the window's end the state, due time and department after the last move before it are taken,
-- so that later moves change nothing. Moves of double ten are left out there: they may be recorded later than they
-- happened and carry the state of the moment of recording.
-- Parameters: from_at, to_at (instants, to exclusive); end_at (instant: to_at, or now where that lies ahead);
--   level (city | district | street | community | cell | department | category); categories (int[] of ids, null: all);
--   area_ids (int[] of areas, the cells of which count; null: everywhere, also outside all cells);
--   department_id (the lead at the window's end; null: any).
-- Columns: key (id of the area, cell, department or category; 0 for the city; null: none of the level);
--   accepted, filed, dispatched, overdue, closed, on_time, rework, extended, enforcement_needed, enforcement_valid (cases).
-- Sequential scan of cases; ix_case_events_at for rework and extension; primary key of case_events for cases that moved
-- on after the window; primary key of reports, which is not looked at where neither level nor area_ids ask for places.
WITH firsts AS (
    SELECT e.case_id, bool_or(e.move = 'rework') AS rework, bool_or(e.move = 'extend') AS extended
    FROM case_events AS e
    WHERE e.at >= :from_at
      AND e.at < :to_at
      AND e.move IN ('rework', 'extend')
      AND NOT EXISTS (
          SELECT FROM case_events AS b WHERE b.case_id = e.case_id AND b.move = e.move AND b.number < e.number
      )
    GROUP BY e.case_id
),
seen AS (
    SELECT
        c.id, c.category_id, c.source_id, c.source_ref, c.department_id, c.due_at, c.state, c.last_at,
        c.accepted_at >= :from_at AS accepted,
        c.filed_at >= :from_at AND c.filed_at < :to_at AS filed,
        c.dispatched_at >= :from_at AND c.dispatched_at < :to_at AS dispatched,
        c.state = 'closed' AND c.ended_at < :to_at AS closed,
        c.on_time,
        coalesce(f.rework, false) AS rework,
        coalesce(f.extended, false) AS extended,
        c.filed_at < :end_at AND (c.ended_at IS NULL OR c.ended_at >= :end_at) AS open_then,
        c.last_at >= :end_at AS moved_on,
        coalesce(c.failed_at < :end_at, false) AS failed,
        coalesce(c.enforced_at < :end_at, false) AS enforced
    FROM cases AS c
    LEFT JOIN firsts AS f ON f.case_id = c.id
    WHERE c.accepted_at < :to_at
      AND (c.ended_at IS NULL OR c.ended_at >= :from_at)
      AND (c.merged_into IS NULL OR c.ended_at >= :to_at)
      AND (CAST(:categories AS int[]) IS NULL OR c.category_id = ANY (CAST(:categories AS int[])))
),
judged AS (
    SELECT
        s.*,
        CASE WHEN s.open_then AND NOT s.moved_on AND s.state <> 'suspended' THEN coalesce(s.due_at < :end_at, false)
             ELSE coalesce(h.overdue, false) END AS overdue,
        CASE WHEN s.moved_on AND s.dispatched_at_end THEN d.department_id ELSE s.department_id END AS lead_id
    FROM (
        SELECT
            seen.*,
            CAST(:level AS text) = 'department' OR CAST(:department_id AS int) IS NOT NULL AS dispatched_at_end
        FROM seen
    ) AS s
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
        WHERE e.case_id = s.id
          AND e.at < :end_at
          AND e.move NOT IN ('arrive', 'fail', 'enforce')
        ORDER BY e.number DESC
        LIMIT 1
    ) AS h ON s.open_then AND (s.moved_on OR s.state = 'suspended')
    LEFT JOIN LATERAL (
        SELECT CASE e.move WHEN 'dispatch' THEN e.department_id END AS department_id
        FROM case_events AS e
        WHERE e.case_id = s.id AND e.at < :end_at AND e.move IN ('dispatch', 'return')
        ORDER BY e.number DESC
        LIMIT 1
    ) AS d ON s.moved_on AND s.dispatched_at_end
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
