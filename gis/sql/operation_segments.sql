-- Live road segments as far as they lie in a special operation, and those outside to which reports inside it belong.
-- Parameters: operation (id); counted (int[] of ids of segments to which reports inside belong).
-- Columns: id (int4), mm (int8, millimetres inside, geodesic; a segment that lies inside whole has its own length), shape
--   (bytea: WKB of the part inside, SRID 4326; empty for one outside), in code order.
-- ix_road_segments_geom.
WITH met AS (
    SELECT s.id
    FROM special_operations AS o
    JOIN road_segments AS s ON ST_Intersects(o.geom, s.geom)
    WHERE o.id = :operation
      AND s.retired_at IS NULL
    UNION
    SELECT unnest(CAST(:counted AS int[]))
), judged AS MATERIALIZED (
    SELECT
        s.id, s.code, s.geom, s.length_m,
        ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), s.geom) AS whole
    FROM met
    JOIN road_segments AS s USING (id)
), cut AS MATERIALIZED (
    SELECT
        j.*,
        CASE WHEN NOT whole THEN ST_Multi(ST_CollectionExtract(ST_Intersection(
            j.geom, (SELECT o.geom FROM special_operations AS o WHERE o.id = :operation)), 2)) END AS inside
    FROM judged AS j
)
SELECT
    id,
    CASE
        WHEN whole THEN CAST(length_m * 1000 AS int8)
        ELSE CAST(round(ST_Length(CAST(inside AS geography)) * 1000) AS int8)
    END AS mm,
    ST_AsBinary(coalesce(inside, geom)) AS shape
FROM cut
ORDER BY code
