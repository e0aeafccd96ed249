-- Take the staged days (temporary table incoming_days) into the calendar; what is the same stays untouched.
-- Columns: added, one row per day written, true where it is new. Primary key of calendar_days.
INSERT INTO calendar_days (day, kind, name)
SELECT day, kind, name
FROM incoming_days
ORDER BY day
ON CONFLICT (day) DO UPDATE
SET kind = excluded.kind, name = excluded.name
WHERE (calendar_days.kind, calendar_days.name) IS DISTINCT FROM (excluded.kind, excluded.name)
RETURNING xmax = 0 AS added
