-- Take the staged measures (temporary table incoming_measures) in by ref; what is the same stays untouched.
-- Columns: added, one row per measure written, true where it is new. Index: uq_measures_ref.
INSERT INTO measures AS m (ref, kind, name, valid, begun, cost_yuan, geom)
SELECT ref, kind, name, daterange(valid_from, valid_to), begun, CAST(cost_yuan AS bigint), geom
FROM incoming_measures
ORDER BY ref
ON CONFLICT (ref) DO UPDATE
SET kind = excluded.kind, name = excluded.name, valid = excluded.valid, begun = excluded.begun,
    cost_yuan = excluded.cost_yuan, geom = excluded.geom
WHERE (m.kind, m.name, m.valid, m.begun, m.cost_yuan, ST_AsBinary(m.geom))
      IS DISTINCT FROM (excluded.kind, excluded.name, excluded.valid, excluded.begun, excluded.cost_yuan,
                        ST_AsBinary(excluded.geom))
RETURNING xmax = 0 AS added
