-- Facilities with the area that each belongs to: the one its file names, else the lowest area that covers its point,
-- the lowest code where several do.
-- Parameters: kind (null: any), on_day (date on which they are there, null: any).
-- Columns: id, code, kind, name, capacity (null: not counted), valid_from, valid_to (dates, half-open, null: still there),
--   area_id (null: outside all areas).
-- uq_facilities_code; ix_areas_geom.
SELECT
    f.id, f.code, f.kind, f.name, f.capacity, lower(f.valid) AS valid_from, upper(f.valid) AS valid_to,
    coalesce(
        f.area_id,
        (
            SELECT a.id
            FROM areas AS a
            WHERE a.retired_at IS NULL
              AND ST_Covers(a.geom, f.geom)
            ORDER BY array_position(ARRAY['community', 'street', 'district'], a.level), a.code
            LIMIT 1
        )
    ) AS area_id
FROM facilities AS f
WHERE (CAST(:kind AS text) IS NULL OR f.kind = CAST(:kind AS text) COLLATE "C")
  AND (CAST(:on_day AS date) IS NULL OR f.valid @> CAST(:on_day AS date))
ORDER BY f.code
