-- Weighing points of a draw with the last result of each, in the order of the draw.
-- Parameters: draw_id.
-- Columns: road (number in the draw), point (along the road), code (of the segment), name, road_class, street_code, street_name
--   (that has the segment now; null: in none), at_mm (from the beginning of the segment), lon, lat (WGS 84 degrees), g_per_m2
--   (numeric), weighed_on, weighed_by, revision, reason (null: not weighed).
-- Primary keys of dust_points, dust_roads and dust_results.
SELECT
    p.road, CAST(p.point AS int) AS point, r.code, r.name, r.class AS road_class, street.code AS street_code,
    street.name AS street_name, p.at_mm, ST_X(p.geom) AS lon, ST_Y(p.geom) AS lat, w.g_per_m2, w.weighed_on, w.weighed_by,
    CAST(w.revision AS int) AS revision, w.reason
FROM dust_points AS p
JOIN dust_roads AS r ON r.draw_id = p.draw_id AND r.number = p.road
JOIN road_segments AS s ON s.id = r.segment_id
LEFT JOIN areas AS held ON held.id = s.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
LEFT JOIN LATERAL (
    SELECT g_per_m2, weighed_on, weighed_by, revision, reason
    FROM dust_results
    WHERE draw_id = p.draw_id AND road = p.road AND point = p.point
    ORDER BY revision DESC
    LIMIT 1
) AS w ON true
WHERE p.draw_id = :draw_id
ORDER BY p.road, p.point
