-- Live cells as far as they lie in a special operation, and those that hold reports inside it though they only touch it.
-- Parameters: operation (id); counted (int[] of ids of cells that hold reports inside).
-- Columns: id (int4), dm2 (int8, square decimetres inside, geodesic; a cell that lies inside whole has its own area), shape
--   (bytea: WKB of the part inside, SRID 4326; empty for one that only touches), in code order.
-- ix_cells_geom.
WITH met AS (
    SELECT c.id
    FROM special_operations AS o
    JOIN cells AS c ON ST_Intersects(o.geom, c.geom)
    WHERE o.id = :operation
      AND c.retired_at IS NULL
    UNION
    SELECT unnest(CAST(:counted AS int[]))
), cut AS (
    SELECT
        c.id, c.code, c.geom, c.area_km2, ST_Covers(o.geom, c.geom) AS whole,
        ST_CollectionExtract(ST_Intersection(c.geom, o.geom), 3) AS inside
    FROM met
    JOIN cells AS c USING (id)
    JOIN special_operations AS o ON o.id = :operation
)
SELECT
    id,
    CASE
        WHEN whole THEN CAST(area_km2 * 100000000 AS int8)
        ELSE CAST(round(ST_Area(CAST(inside AS geography)) * 100) AS int8)
    END AS dm2,
    ST_AsBinary(CASE WHEN whole THEN geom ELSE ST_Multi(inside) END) AS shape
FROM cut
ORDER BY code
