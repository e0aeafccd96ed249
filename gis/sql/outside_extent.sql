-- The box that holds the reports outside all cells; the others lie in the cells.
-- Columns: west, south, east, north (degrees, SRID 4326; null where there are none).
-- Sequential scan of reports; about 0.1 s for a million.
SELECT
    ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north
FROM (
    SELECT ST_Extent(geom) AS box
    FROM reports
    WHERE cell_id IS NULL
) AS outside
