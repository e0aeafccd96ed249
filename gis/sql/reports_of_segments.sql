-- Reports of a window whose nearest road segment is one of these.
-- Parameters: ids (int[] of segments), from_day, to_day (to exclusive).
-- Columns: place (the segment's id), source_id, source_ref, category_id, lon, lat (degrees), shared (whether the
--   coordinate is flagged). BRIN index on day; few flagged coordinates are hashed.
SELECT
    r.segment_id AS place, r.source_id, r.source_ref, r.category_id, ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat,
    f.lon IS NOT NULL AS shared
FROM reports AS r
LEFT JOIN shared_positions AS f ON f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom)
WHERE r.segment_id = ANY (CAST(:ids AS int[])) AND r.day >= :from_day AND r.day < :to_day
ORDER BY r.segment_id, r.source_id, r.source_ref
