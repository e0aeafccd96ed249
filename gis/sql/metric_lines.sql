-- Lines of road segments in the city's metric CRS.
-- Parameters: ids (int[]). Columns: id, line (WKB). Primary key of road_segments.
SELECT id, ST_AsBinary(geom_m) AS line
FROM road_segments
WHERE id = ANY (CAST(:ids AS int[]))
