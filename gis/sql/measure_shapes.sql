-- The shapes of measures, as they were drawn.
-- Parameters: ids (int[]).
-- Columns: id (int4), shape (text: GeoJSON in longitude, latitude, 7 decimals, outer rings anticlockwise).
-- Primary key of measures.
SELECT id, ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 7) AS shape
FROM measures
WHERE id = ANY (CAST(:ids AS int[]))
