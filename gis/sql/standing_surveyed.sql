-- Live road segments of which enough was surveyed in a ten-day period.
-- Parameters: first (date: first day of the period); share (1: of its length, from which on a segment counts).
-- Columns: id. Primary key of survey_periods.
SELECT s.id
FROM survey_periods AS v
JOIN road_segments AS s ON s.id = v.segment_id
WHERE v.first = :first
  AND s.retired_at IS NULL
  AND s.length_m > 0
  AND surveyed_m(v.covered, s.length_m) >= CAST(:share AS numeric) * s.length_m
