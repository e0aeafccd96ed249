-- Shapes of listed places as GeoJSON text: the line of a segment, the ground of a spot; 7 decimals (1 cm).
-- Parameters: ids (bigint[]). Columns: id, geometry. Primary keys of listings and road_segments.
SELECT l.id, ST_AsGeoJSON(coalesce(g.geom, ST_ForcePolygonCCW(l.ground)), 7) AS geometry
FROM listings AS l
LEFT JOIN road_segments AS g ON g.id = l.segment_id
WHERE l.id = ANY (CAST(:ids AS bigint[]))
