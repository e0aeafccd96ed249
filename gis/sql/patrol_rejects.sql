-- The rejected rows of an import of patrols.
-- Parameters: import_id. Columns: row, reason, original. Primary key of patrol_rejects.
SELECT row_number AS "row", reason, original
FROM patrol_rejects
WHERE import_id = :import_id
ORDER BY row_number
