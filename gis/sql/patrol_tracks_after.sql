-- Tracks in the order of their ids, some at a time.
-- Parameters: after (id; 0: from the beginning), most (tracks).
-- Columns: id, import_id (int8), surveyor_id (int4), day (date of the city on which it began), geom (EWKB, linestring with
--   M in seconds since 1970 UTC, SRID 4326). Primary key.
SELECT
    id, import_id, surveyor_id,
    CAST(started_at AT TIME ZONE (SELECT time_zone FROM city) AS date) AS day, ST_AsEWKB(geom) AS geom
FROM patrol_tracks
WHERE id > CAST(:after AS bigint)
ORDER BY id
LIMIT :most
