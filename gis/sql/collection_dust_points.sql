-- Weighing points of revealed dust draws with their last result, as the collection dust-points.
-- Columns: point (text: period, number of the road in the draw, point along it), period, road (number in the draw), code (of the
--   segment), name (null: none), road_class, street_code, street_name (that has the segment now; null: in none), at_m (float8 m,
--   from the beginning of the segment), first_day, last_day (dates of the period), g_per_m2 (float8), weighed_on, weighed_by
--   (null: not weighed), geom (point, SRID 4326).
-- Primary keys of dust_points, dust_roads and dust_results; ix_dust_points_geom for boxes.
SELECT
    d.period || to_char(p.road, CASE WHEN p.road < 1000 THEN '-FM000-' ELSE '-FM99999-' END) || p.point AS point, d.period, p.road, r.code,
    nullif(r.name, '') AS name, r.class AS road_class, street.code AS street_code, street.name AS street_name,
    CAST(p.at_mm AS float8) / 1000 AS at_m, d.first_day, d.after_day - 1 AS last_day, CAST(w.g_per_m2 AS float8) AS g_per_m2,
    w.weighed_on, w.weighed_by, p.geom
FROM dust_points AS p
JOIN dust_draws AS d ON d.id = p.draw_id
JOIN dust_roads AS r ON r.draw_id = p.draw_id AND r.number = p.road
JOIN road_segments AS s ON s.id = r.segment_id
LEFT JOIN areas AS held ON held.id = s.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
LEFT JOIN LATERAL (
    SELECT g_per_m2, weighed_on, weighed_by
    FROM dust_results
    WHERE draw_id = p.draw_id AND road = p.road AND point = p.point
    ORDER BY revision DESC
    LIMIT 1
) AS w ON true
