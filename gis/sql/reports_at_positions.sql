-- How many reports of an import stand exactly at some coordinates.
-- Parameters: import_id; lons, lats (float8[], degrees, SRID 4326, of one length).
-- Columns: lon, lat, reports; most first. Reads the whole table, once per very large import.
SELECT at.lon, at.lat, count(*) AS reports
FROM reports AS r
JOIN unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) AS at(lon, lat)
    ON at.lon = ST_X(r.geom) AND at.lat = ST_Y(r.geom)
WHERE r.import_id = :import_id
GROUP BY 1, 2
ORDER BY reports DESC, 1, 2
