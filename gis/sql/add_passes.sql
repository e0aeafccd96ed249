-- Take the staged passes (temporary table incoming_passes) in and add them to the roll-up; known ones stay as they are.
-- Columns: passes (how many were new), segments (of how many segments). Primary keys of patrol_passes and survey_periods.
WITH added AS (
    INSERT INTO patrol_passes (segment_id, passed_at, surveyor_id, from_dm, to_dm, day, import_id, track_id)
    SELECT segment_id, passed_at, surveyor_id, from_dm, to_dm, day, import_id, track_id
    FROM incoming_passes
    ORDER BY segment_id, passed_at, surveyor_id, from_dm, to_dm DESC NULLS FIRST
    ON CONFLICT DO NOTHING
    RETURNING segment_id, passed_at, from_dm, to_dm, day
),
periods AS (
    SELECT DISTINCT day, first FROM incoming_passes
),
rolled AS (
    INSERT INTO survey_periods (first, segment_id, covered, passes, last_at)
    SELECT p.first, a.segment_id, range_agg(int4range(a.from_dm, a.to_dm)), count(*), max(a.passed_at)
    FROM added AS a
    JOIN periods AS p USING (day)
    GROUP BY p.first, a.segment_id
    ORDER BY p.first, a.segment_id
    ON CONFLICT (first, segment_id) DO UPDATE
    SET covered = survey_periods.covered + excluded.covered,
        passes = survey_periods.passes + excluded.passes,
        last_at = greatest(survey_periods.last_at, excluded.last_at)
)
SELECT count(*) AS passes, count(DISTINCT segment_id) AS segments FROM added
