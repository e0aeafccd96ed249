-- Which of these areas hold live cells, themselves or through an area below.
-- Parameters: codes (text[]). Columns: code. Index: uq_areas_code; codes of what lies below begin with the area's own.
SELECT a.code
FROM areas a
WHERE a.code = ANY(:codes)
  AND EXISTS (
    SELECT FROM cells c
    JOIN areas h ON h.id = c.area_id
    WHERE c.retired_at IS NULL AND starts_with(h.code, a.code)
  )
ORDER BY a.code
