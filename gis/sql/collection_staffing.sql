-- Demand and supply of coordinators as the rule worked them out, on the geometry of their areas.
-- Parameters: rows (jsonb array of objects: place (id of the area), code, name, tier, area_km2, required, on_post, gap).
-- Columns: id (code:tier, `none` without a tier), code, name, tier (null: neither cells nor people), area_km2 (km2, of its
--   cells), required, on_post, gap (persons; null: no cells), geom (multipolygon, SRID 4326).
-- Primary key of areas.
SELECT
    r.code || ':' || coalesce(r.tier, 'none') AS id, r.code, r.name, r.tier, r.area_km2, r.required, r.on_post, r.gap,
    a.geom
FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (
    place int, code text COLLATE "C", name text, tier text, area_km2 float8, required int, on_post int, gap int
)
JOIN areas AS a ON a.id = r.place
