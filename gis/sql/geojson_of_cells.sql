-- Geometry of live cells as GeoJSON text by RFC 7946: longitude, latitude with 7 decimals, outer rings anticlockwise.
-- Parameters: ids (int[], or null for all). Columns: id, geometry. Primary key of cells.
SELECT id, ST_AsGeoJSON(ST_ForcePolygonCCW(geom), 7) AS geometry
FROM cells
WHERE retired_at IS NULL
  AND (CAST(:ids AS int[]) IS NULL OR id = ANY (CAST(:ids AS int[])))
