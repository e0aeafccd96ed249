-- Take the staged facilities (temporary table incoming_facilities) in by code; what is the same stays untouched.
-- Columns: added, one row per facility written, true where it is new. Index: uq_facilities_code.
INSERT INTO facilities AS f (code, kind, name, capacity, valid, area_id, geom, outline)
SELECT
    code, kind, name, capacity, daterange(valid_from, valid_to), area_id,
    CASE ST_Dimension(geom) WHEN 0 THEN geom ELSE ST_PointOnSurface(geom) END,
    CASE ST_Dimension(geom) WHEN 2 THEN geom END
FROM incoming_facilities
ORDER BY code
ON CONFLICT (code) DO UPDATE
SET kind = excluded.kind, name = excluded.name, capacity = excluded.capacity, valid = excluded.valid,
    area_id = excluded.area_id, geom = excluded.geom, outline = excluded.outline
WHERE (f.kind, f.name, f.capacity, f.valid, f.area_id, ST_AsBinary(f.geom), ST_AsBinary(f.outline))
      IS DISTINCT FROM (excluded.kind, excluded.name, excluded.capacity, excluded.valid, excluded.area_id,
                        ST_AsBinary(excluded.geom), ST_AsBinary(excluded.outline))
RETURNING xmax = 0 AS added
