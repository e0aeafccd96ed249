-- Reports of a window within a box, as a tile shows them.
-- Parameters: from_day, to_day (dates of the city, to exclusive); categories, sources (int[] of ids, or null for all);
--   west, south, east, north (degrees); without_shared (leave out those on flagged coordinates); row_limit.
-- Columns: id (source:source_ref; % and : of the source written %25 and %3A), source, source_kind, source_ref,
--   reported_at (timestamptz), day (of the city), category (kind:code), category_name, chaos (null: none), cell_code,
--   segment_code (null: in none), geom (point, SRID 4326).
-- BRIN index on day; the box is looked at row by row, positions have no index.
SELECT
    replace(replace(s.name, '%', '%25'), ':', '%3A') || ':' || r.source_ref AS id,
    s.name AS source, s.kind AS source_kind, r.source_ref, r.reported_at, r.day,
    k.kind || ':' || k.code AS category, k.name AS category_name, k.chaos,
    c.code AS cell_code, g.code AS segment_code, r.geom
FROM (
    SELECT *
    FROM reports
    WHERE day >= :from_day
      AND day < :to_day
      AND geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
      AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
      AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
      AND (NOT :without_shared OR NOT EXISTS (
          SELECT FROM shared_positions AS flagged WHERE flagged.lon = ST_X(geom) AND flagged.lat = ST_Y(geom)
      ))
    LIMIT :row_limit
) AS r
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS k ON k.id = r.category_id
LEFT JOIN cells AS c ON c.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
