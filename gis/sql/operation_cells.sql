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
), judged AS MATERIALIZED (
    SELECT
        c.id, c.code, c.geom, c.area_km2,
        ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), c.geom) AS whole
    FROM met
    JOIN cells AS c USING (id)
), cut AS MATERIALIZED (
    SELECT
        j.*,
        CASE WHEN NOT whole THEN ST_Multi(ST_CollectionExtract(ST_Intersection(
            j.geom, (SELECT o.geom FROM special_operations AS o WHERE o.id = :operation)), 3)) END AS inside
    FROM judged AS j
)
SELECT
    id,
    CASE
        WHEN whole THEN CAST(area_km2 * 100000000 AS int8)
        ELSE CAST(round(ST_Area(CAST(inside AS geography)) * 100) AS int8)
    END AS dm2,
    ST_AsBinary(coalesce(inside, geom)) AS shape
FROM cut
ORDER BY code
