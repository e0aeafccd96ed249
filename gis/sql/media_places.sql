-- Exposures of the incidents that the staged media reports (temporary table incoming_media) name, those in the table and
-- the others already stored, with the place that each names.
-- Columns: incident, ref, area_code; only reports that name an area.
-- ix_media_reports_incident, uq_media_reports_ref.
SELECT i.incident, i.ref, a.code AS area_code
FROM incoming_media AS i
JOIN areas AS a ON a.id = i.area_id
WHERE i.tone = 'exposure'
UNION ALL
SELECT m.incident, m.ref, a.code
FROM media_reports AS m
JOIN areas AS a ON a.id = m.area_id
WHERE m.tone = 'exposure'
  AND m.incident IN (SELECT incident FROM incoming_media)
  AND NOT EXISTS (SELECT FROM incoming_media AS i WHERE i.ref = m.ref)
ORDER BY incident, ref
