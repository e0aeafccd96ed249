-- The shapes of facilities: the outline where one is known, else the point.
-- Parameters: ids (int[]).
-- Columns: id (int4), shape (text: GeoJSON in longitude, latitude, 7 decimals, outer rings anticlockwise).
-- Primary key of facilities.
SELECT id, ST_AsGeoJSON(ST_ForcePolygonCCW(coalesce(outline, geom)), 7) AS shape
FROM facilities
WHERE id = ANY (CAST(:ids AS int[]))
