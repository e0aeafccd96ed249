-- Where the reports of a window stand.
-- Parameters: from_day, to_day (dates of the city, to exclusive).
-- Columns: lon, lat (float8 degrees, SRID 4326), category_id, source_id (int2). BRIN index on day.
SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat, category_id, source_id
FROM reports
WHERE geom IS NOT NULL AND day >= :from_day AND day < :to_day
