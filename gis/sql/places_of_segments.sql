-- What lists say of road segments.
-- Parameters: ids (int[] of segments).
-- Columns: id, code, name, class, length_m (numeric m, geodesic); lon, lat (degrees: the middle of the longest part);
--   street_id, street_code, street_name (the street office that answers, else the district; null: outside all areas);
--   listing (id of the listing that the segment is open under, or null).
-- Primary keys of road_segments and areas, uq_listings_open_segment.
SELECT
    s.id, s.code, s.name, s.class, s.length_m, ST_X(m.middle) AS lon, ST_Y(m.middle) AS lat,
    o.id AS street_id, o.code AS street_code, o.name AS street_name, l.id AS listing
FROM road_segments AS s
JOIN LATERAL (
    SELECT ST_LineInterpolatePoint(part.geom, 0.5) AS middle
    FROM ST_Dump(s.geom) AS part
    ORDER BY ST_Length(part.geom) DESC, part.path
    LIMIT 1
) AS m ON true
LEFT JOIN areas AS a ON a.id = s.area_id
LEFT JOIN areas AS o ON o.id = CASE a.level WHEN 'community' THEN coalesce(a.parent_id, a.id) ELSE a.id END
LEFT JOIN listings AS l ON l.segment_id = s.id AND l.state NOT IN ('delisted', 'dismissed')
WHERE s.id = ANY (CAST(:ids AS int[]))
