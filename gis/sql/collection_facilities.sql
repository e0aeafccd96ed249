-- Facilities, as the collection facilities: a point of each.
-- Columns: code, kind, name, capacity (null: not counted), valid_from, valid_to (dates, half-open, null: still there),
--   geom (point, SRID 4326).
-- uq_facilities_code; ix_facilities_geom for boxes.
SELECT f.code, f.kind, f.name, f.capacity, lower(f.valid) AS valid_from, upper(f.valid) AS valid_to, f.geom
FROM facilities AS f
