-- Take the staged segments (temporary table incoming_roads) into the city; what is the same stays untouched.
-- Columns: added, one row per segment written, true where it is new. Index: uq_road_segments_code.
INSERT INTO road_segments (code, name, class, groups, geom, geom_m)
SELECT i.code, i.name, i.class, string_to_array(i.groups, ';'), i.geom, i.geom_m
FROM incoming_roads i
ORDER BY i.code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, class = excluded.class, groups = excluded.groups, geom = excluded.geom, geom_m = excluded.geom_m
WHERE (road_segments.name, road_segments.class, road_segments.groups)
      IS DISTINCT FROM (excluded.name, excluded.class, excluded.groups)
   OR ST_AsBinary(road_segments.geom) <> ST_AsBinary(excluded.geom)
   OR ST_AsBinary(road_segments.geom_m) <> ST_AsBinary(excluded.geom_m)
RETURNING xmax = 0 AS added
