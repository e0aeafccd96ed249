-- Reports of a window in a box.
-- Parameters: west, south, east, north (degrees, SRID 4326, edges included), from_day, to_day (to exclusive).
-- Columns: source_id, source_ref, category_id, lon, lat (degrees), shared (whether the coordinate is flagged).
-- BRIN index on day; few flagged coordinates are hashed.
SELECT
    r.source_id, r.source_ref, r.category_id, ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, f.lon IS NOT NULL AS shared
FROM reports AS r
LEFT JOIN shared_positions AS f ON f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom)
WHERE r.geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326) AND r.day >= :from_day AND r.day < :to_day
ORDER BY r.source_id, r.source_ref
