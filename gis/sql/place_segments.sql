-- Put every live road segment into the area that holds most of its length; those that stand right stay untouched.
-- A street holds what lies in it; a district only what lies in none of its streets. Of the street (or district) with the
-- most, the community with the most has the segment, where it holds more than what lies in no community of that street.
-- Columns: id (segment), area_id; one row per segment that moved. Lengths in m, geodesic, to the millimetre; ties to the
--   lower level, then the lowest code. GiST index on areas.geom.
WITH parts AS MATERIALIZED (
    SELECT
        s.id AS segment_id, a.id AS area_id, a.parent_id, a.level, a.code,
        CASE
            WHEN ST_CoveredBy(s.geom, a.geom) THEN s.length_m
            ELSE round(CAST(ST_Length(CAST(
                ST_CollectionExtract(ST_Intersection(s.geom, a.geom), 2) AS geography
            )) AS numeric), 3)
        END AS length_m
    FROM road_segments AS s
    JOIN areas AS a ON ST_Intersects(s.geom, a.geom)
    WHERE s.retired_at IS NULL AND a.retired_at IS NULL
),
below AS (
    SELECT segment_id, parent_id, level, sum(length_m) AS length_m
    FROM parts
    WHERE parent_id IS NOT NULL
    GROUP BY segment_id, parent_id, level
),
chosen AS (
    SELECT DISTINCT ON (p.segment_id) p.segment_id, p.area_id, p.code, p.length_m
    FROM parts AS p
    LEFT JOIN below AS b ON b.segment_id = p.segment_id AND b.parent_id = p.area_id AND b.level = 'street'
    WHERE (p.level <> 'community' OR p.parent_id IS NULL) AND p.length_m > coalesce(b.length_m, 0)
    ORDER BY p.segment_id, p.length_m - coalesce(b.length_m, 0) DESC, p.level = 'street' DESC, p.code
),
finest AS (
    SELECT DISTINCT ON (segment_id) segment_id, area_id
    FROM (
        SELECT c.segment_id, p.area_id, p.code, p.length_m, true AS is_community
        FROM chosen AS c
        JOIN parts AS p ON p.segment_id = c.segment_id AND p.parent_id = c.area_id AND p.level = 'community'
        UNION ALL
        SELECT c.segment_id, c.area_id, c.code, c.length_m - coalesce(b.length_m, 0), false
        FROM chosen AS c
        LEFT JOIN below AS b ON b.segment_id = c.segment_id AND b.parent_id = c.area_id AND b.level = 'community'
    ) AS candidates
    ORDER BY segment_id, length_m DESC, is_community DESC, code
)
UPDATE road_segments AS held
SET area_id = right_one.area_id
FROM (
    SELECT s.id, f.area_id
    FROM road_segments AS s
    LEFT JOIN finest AS f ON f.segment_id = s.id
    WHERE s.retired_at IS NULL
) AS right_one
WHERE held.id = right_one.id AND held.area_id IS DISTINCT FROM right_one.area_id
RETURNING held.id, held.area_id
