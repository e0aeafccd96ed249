-- New problems at verified places: reports of the kinds that a listing stands for, made after it was verified and before
-- the end of its hold, known by an instant.
-- Parameters: listing_id (or null for all verified), until (timestamptz), from_day, to_day (days of the city that hold all
--   these holds, both included), categories, sources (int[] of ids that count: the kinds of a listing that stands for no
--   report).
-- A segment that was retired meanwhile has no reports any more, so its ground speaks for it, as a spot's does.
-- Columns: listing_id, problems (count), source, source_ref (of the earliest).
-- BRIN index on reports.day; few listings are in their hold.
WITH held AS MATERIALIZED (
    SELECT
        l.id, l.verified_at, l.hold_until, l.ground, g.id AS segment_id,
        coalesce(
            (
                SELECT array_agg(DISTINCT CAST(k.category_id AS int))
                FROM listing_reports AS m
                JOIN reports AS k ON k.source_id = m.source_id AND k.source_ref = m.source_ref
                WHERE m.listing_id = l.id
            ),
            CAST(:categories AS int[])
        ) AS kinds
    FROM listings AS l
    LEFT JOIN road_segments AS g ON g.id = l.segment_id AND g.retired_at IS NULL
    WHERE l.state = 'verified' AND (CAST(:listing_id AS bigint) IS NULL OR l.id = CAST(:listing_id AS bigint))
),
recent AS MATERIALIZED (
    SELECT r.source_id, r.source_ref, r.category_id, r.reported_at, r.day, r.segment_id, r.geom
    FROM reports AS r
    WHERE r.day BETWEEN :from_day AND :to_day AND r.reported_at <= :until AND r.geom IS NOT NULL
)
SELECT
    h.id AS listing_id,
    count(*) AS problems,
    (array_agg(s.name ORDER BY r.reported_at, r.source_id, r.source_ref))[1] AS source,
    (array_agg(r.source_ref ORDER BY r.reported_at, r.source_id, r.source_ref))[1] AS source_ref
FROM held AS h
JOIN recent AS r
    ON r.day <= h.hold_until AND r.reported_at > h.verified_at
    AND CASE WHEN h.segment_id IS NULL THEN ST_Covers(h.ground, r.geom) ELSE r.segment_id = h.segment_id END
    AND r.category_id = ANY (h.kinds)
JOIN sources AS s ON s.id = r.source_id
WHERE r.source_id = ANY (CAST(:sources AS int[]))
  AND NOT EXISTS (
      SELECT 1 FROM shared_positions AS f WHERE f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom)
  )
GROUP BY h.id
