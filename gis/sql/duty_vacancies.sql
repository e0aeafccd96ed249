-- Times within a window in which nobody answers for a live cell, or for a live area.
-- Parameters: level, place as in duty_at.sql; from_at, to_at (instants, half-open).
-- Columns: level, id, code, name, vacant_from, vacant_to (UTC, within the window), whole (nobody at all in the window),
--   left_by (ref of who answered until vacant_from, null: nobody did), taken_by (ref of who answers from vacant_to on).
-- As many rows of responsibilities are read as there are; the exclusion constraints see to it that none overlap.
WITH asked AS (
    SELECT tstzrange(CAST(:from_at AS timestamptz), CAST(:to_at AS timestamptz)) AS span
), places AS (
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
), held AS (
    SELECT coalesce(r.cell_id, -r.area_id) AS place, range_agg(r.valid) AS spans
    FROM responsibilities AS r, asked
    WHERE r.valid && asked.span
    GROUP BY 1
), gaps AS (
    SELECT p.*, asked.span, gap
    FROM places AS p
    CROSS JOIN asked
    LEFT JOIN held AS h USING (place)
    CROSS JOIN LATERAL unnest(coalesce(tstzmultirange(asked.span) - h.spans, tstzmultirange(asked.span))) AS gap
    WHERE CAST(:place AS text) IS NULL
       OR (p.code >= CAST(:place AS text) COLLATE "C" AND p.code < CAST(:place AS text) COLLATE "C" || ':')
)
SELECT
    g.level, g.id, g.code, g.name, lower(g.gap) AS vacant_from, upper(g.gap) AS vacant_to, g.gap = g.span AS whole,
    before.ref AS left_by, after.ref AS taken_by
FROM gaps AS g
LEFT JOIN responsibilities AS b ON coalesce(b.cell_id, -b.area_id) = g.place AND upper(b.valid) = lower(g.gap)
LEFT JOIN persons AS before ON before.id = b.person_id
LEFT JOIN responsibilities AS n ON coalesce(n.cell_id, -n.area_id) = g.place AND lower(n.valid) = upper(g.gap)
LEFT JOIN persons AS after ON after.id = n.person_id
ORDER BY array_position(ARRAY['district', 'street', 'community', 'cell'], g.level), g.code, g.gap
