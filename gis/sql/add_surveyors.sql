-- Ids of surveyors by their references, made where they are new.
-- Parameters: refs (text[]). Columns: ref, id. Index: uq_surveyors_ref.
WITH added AS (
    INSERT INTO surveyors (ref)
    SELECT ref FROM unnest(CAST(:refs AS text[])) AS wanted (ref)
    ORDER BY ref
    ON CONFLICT (ref) DO NOTHING
    RETURNING ref, id
)
SELECT ref, id FROM added
UNION ALL
SELECT ref, id FROM surveyors WHERE ref = ANY(CAST(:refs AS text[]))
