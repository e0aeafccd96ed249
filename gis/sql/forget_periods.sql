-- Forget the roll-up of some periods. Parameters: firsts (date[]: their first days). Primary key.
DELETE FROM survey_periods WHERE first = ANY(CAST(:firsts AS date[]))
