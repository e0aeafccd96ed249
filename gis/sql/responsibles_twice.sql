-- Pairs of staged rows (incoming_places) that share an instant at one place.
-- Columns: first, second (row numbers, first < second), code (lowest place shared), places (how many).
-- No index: the table is temporary.
SELECT a.row AS first, b.row AS second, min(a.code) AS code, count(*) AS places
FROM incoming_places a
JOIN incoming_places b ON a.place = b.place AND a.row < b.row AND a.valid && b.valid
GROUP BY a.row, b.row
ORDER BY b.row, a.row
