-- Take the staged special operations (temporary table incoming_operations: code, name, name_en, first, stop, geom) in by code.
-- Columns: code, added (true: new; false: it is another one than before), one row for each that was written.
-- uq_special_operations_code.
INSERT INTO special_operations AS o (code, name, name_en, valid, geom)
SELECT i.code, i.name, i.name_en, tstzrange(i.first, i.stop), i.geom
FROM incoming_operations AS i
ORDER BY i.code
ON CONFLICT (code) DO UPDATE
SET name = excluded.name, name_en = excluded.name_en, valid = excluded.valid, geom = excluded.geom
WHERE (o.name, o.name_en, o.valid, ST_AsBinary(o.geom))
    IS DISTINCT FROM (excluded.name, excluded.name_en, excluded.valid, ST_AsBinary(excluded.geom))
RETURNING o.code, xmax = 0 AS added
