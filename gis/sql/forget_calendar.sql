-- Remove the days of the staged years (temporary table incoming_days) that are not staged any more; counts them.
-- Parameters: years (int[]).
-- Primary key of calendar_days.
DELETE FROM calendar_days AS c
WHERE extract(year FROM c.day) = ANY (CAST(:years AS int[]))
  AND NOT EXISTS (SELECT FROM incoming_days AS i WHERE i.day = c.day)
