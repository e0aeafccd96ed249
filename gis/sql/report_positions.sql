-- Where the reports of a window stand, packed: a row per day travels twice as fast as a row per report.
-- Parameters: from_day, to_day (dates of the city, to exclusive).
-- Columns: packed (bytea: 20 bytes per report, big endian: lon and lat as float8 degrees in SRID 4326, category_id and
--   source_id as int2; in no order). BRIN index on day.
SELECT string_agg(
    float8send(ST_X(geom)) || float8send(ST_Y(geom)) || int2send(category_id) || int2send(source_id), ''::bytea
) AS packed
FROM reports
WHERE geom IS NOT NULL AND day >= :from_day AND day < :to_day
GROUP BY day
