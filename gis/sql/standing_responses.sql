-- Cases found in a period of which a step of double ten may have been late or missing: all but those that were plainly in
-- time. gis/rules/response.py is the judge.
-- Parameters: from_day, to_day (dates of the city, to exclusive); as_of (instant); limit_s (seconds that a step may take).
-- Columns: id, source_id, source_ref (of the report that opened it), cell_id (null: outside), chaos (null: none), found_at,
--   arrived_at, failed_at, enforced_at, ended_at (UTC), void, merged (bool).
-- ix_cases_day; primary key of reports.
SELECT
    c.id, s.name AS source, c.source_ref, r.cell_id, k.chaos, c.found_at, c.arrived_at, c.failed_at, c.enforced_at,
    c.ended_at, c.state = 'void' AS void, c.merged_into IS NOT NULL AS merged
FROM cases AS c
JOIN categories AS k ON k.id = c.category_id
JOIN sources AS s ON s.id = c.source_id
JOIN reports AS r ON r.source_id = c.source_id AND r.source_ref = c.source_ref
WHERE c.day >= :from_day
  AND c.day < :to_day
  AND c.found_at <= :as_of
  AND NOT (
      ((c.arrived_at IS NULL AND k.chaos IS NULL)
       OR coalesce(c.arrived_at <= least(c.found_at + make_interval(secs => :limit_s), :as_of), false))
      AND (c.failed_at IS NULL
           OR coalesce(c.enforced_at <= least(c.failed_at + make_interval(secs => :limit_s), :as_of), false))
  )
ORDER BY c.id
