-- Coordinates shared by suspiciously many reports and not flagged yet.
-- Parameters: least (reports), share (of all reports with a position).
-- Columns: lon, lat (degrees, SRID 4326), reports; most first. Reads every report.
WITH positions AS (
    SELECT ST_X(geom) AS lon, ST_Y(geom) AS lat, count(*) AS reports
    FROM reports
    WHERE geom IS NOT NULL
    GROUP BY 1, 2
)
SELECT p.lon, p.lat, p.reports
FROM positions AS p
LEFT JOIN shared_positions AS flagged USING (lon, lat)
WHERE flagged.lon IS NULL
  AND p.reports >= greatest(:least, :share * (SELECT sum(reports) FROM positions))
ORDER BY p.reports DESC, p.lon, p.lat
