-- Take the staged survey results (temporary table incoming_satisfaction); what is the same stays untouched.
-- Columns: added, one row per result written, true where it is new. Index: uq_satisfaction_survey_day_area_id.
INSERT INTO satisfaction AS s (survey, day, area_id, respondents, satisfied_share, score)
SELECT survey, day, area_id, respondents, CAST(satisfied_share AS numeric(7, 6)), CAST(score AS numeric(5, 2))
FROM incoming_satisfaction
ORDER BY survey, day, area_id
ON CONFLICT (survey, day, area_id) DO UPDATE
SET respondents = excluded.respondents, satisfied_share = excluded.satisfied_share, score = excluded.score
WHERE (s.respondents, s.satisfied_share, s.score)
      IS DISTINCT FROM (excluded.respondents, excluded.satisfied_share, excluded.score)
RETURNING xmax = 0 AS added
