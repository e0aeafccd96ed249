-- What became of the cases whose problem was found inside a special operation.
-- Parameters: operation (id); from_at, to_at (instants, half-open) and from_day, to_day (days of the city that hold them).
-- Columns: found, open, closed, on_time, void (cases; on_time: closed in time).
-- ix_cases_day; each point that is left is judged exactly.
SELECT
    count(*) AS found,
    count(*) FILTER (WHERE c.ended_at IS NULL) AS open,
    count(*) FILTER (WHERE c.state = 'closed') AS closed,
    count(*) FILTER (WHERE c.on_time) AS on_time,
    count(*) FILTER (WHERE c.state = 'void') AS void
FROM cases AS c
WHERE c.day >= :from_day
  AND c.day < :to_day
  AND c.found_at >= :from_at
  AND c.found_at < :to_at
  AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), c.geom)
