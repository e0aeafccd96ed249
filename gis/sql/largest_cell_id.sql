-- The largest id that any row of the roll-up may name.
-- Columns: one int4, 0 where there is none. Primary key of cells.
SELECT coalesce(max(id), 0) FROM cells
