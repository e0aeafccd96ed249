-- The cell of each staged point (temporary table incoming_points: row, geom in EPSG:4326): the lowest code among the live
-- cells that cover it; points outside all cells are absent.
-- Columns: row, code, tier. Index: ix_cells_geom.
SELECT DISTINCT ON (i.row) i.row, c.code, c.tier
FROM incoming_points i
JOIN cells c ON ST_Covers(c.geom, i.geom)
WHERE c.retired_at IS NULL
ORDER BY i.row, c.code
