-- What the map of a standing is drawn from: the ranked areas, also those retired since, and the outlines of districts.
-- Parameters: ids (int[] of areas). Columns: ranked (one of ids; else an outline), code, geom (WKB, SRID 4326 degrees).
-- Primary key of areas; districts by a sequential scan of some hundred rows.
SELECT a.id = ANY (CAST(:ids AS int[])) AS ranked, a.code, ST_AsBinary(a.geom) AS geom
FROM areas AS a
WHERE a.id = ANY (CAST(:ids AS int[])) OR (a.level = 'district' AND a.retired_at IS NULL)
ORDER BY a.code
