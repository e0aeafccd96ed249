-- Steps of double ten that had begun and were not done at an instant, in cases that had not ended by then.
-- Parameters: at (instant: what happened after it does not count); since (instant: only steps that began after it);
--   since_day, day (dates of the city of `since` and `at`, or wider); categories (int[] of ids, null: all);
--   area_ids (int[] of areas, the cells of which count; null: everywhere).
-- Columns: case_id, step (1 | 2), found_at, arrived_at, failed_at (as of `at`), day (of found_at), chaos (boolean),
--   category (kind:code), category_name, category_name_en, lon, lat (WGS 84 degrees; null: no position), cell, street_code,
--   street, person_ref, person_name, person_phone (who answered for the cell at found_at; null: nobody).
-- Index ix_cases_day for step 1, ix_case_events_at for step 2.
SELECT
    c.id AS case_id, s.step, c.found_at, CASE WHEN c.arrived_at <= :at THEN c.arrived_at END AS arrived_at,
    CASE WHEN c.failed_at <= :at THEN c.failed_at END AS failed_at, c.day, k.chaos IS NOT NULL AS chaos,
    k.kind || ':' || k.code AS category, k.name AS category_name, k.name_en AS category_name_en,
    ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat, g.code AS cell, a.code AS street_code, a.name AS street,
    p.ref AS person_ref, p.name AS person_name, p.phone AS person_phone
FROM (
    SELECT id, 1 AS step
    FROM cases
    WHERE day >= :since_day AND day <= :day AND found_at > :since AND found_at <= :at
      AND (arrived_at IS NULL OR arrived_at > :at)
    UNION ALL
    SELECT c.id, 2 AS step
    FROM case_events AS e
    JOIN cases AS c ON c.id = e.case_id
    WHERE e.move = 'fail' AND e.at > :since AND e.at <= :at
      AND (c.enforced_at IS NULL OR c.enforced_at > :at)
) AS s
JOIN cases AS c ON c.id = s.id
JOIN categories AS k ON k.id = c.category_id
JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
LEFT JOIN cells AS g ON g.id = r.cell_id
LEFT JOIN areas AS l ON l.id = g.area_id
LEFT JOIN areas AS u ON u.id = l.parent_id
LEFT JOIN areas AS a ON a.id = CASE 'street' WHEN l.level THEN l.id WHEN u.level THEN u.id END
LEFT JOIN persons AS p ON p.id = c.person_id
WHERE (s.step = 2 OR k.chaos IS NOT NULL)
  AND (c.ended_at IS NULL OR c.ended_at > :at)
  AND (CAST(:categories AS int[]) IS NULL OR c.category_id = ANY (CAST(:categories AS int[])))
  AND (CAST(:area_ids AS int[]) IS NULL OR g.area_id = ANY (CAST(:area_ids AS int[])))
