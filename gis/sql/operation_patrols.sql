-- Patrol passes of road segments that meet a special operation, in its window.
-- Parameters: operation (id); from_at, to_at (instants, half-open) and from_day, to_day (days of the city that hold them).
-- Columns: passes, surveyors (persons).
-- ix_patrol_passes_day, ix_road_segments_geom.
SELECT count(*) AS passes, count(DISTINCT p.surveyor_id) AS surveyors
FROM special_operations AS o
JOIN road_segments AS s ON ST_Intersects(o.geom, s.geom) AND s.retired_at IS NULL
JOIN patrol_passes AS p ON p.segment_id = s.id
WHERE o.id = :operation
  AND p.day >= :from_day
  AND p.day < :to_day
  AND p.passed_at >= :from_at
  AND p.passed_at < :to_at
