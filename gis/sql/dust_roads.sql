-- Drawn roads with what was weighed on them.
-- Parameters: periods (text[]: ten-day periods).
-- Columns: draw_id, period, first_day, number, segment_id, segment_code, name, road_class, length_mm, street_code,
--   street_name (of the street that has the segment now, of the district where that has no streets; null: in none),
--   points (that were drawn), grams_per_m2 (numeric[]: of the points that were weighed, the last revision of each, along the
--   road; empty: none). In the order of periods and draws.
-- Unique key of dust_draws.period; primary keys of dust_roads, dust_points and dust_results.
SELECT
    d.id AS draw_id, d.period, d.first_day, r.number, r.segment_id, r.code AS segment_code, r.name, r.class AS road_class,
    r.length_mm, street.code AS street_code, street.name AS street_name, CAST(d.points AS int) AS points,
    ARRAY(
        SELECT (array_agg(w.g_per_m2 ORDER BY w.revision DESC))[1]
        FROM dust_results AS w
        WHERE w.draw_id = r.draw_id AND w.road = r.number
        GROUP BY w.point
        ORDER BY w.point
    ) AS grams_per_m2
FROM dust_draws AS d
JOIN dust_roads AS r ON r.draw_id = d.id
JOIN road_segments AS s ON s.id = r.segment_id
LEFT JOIN areas AS held ON held.id = s.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
WHERE d.period = ANY(CAST(:periods AS text[]))
ORDER BY d.first_day, r.number
