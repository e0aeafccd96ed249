-- Reports of a window that stand exactly on these positions.
-- Parameters: places (int[]), lons, lats (float8[] degrees, SRID 4326), all of one length; from_day, to_day (to
--   exclusive).
-- Columns: place (as given), source_id, source_ref, category_id. BRIN index on day; the positions are hashed.
SELECT p.place, r.source_id, r.source_ref, r.category_id
FROM reports AS r
JOIN unnest(CAST(:places AS int[]), CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS p (place, lon, lat)
    ON p.lon = ST_X(r.geom) AND p.lat = ST_Y(r.geom)
WHERE r.day >= :from_day AND r.day < :to_day
ORDER BY p.place, r.source_id, r.source_ref
