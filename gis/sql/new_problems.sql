-- New problems at verified places: reports of the kinds that a listing stands for, made after it was verified and before
-- the end of its hold, known by an instant.
-- Parameters: listing_id (or null for all verified), until (timestamptz), time_zone (IANA name), categories, sources
--   (int[] of ids that count: the kinds of a listing that stands for no report).
-- A segment that was retired meanwhile has no reports any more, so its ground speaks for it, as a spot's does.
-- Columns: listing_id, problems (count), source, source_ref (of the earliest).
-- Partial look-up on listings.state; BRIN index on reports.day.
SELECT
    l.id AS listing_id,
    count(*) AS problems,
    (array_agg(s.name ORDER BY r.reported_at, r.source_id, r.source_ref))[1] AS source,
    (array_agg(r.source_ref ORDER BY r.reported_at, r.source_id, r.source_ref))[1] AS source_ref
FROM listings AS l
LEFT JOIN road_segments AS g ON g.id = l.segment_id AND g.retired_at IS NULL
JOIN reports AS r
    ON r.day BETWEEN CAST(l.verified_at AT TIME ZONE :time_zone AS date) AND l.hold_until
    AND r.reported_at > l.verified_at AND r.reported_at <= :until
    AND CASE WHEN g.id IS NULL THEN ST_Covers(l.ground, r.geom) ELSE r.segment_id = l.segment_id END
JOIN sources AS s ON s.id = r.source_id
WHERE l.state = 'verified'
  AND (CAST(:listing_id AS bigint) IS NULL OR l.id = CAST(:listing_id AS bigint))
  AND r.source_id = ANY (CAST(:sources AS int[]))
  AND NOT EXISTS (
      SELECT 1 FROM shared_positions AS f WHERE f.lon = ST_X(r.geom) AND f.lat = ST_Y(r.geom)
  )
  AND CASE
      WHEN EXISTS (SELECT 1 FROM listing_reports AS m WHERE m.listing_id = l.id)
      THEN r.category_id IN (
          SELECT k.category_id
          FROM listing_reports AS m
          JOIN reports AS k ON k.source_id = m.source_id AND k.source_ref = m.source_ref
          WHERE m.listing_id = l.id
      )
      ELSE r.category_id = ANY (CAST(:categories AS int[]))
  END
GROUP BY l.id
