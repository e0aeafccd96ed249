-- Staged special operations (incoming_operations) that touch no live cell: nothing inside them will be counted in a cell.
-- Columns: code. ix_cells_geom.
SELECT i.code
FROM incoming_operations AS i
WHERE NOT EXISTS (SELECT FROM cells AS c WHERE c.retired_at IS NULL AND ST_Intersects(c.geom, i.geom))
ORDER BY i.code
