-- Names of the groups that live road segments belong to, ascending.
-- Columns: name. Sequential scan of road_segments.
SELECT DISTINCT g.name
FROM road_segments AS s
CROSS JOIN LATERAL unnest(s.groups) AS g (name)
WHERE s.retired_at IS NULL
ORDER BY g.name
