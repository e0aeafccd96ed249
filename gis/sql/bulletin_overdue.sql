-- What a bulletin calls listed places by; nothing of it ever changes.
-- Parameters: ids (bigint[] of listings). Columns: id, kind, name (of the road; may be null), code (of a segment), period.
-- Primary keys of listings and road_segments.
SELECT l.id, l.kind, nullif(l.name, '') AS name, s.code, l.period
FROM listings AS l
LEFT JOIN road_segments AS s ON s.id = l.segment_id
WHERE l.id = ANY (CAST(:ids AS bigint[]))
