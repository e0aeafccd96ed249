-- What lists say of places that are no segment.
-- Parameters: lons, lats (float8[] degrees, SRID 4326), xs, ys (float8[]: the same places in the city's metric CRS),
--   reach_m.
-- Columns: number (from 1, in the order given); name (of the nearest named road segment within reach_m, else null);
--   street_id, street_code, street_name (the street office that covers it, else the district; null: none);
--   listing (lowest id of the open spots whose ground covers it, or null).
-- GiST on road_segments.geom_m and areas.geom; few listings are open.
SELECT
    p.number, g.name, a.id AS street_id, a.code AS street_code, a.name AS street_name, l.id AS listing
FROM unnest(
    CAST(:lons AS float8[]), CAST(:lats AS float8[]), CAST(:xs AS float8[]), CAST(:ys AS float8[])
) WITH ORDINALITY AS p (lon, lat, x, y, number)
LEFT JOIN LATERAL (
    SELECT s.name
    FROM road_segments AS s
    WHERE s.retired_at IS NULL AND s.name <> '' AND ST_DWithin(s.geom_m, ST_MakePoint(p.x, p.y), :reach_m)
    ORDER BY ST_Distance(s.geom_m, ST_MakePoint(p.x, p.y)), s.code
    LIMIT 1
) AS g ON true
LEFT JOIN LATERAL (
    SELECT one.id, one.code, one.name
    FROM areas AS one
    WHERE one.retired_at IS NULL AND one.level IN ('street', 'district')
      AND ST_Covers(one.geom, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
    ORDER BY one.level = 'street' DESC, one.code
    LIMIT 1
) AS a ON true
LEFT JOIN LATERAL (
    SELECT min(one.id) AS id
    FROM listings AS one
    WHERE one.kind = 'spot' AND one.state NOT IN ('delisted', 'dismissed')
      AND ST_Covers(one.ground, ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326))
) AS l ON true
ORDER BY p.number
