-- Which of the references waiting in temp table waiting_refs(position, source_id, source_ref) are stored already.
-- Columns: position (int4). Primary key of reports.
SELECT waiting.position
FROM waiting_refs AS waiting
JOIN reports AS held ON held.source_id = waiting.source_id AND held.source_ref = waiting.source_ref
