-- The box that holds the live areas, cells and road segments, and the special operations, which may reach beyond them.
-- Columns: west, south, east, north (degrees, SRID 4326; null where there are none).
-- Sequential scans; 150 k boxes.
SELECT
    ST_XMin(box) AS west, ST_YMin(box) AS south, ST_XMax(box) AS east, ST_YMax(box) AS north
FROM (
    SELECT ST_Extent(geom) AS box
    FROM (
        SELECT geom FROM areas WHERE retired_at IS NULL
        UNION ALL
        SELECT geom FROM cells WHERE retired_at IS NULL
        UNION ALL
        SELECT geom FROM road_segments WHERE retired_at IS NULL
        UNION ALL
        SELECT geom FROM special_operations
    ) AS ground
) AS extent
