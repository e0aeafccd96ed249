-- The box that holds the live areas, cells and road segments, and of what may reach beyond them: special
-- operations, facilities, measures.
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
        UNION ALL
        SELECT geom FROM facilities
        UNION ALL
        SELECT ST_Expand(geom, 0.0002) FROM measures
    ) AS ground
) AS extent
