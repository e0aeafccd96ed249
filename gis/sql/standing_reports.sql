-- The reports of a period as a standing looks at them, with the case that each belongs to.
-- Parameters: from_day, to_day (dates of the city, to exclusive).
-- Columns: source_id, source_ref, category_id, cell_id, segment_id (0: none), lon_e7, lat_e7 (int4, 1e-7 degrees of WGS 84;
--   null: no position), at_us (int8, microseconds since 1970 UTC), case_id (0: none), void (1: its case was found to be none).
-- BRIN index on day; primary keys of case_reports and cases.
SELECT
    r.source_id, r.source_ref, r.category_id, coalesce(r.cell_id, 0) AS cell_id, coalesce(r.segment_id, 0) AS segment_id,
    CAST(round(ST_X(r.geom) * 1e7) AS int) AS lon_e7, CAST(round(ST_Y(r.geom) * 1e7) AS int) AS lat_e7,
    CAST(round(date_part('epoch', r.reported_at) * 1e6) AS int8) AS at_us, coalesce(b.case_id, 0) AS case_id,
    CASE WHEN c.state = 'void' AND c.merged_into IS NULL THEN 1 ELSE 0 END AS void
FROM reports AS r
LEFT JOIN case_reports AS b ON b.source_id = r.source_id AND b.source_ref = r.source_ref
LEFT JOIN cases AS c ON c.id = b.case_id
WHERE r.day >= :from_day
  AND r.day < :to_day
