-- Gives the reports in temp table moved_reports(tid_block, tid_offset, cell_id, segment_id) their new places.
-- Row places on disk are good within the transaction that read them: the ground lock keeps every other writer out.
UPDATE reports AS r
SET cell_id = m.cell_id, segment_id = m.segment_id
FROM moved_reports AS m
WHERE r.ctid = CAST(format('(%s,%s)', m.tid_block, m.tid_offset) AS tid)
