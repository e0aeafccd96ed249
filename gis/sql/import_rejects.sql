-- The rejected rows of an import.
-- Parameters: import_id. Columns: row, reason, original. Primary key of import_rejects.
SELECT row_number AS "row", reason, original
FROM import_rejects
WHERE import_id = :import_id
ORDER BY row_number
