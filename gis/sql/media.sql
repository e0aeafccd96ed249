-- Media reports of a window with the place they are about: the area they name, else that of the report they are linked
-- to (the area of its cell).
-- Parameters: from_day, to_day (dates of the city, to exclusive, null: open); tone (null: any); incidents (text[]: reports
--   of these, whenever printed, in place of the window; null: the window).
-- Columns: ref, day, outlet, title, url (null: none), tone, incident (null: none), area_id (null: unknown),
--   area_named (whether the media report itself names it), category (kind:code, null: unknown), source, source_ref (the
--   linked report, null: none).
-- ix_media_reports_day or ix_media_reports_incident, primary key of reports.
SELECT
    m.ref, m.day, m.outlet, m.title, m.url, m.tone, m.incident,
    coalesce(m.area_id, c.area_id) AS area_id,
    m.area_id IS NOT NULL AS area_named,
    k.kind || ':' || k.code AS category,
    s.name AS source, m.source_ref
FROM media_reports AS m
LEFT JOIN reports AS r ON r.source_id = m.source_id AND r.source_ref = m.source_ref
LEFT JOIN cells AS c ON c.id = r.cell_id
LEFT JOIN categories AS k ON k.id = coalesce(m.category_id, r.category_id)
LEFT JOIN sources AS s ON s.id = m.source_id
WHERE (CAST(:tone AS text) IS NULL OR m.tone = CAST(:tone AS text))
  AND CASE
          WHEN CAST(:incidents AS text[]) IS NULL
          THEN (CAST(:from_day AS date) IS NULL OR m.day >= CAST(:from_day AS date))
              AND (CAST(:to_day AS date) IS NULL OR m.day < CAST(:to_day AS date))
          ELSE m.incident = ANY (CAST(:incidents AS text[]))
      END
ORDER BY m.day, m.ref
