-- Reports of some days whose segment is not the lowest code among the nearest ones within reach.
-- Parameters: first (date), start, stop (int days after it, stop exclusive); srid (of the city's metric CRS);
--   reach_m (m, inclusive), tie_m (m: distances closer than this are equal).
-- Columns: source_id, source_ref, segment (assigned code), derived (code that PostGIS says).
-- GiST index on road_segments.geom_m.
SELECT r.source_id, r.source_ref, held.code AS segment, derived.code AS derived
FROM (
    SELECT *, ST_SetSRID(ST_Transform(geom, CAST(:srid AS int)), 0) AS at
    FROM reports
    WHERE day >= CAST(:first AS date) + CAST(:start AS int)
      AND day < CAST(:first AS date) + CAST(:stop AS int)
    OFFSET 0
) AS r
LEFT JOIN road_segments AS held ON held.id = r.segment_id
LEFT JOIN LATERAL (
    SELECT ST_Distance(s.geom_m, r.at) AS distance_m
    FROM road_segments AS s
    WHERE s.retired_at IS NULL
    ORDER BY s.geom_m <-> r.at
    LIMIT 1
) AS nearest ON nearest.distance_m <= :reach_m
LEFT JOIN LATERAL (
    SELECT s.code
    FROM road_segments AS s
    WHERE s.retired_at IS NULL AND ST_DWithin(s.geom_m, r.at, least(nearest.distance_m + :tie_m, :reach_m))
    ORDER BY s.code
    LIMIT 1
) AS derived ON nearest.distance_m IS NOT NULL
WHERE held.code IS DISTINCT FROM derived.code
