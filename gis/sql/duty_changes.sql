-- Changes of who answers for live cells and areas of which the end or the beginning lies in a window.
-- Parameters: level, place as in duty_at.sql; from_at, to_at (instants, half-open).
-- Columns: level, id, code, name, kind ('handover': without a gap; 'gap': nobody in between; 'begun': nobody before; 'ended':
--   nobody after), from_ref, from_person, left_at, to_ref, to_person, taken_at (UTC; null: there is none), gap_s (seconds in
--   between, 0 for a hand-over), actor, reason (of the order that began it, null: a file did).
-- As many rows of responsibilities are read as there are; the exclusion constraints see to it that none overlap.
WITH places AS (
    SELECT a.level, a.id, -a.id AS place, a.code, a.name
    FROM areas AS a
    WHERE a.retired_at IS NULL
      AND (CAST(:level AS text) IS NULL OR a.level = :level)
    UNION ALL
    SELECT 'cell', c.id, c.id, c.code, a.name
    FROM cells AS c
    JOIN areas AS a ON a.id = c.area_id
    WHERE c.retired_at IS NULL
      AND (CAST(:level AS text) IS NULL OR :level = 'cell')
), terms AS (
    SELECT
        coalesce(r.cell_id, -r.area_id) AS place, r.person_id, r.handover_id, lower(r.valid) AS since, upper(r.valid) AS until,
        lag(r.person_id) OVER term AS from_id, lag(upper(r.valid)) OVER term AS left_at,
        lead(r.person_id) OVER term IS NULL AS last
    FROM responsibilities AS r
    WINDOW term AS (PARTITION BY coalesce(r.cell_id, -r.area_id) ORDER BY lower(r.valid) NULLS FIRST)
), changes AS (
    SELECT place, from_id, left_at, person_id AS to_id, since AS taken_at, handover_id
    FROM terms
    WHERE since IS NOT NULL
      AND (from_id IS DISTINCT FROM person_id OR left_at < since)
    UNION ALL
    SELECT place, person_id, until, NULL, NULL, NULL
    FROM terms
    WHERE last
      AND until IS NOT NULL
)
SELECT
    p.level, p.id, p.code, p.name,
    CASE
        WHEN c.to_id IS NULL THEN 'ended'
        WHEN c.from_id IS NULL THEN 'begun'
        WHEN c.left_at = c.taken_at THEN 'handover'
        ELSE 'gap'
    END AS kind,
    f.ref AS from_ref, f.name AS from_person, c.left_at, t.ref AS to_ref, t.name AS to_person, c.taken_at,
    CAST(extract(epoch FROM c.taken_at - c.left_at) AS float8) AS gap_s, o.actor, o.reason
FROM changes AS c
JOIN places AS p USING (place)
LEFT JOIN persons AS f ON f.id = c.from_id
LEFT JOIN persons AS t ON t.id = c.to_id
LEFT JOIN handovers AS o ON o.id = c.handover_id
WHERE ((c.left_at >= :from_at AND c.left_at < :to_at) OR (c.taken_at >= :from_at AND c.taken_at < :to_at))
  AND (CAST(:place AS text) IS NULL
       OR (p.code >= CAST(:place AS text) COLLATE "C" AND p.code < CAST(:place AS text) COLLATE "C" || ':'))
ORDER BY coalesce(c.left_at, c.taken_at), array_position(ARRAY['district', 'street', 'community', 'cell'], p.level), p.code
