-- What a map of listed places is drawn on: outlines of streets (of districts, where the city has no streets), main roads.
-- Columns: kind (street | road), name (of the street; null for roads), geom (WKB, SRID 4326 degrees).
-- Sequential scans of areas and road_segments.
SELECT 'street' AS kind, a.name, ST_AsBinary(a.geom) AS geom
FROM areas AS a
WHERE a.retired_at IS NULL
  AND a.level = CASE WHEN EXISTS (SELECT 1 FROM areas WHERE retired_at IS NULL AND level = 'street')
                     THEN 'street' ELSE 'district' END
UNION ALL
SELECT 'road', NULL, ST_AsBinary(s.geom)
FROM road_segments AS s
WHERE s.retired_at IS NULL AND s.class IN ('ring', 'trunk', 'main')
