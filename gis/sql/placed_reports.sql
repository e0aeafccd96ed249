-- Reports with a position of some days, and where they are assigned.
-- Parameters: first (date), start, stop (int days after it, stop exclusive).
-- Columns: block, offset (the row's place on disk), lon, lat (degrees, SRID 4326), cell_id, segment_id (0: none).
-- BRIN index on day.
SELECT
    CAST(split_part(trim(both '()' FROM ctid::text), ',', 1) AS int8) AS block,
    CAST(split_part(trim(both '()' FROM ctid::text), ',', 2) AS int4) AS "offset",
    ST_X(geom) AS lon,
    ST_Y(geom) AS lat,
    coalesce(cell_id, 0) AS cell_id,
    coalesce(segment_id, 0) AS segment_id
FROM reports
WHERE geom IS NOT NULL
  AND day >= CAST(:first AS date) + CAST(:start AS int)
  AND day < CAST(:first AS date) + CAST(:stop AS int)
