-- Make the roll-up of some periods of their passes; it must be empty there.
-- Parameters: firsts, afters (date[] of one length: first day, and day after the last). Index: ix_patrol_passes_day.
INSERT INTO survey_periods (first, segment_id, covered, passes, last_at)
SELECT w.first, p.segment_id, range_agg(int4range(p.from_dm, p.to_dm)), count(*), max(p.passed_at)
FROM unnest(CAST(:firsts AS date[]), CAST(:afters AS date[])) AS w (first, after)
JOIN patrol_passes AS p ON p.day >= w.first AND p.day < w.after
GROUP BY w.first, p.segment_id
