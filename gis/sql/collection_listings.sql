-- Listed places as points, as the collection listings.
-- Parameters: today (date of the city, for which deadlines are counted).
-- Columns: id, kind, period, rank (null: by hand), code (of the segment), name, street_code, street_name, responsible, state,
--   reports, score, first_day (of the period), listed_on, due_on, hold_until, ended_on (null: it goes on), days_left (null:
--   no clock runs), overdue_days, escalated, geom (point, SRID 4326: on the segment, or a report of the spot).
-- Primary key of listings; GiST index on geom.
SELECT
    l.id, l.kind, l.period, CAST(l.rank AS int) AS rank, g.code, nullif(l.name, '') AS name, a.code AS street_code,
    a.name AS street_name, p.name AS responsible, l.state, l.reports, CAST(l.score AS float8) AS score, l.first_day,
    l.listed_on, l.due_on, l.hold_until,
    CASE WHEN l.state IN ('delisted', 'dismissed') THEN CAST(l.at AT TIME ZONE c.time_zone AS date) END AS ended_on,
    CASE WHEN l.state IN ('listed', 'rectifying') THEN l.due_on - CAST(:today AS date) END AS days_left,
    coalesce(l.late_before + greatest(coalesce(l.submitted_on, CAST(:today AS date)) - l.due_on, 0), 0) AS overdue_days,
    l.escalated, l.geom
FROM listings AS l
CROSS JOIN city AS c
LEFT JOIN road_segments AS g ON g.id = l.segment_id
LEFT JOIN areas AS a ON a.id = l.street_id
LEFT JOIN persons AS p ON p.id = l.person_id
