-- Roads around the places of a bulletin, cut at the edge of each small map.
-- Parameters: west, south, east, north (float8[] of boxes, metres in the city's metric CRS).
-- Columns: at (number of the box from 0), name (may be empty), road_class, geom (WKB, metres).
-- Index ix_road_segments_geom_m, once per box.
SELECT b.at - 1 AS at, s.name, s.class AS road_class, ST_AsBinary(ST_ClipByBox2D(s.geom_m, b.box)) AS geom
FROM (
    SELECT u.at, CAST(ST_MakeEnvelope(u.west, u.south, u.east, u.north) AS box2d) AS box,
           ST_MakeEnvelope(u.west, u.south, u.east, u.north) AS shape
    FROM unnest(CAST(:west AS float8[]), CAST(:south AS float8[]), CAST(:east AS float8[]), CAST(:north AS float8[]))
         WITH ORDINALITY AS u (west, south, east, north, at)
) AS b
JOIN road_segments AS s ON s.geom_m && b.shape
WHERE s.retired_at IS NULL
ORDER BY b.at, s.code
