-- Periods and segments of which the roll-up of patrol passes is not what the passes themselves say.
-- Columns: first (first day of the ten-day period), segment (code), derived, held (covered decimetres; null: none).
-- Sequential scan of patrol_passes; the periods are derived from the calendar here, not by the code that wrote the roll-up.
WITH derived AS (
    SELECT
        CAST(date_trunc('month', day) AS date)
        + CASE WHEN extract(day FROM day) > 20 THEN 20 WHEN extract(day FROM day) > 10 THEN 10 ELSE 0 END AS first,
        segment_id, range_agg(int4range(from_dm, to_dm)) AS covered, count(*) AS passes, max(passed_at) AS last_at
    FROM patrol_passes
    GROUP BY 1, 2
)
SELECT
    coalesce(d.first, h.first) AS first, s.code AS segment, CAST(d.covered AS text) AS derived,
    CAST(h.covered AS text) AS held
FROM derived AS d
FULL JOIN survey_periods AS h ON h.first = d.first AND h.segment_id = d.segment_id
JOIN road_segments AS s ON s.id = coalesce(d.segment_id, h.segment_id)
WHERE (d.covered, d.passes, d.last_at) IS DISTINCT FROM (h.covered, h.passes, h.last_at)
ORDER BY 1, 2
