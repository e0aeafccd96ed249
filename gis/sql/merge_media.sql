-- Take the staged media reports (temporary table incoming_media); what is the same stays untouched.
-- Columns: added, one row per media report written, true where it is new. Index: uq_media_reports_ref.
INSERT INTO media_reports AS m (ref, day, outlet, title, url, tone, incident, area_id, category_id, source_id, source_ref)
SELECT ref, day, outlet, title, url, tone, incident, area_id, category_id, source_id, source_ref
FROM incoming_media
ORDER BY ref
ON CONFLICT (ref) DO UPDATE
SET day = excluded.day, outlet = excluded.outlet, title = excluded.title, url = excluded.url, tone = excluded.tone,
    incident = excluded.incident, area_id = excluded.area_id, category_id = excluded.category_id,
    source_id = excluded.source_id, source_ref = excluded.source_ref
WHERE (m.day, m.outlet, m.title, m.url, m.tone, m.incident, m.area_id, m.category_id, m.source_id, m.source_ref)
      IS DISTINCT FROM (excluded.day, excluded.outlet, excluded.title, excluded.url, excluded.tone, excluded.incident,
                        excluded.area_id, excluded.category_id, excluded.source_id, excluded.source_ref)
RETURNING xmax = 0 AS added
