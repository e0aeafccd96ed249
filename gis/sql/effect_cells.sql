-- What of a live cell does not change in time and is compared between places.
-- Columns: id (int4); lon, lat (float8, WGS 84 degrees: its centroid); road_m, main_m (float8, metres: roads, and ring,
--   trunk and main roads, within the cell's bounding box, which for a lattice is the cell).
-- ix_road_segments_geom.
SELECT
    c.id,
    ST_X(ST_Centroid(c.geom)) AS lon,
    ST_Y(ST_Centroid(c.geom)) AS lat,
    coalesce(sum(r.inside_m), 0) AS road_m,
    coalesce(sum(r.inside_m) FILTER (WHERE r.class IN ('ring', 'trunk', 'main')), 0) AS main_m
FROM cells AS c
LEFT JOIN LATERAL (
    SELECT g.class, ST_Length(CAST(ST_ClipByBox2D(g.geom, c.geom) AS geography)) AS inside_m
    FROM road_segments AS g
    WHERE g.geom && c.geom
      AND g.retired_at IS NULL
    OFFSET 0
) AS r ON true
WHERE c.retired_at IS NULL
GROUP BY c.id
