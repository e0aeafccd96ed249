-- Days before a day on which the staged calendar (temporary table incoming_days) says otherwise than the stored one.
-- Parameters: years (int[]); today (date of the city).
-- Columns: day, ascending.
-- Primary key of calendar_days.
SELECT coalesce(c.day, i.day) AS day
FROM (SELECT * FROM calendar_days WHERE extract(year FROM day) = ANY (CAST(:years AS int[]))) AS c
FULL JOIN incoming_days AS i ON i.day = c.day
WHERE coalesce(c.day, i.day) < :today
  AND c.kind IS DISTINCT FROM i.kind
ORDER BY 1
