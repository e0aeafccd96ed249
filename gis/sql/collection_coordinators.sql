-- The coordinators and where they stand, as the collection coordinators.
-- Columns: ref, name, area_code, area_name (where they stand), tier, on_post_from, on_post_until (dates; until is
--   exclusive, null: open), geom (point, SRID 4326: some point inside that area, not where the person stands).
-- Unique index on coordinators.ref.
SELECT
    c.ref, c.name, a.code AS area_code, a.name AS area_name, c.tier,
    lower(c.on_post) AS on_post_from, upper(c.on_post) AS on_post_until, ST_PointOnSurface(a.geom) AS geom
FROM coordinators AS c
JOIN areas AS a ON a.id = c.area_id
