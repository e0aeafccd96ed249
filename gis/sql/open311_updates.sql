-- What happened to service requests, oldest first: each event of a case, for each report that the case stands for.
-- Parameters: from_at, to_at (instants of the event, both included); source_ids (int2[]), source_refs (text[] of the same
--   length): only of these reports, null: of all; moves (text[]): which kinds of events; row_limit, row_offset.
-- Columns: case_id, number (of the event in its case), move, state (after it), at (UTC), reason, due_at (after it), source,
--   source_ref (of the report).
-- ix_case_events_at; index on case_reports.case_id; primary key of reports.
SELECT v.case_id, v.number, v.move, v.state, v.at, v.reason, v.due_at, s.name AS source, b.source_ref
FROM case_events AS v
JOIN case_reports AS b ON b.case_id = v.case_id
JOIN reports AS r ON r.source_id = b.source_id AND r.source_ref = b.source_ref
JOIN sources AS s ON s.id = b.source_id
WHERE v.at BETWEEN CAST(:from_at AS timestamptz) AND CAST(:to_at AS timestamptz)
  AND v.at >= r.reported_at
  AND v.move = ANY (CAST(:moves AS text[]))
  AND (CAST(:source_refs AS text[]) IS NULL
       OR (b.source_id, b.source_ref) IN (
           SELECT w.source_id, w.source_ref
           FROM unnest(CAST(:source_ids AS int2[]), CAST(:source_refs AS text[])) AS w (source_id, source_ref)))
ORDER BY v.at, v.case_id, v.number, b.source_id, b.source_ref
LIMIT :row_limit OFFSET :row_offset
