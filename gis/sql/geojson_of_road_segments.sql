-- Geometry of live road_segments as GeoJSON text by RFC 7946: longitude, latitude with 7 decimals.
-- Parameters: ids (int[], or null for all). Columns: id, geometry. Primary key of road_segments.
SELECT id, ST_AsGeoJSON(geom, 7) AS geometry
FROM road_segments
WHERE retired_at IS NULL
  AND (CAST(:ids AS int[]) IS NULL OR id = ANY (CAST(:ids AS int[])))
