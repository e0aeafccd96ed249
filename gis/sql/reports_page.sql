-- A page of reports.
-- Parameters: from_day, to_day (dates of the city, to exclusive); cell_id (null: anywhere); categories, sources (int[] of
--   ids, or null for all); west, south, east, north (degrees, SRID 4326, all null for anywhere); after_source (id),
--   after_ref (both null: from the beginning); row_limit; operation (id of a special operation: only what its polygon
--   covers) with from_at, to_at (instants, half-open), all null: anywhere.
-- Columns: source, source_kind, source_ref, reported_at (UTC), day (of the city), category (kind:code), category_name,
--   category_name_en, lon, lat (degrees, null: no position), cell, segment (codes, null: none), description, import_id.
-- BRIN index on day, or primary key of reports.
WITH page AS (
    SELECT *
    FROM reports
    WHERE day >= :from_day
      AND day < :to_day
      AND (CAST(:cell_id AS int) IS NULL OR cell_id = :cell_id)
      AND (CAST(:categories AS int[]) IS NULL OR category_id = ANY (CAST(:categories AS int[])))
      AND (CAST(:sources AS int[]) IS NULL OR source_id = ANY (CAST(:sources AS int[])))
      AND (CAST(:west AS float8) IS NULL
           OR geom && ST_MakeEnvelope(:west, :south, :east, :north, 4326))
      AND (CAST(:operation AS int) IS NULL
           OR (reported_at >= CAST(:from_at AS timestamptz)
               AND reported_at < CAST(:to_at AS timestamptz)
               AND ST_Covers((SELECT o.geom FROM special_operations AS o WHERE o.id = :operation), geom)))
      AND (CAST(:after_ref AS text) IS NULL
           OR (source_id, source_ref) > (CAST(:after_source AS smallint), CAST(:after_ref AS varchar) COLLATE "C"))
    ORDER BY source_id, source_ref
    LIMIT :row_limit
)
SELECT
    s.name AS source, s.kind AS source_kind, r.source_ref, r.reported_at, r.day,
    c.kind || ':' || c.code AS category, c.name AS category_name, c.name_en AS category_name_en,
    ST_X(r.geom) AS lon, ST_Y(r.geom) AS lat, k.code AS cell, g.code AS segment, r.description, r.import_id
FROM page AS r
JOIN sources AS s ON s.id = r.source_id
JOIN categories AS c ON c.id = r.category_id
LEFT JOIN cells AS k ON k.id = r.cell_id
LEFT JOIN road_segments AS g ON g.id = r.segment_id
ORDER BY r.source_id, r.source_ref
