-- The shapes of special operations.
-- Parameters: ids (int[]).
-- Columns: id (int4), shape (text: GeoJSON in longitude, latitude, 7 decimals, outer rings anticlockwise).
-- Primary key of special_operations.
SELECT id, ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 7) AS shape
FROM special_operations
WHERE id = ANY (CAST(:ids AS int[]))
