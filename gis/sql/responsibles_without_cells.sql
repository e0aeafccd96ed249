-- Staged rows (incoming_responsibles) that came to no place (incoming_places): areas without live cells.
-- Columns: row, code, ascending row. No index: both are temporary.
SELECT i.row, i.code
FROM incoming_responsibles i
WHERE i.row NOT IN (SELECT p.row FROM incoming_places p)
ORDER BY i.row
