-- Results of satisfaction surveys of a window.
-- Parameters: from_day, to_day (dates of the city, to exclusive, null: open); levels (text[]: of the areas that were
--   asked about, `city` for the whole city).
-- Columns: survey, day, level, area_id, area_code, area_name (null: the whole city), respondents, satisfied_share
--   (numeric 0 to 1), score (numeric 0 to 100) (null: not said).
-- ix_satisfaction_day.
SELECT
    s.survey, s.day, coalesce(a.level, 'city') AS level, s.area_id, a.code AS area_code, a.name AS area_name,
    s.respondents, s.satisfied_share, s.score
FROM satisfaction AS s
LEFT JOIN areas AS a ON a.id = s.area_id
WHERE (CAST(:from_day AS date) IS NULL OR s.day >= CAST(:from_day AS date))
  AND (CAST(:to_day AS date) IS NULL OR s.day < CAST(:to_day AS date))
  AND coalesce(a.level, 'city') = ANY (CAST(:levels AS text[]))
ORDER BY s.day, s.survey, a.code NULLS FIRST
