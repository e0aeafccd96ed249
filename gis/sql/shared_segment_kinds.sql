-- Reports of a window that stand on a flagged coordinate, by segment, category and source.
-- Parameters: from_day, to_day (to exclusive).
-- Columns: segment_id, category_id, source_id, reports. BRIN index on day; few flagged coordinates are hashed.
SELECT r.segment_id, r.category_id, r.source_id, count(*) AS reports
FROM reports AS r
JOIN shared_positions AS flagged ON flagged.lon = ST_X(r.geom) AND flagged.lat = ST_Y(r.geom)
WHERE r.segment_id IS NOT NULL AND r.day >= :from_day AND r.day < :to_day
GROUP BY r.segment_id, r.category_id, r.source_id
