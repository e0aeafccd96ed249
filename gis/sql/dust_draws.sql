-- Dust draws with what is known of each, the latest period first.
-- Parameters: period (text; null: all).
-- Columns: id, period, first_day, after_day, roads (to be drawn), points (per road), policy_effective, frame_sha256,
--   frame_roads (count), frame_length_mm, seed_sha256, public_source, commitment_sha256, committed_at, committed_by, recorded_at,
--   seed, public_value, revealed_at, revealed_by (null: not revealed yet), by_class (JSON object: roads drawn by class; null: not
--   revealed), drawn_points, weighed_points (counts).
-- Unique key of dust_draws.period; primary keys of dust_roads, dust_points and dust_results.
SELECT
    d.id, d.period, d.first_day, d.after_day, d.roads, CAST(d.points AS int) AS points, d.policy_effective, d.frame_sha256,
    f.roads AS frame_roads, f.length_mm AS frame_length_mm, d.seed_sha256, d.public_source, d.commitment_sha256, d.committed_at,
    d.committed_by, d.recorded_at, v.seed, v.public_value, v.revealed_at, v.revealed_by,
    (
        SELECT json_object_agg(of_class.class, of_class.roads ORDER BY of_class.class)
        FROM (SELECT r.class, count(*) AS roads FROM dust_roads AS r WHERE r.draw_id = d.id GROUP BY r.class) AS of_class
    ) AS by_class,
    (SELECT count(*) FROM dust_points AS p WHERE p.draw_id = d.id) AS drawn_points,
    (SELECT count(*) FROM dust_results AS w WHERE w.draw_id = d.id AND w.revision = 1) AS weighed_points
FROM dust_draws AS d
JOIN dust_frames AS f ON f.sha256 = d.frame_sha256
LEFT JOIN dust_reveals AS v ON v.draw_id = d.id
WHERE CAST(:period AS text) IS NULL OR d.period = :period
ORDER BY d.first_day DESC
