-- Put every live road segment into the area that holds most of its length; those that stand right stay untouched.
-- A street holds what lies in it; a district only what lies in none of its streets. Of the street (or district) with the
-- most, the community with the most has the segment, where it holds more than what lies in no community of that street.
-- Columns: id (segment), area_id (null: in none); one row per segment that moved. Lengths in m, geodesic, to the
--   millimetre; ties to the lower level, then the lowest code. GiST index on road_segments.geom.
-- Nothing is joined with itself: the planner knows too little of what lies in what to be trusted with that.
WITH parts AS (
    -- Area by area, because PostGIS prepares the area's geometry once for all segments that come after one another.
    SELECT
        s.id AS segment_id, a.id AS area_id, a.parent_id, a.level,
        CASE
            WHEN s.is_inside THEN s.length_m
            ELSE round(CAST(ST_Length(CAST(
                ST_CollectionExtract(ST_Intersection(s.geom, a.geom), 2) AS geography
            )) AS numeric), 3)
        END AS length_m
    FROM areas AS a
    CROSS JOIN LATERAL (
        SELECT id, geom, length_m, ST_Covers(a.geom, geom) AS is_inside
        FROM road_segments
        WHERE retired_at IS NULL AND ST_Intersects(a.geom, geom)
        OFFSET 0
    ) AS s
    WHERE a.retired_at IS NULL
    UNION ALL
    SELECT id, NULL, NULL, NULL, 0 FROM road_segments WHERE retired_at IS NULL
),
sums AS (
    SELECT
        segment_id, area_id, sum(whole_m) AS whole_m, sum(streets_m) AS streets_m,
        sum(communities_m) AS communities_m
    FROM (
        SELECT segment_id, area_id, length_m AS whole_m, 0 AS streets_m, 0 AS communities_m
        FROM parts
        UNION ALL
        SELECT
            segment_id, parent_id, 0, CASE level WHEN 'street' THEN length_m ELSE 0 END,
            CASE level WHEN 'community' THEN length_m ELSE 0 END
        FROM parts
        WHERE parent_id IS NOT NULL
    ) AS shares
    GROUP BY segment_id, area_id
),
ranked AS (
    SELECT
        s.segment_id, s.area_id, a.parent_id, a.level, a.code, s.whole_m, s.communities_m,
        s.whole_m - s.streets_m AS own_m,
        first_value(s.area_id) OVER (
            PARTITION BY s.segment_id
            ORDER BY
                (a.level <> 'community' OR a.parent_id IS NULL) AND s.whole_m > s.streets_m DESC NULLS LAST,
                s.whole_m - s.streets_m DESC, a.level = 'street' DESC, a.code
        ) AS chosen_id
    FROM sums AS s
    LEFT JOIN areas AS a ON a.id = s.area_id
),
finest AS (
    SELECT DISTINCT ON (segment_id)
        segment_id, CASE WHEN own_m > 0 THEN area_id END AS area_id
    FROM ranked
    ORDER BY
        segment_id,
        coalesce(area_id = chosen_id OR (level = 'community' AND parent_id = chosen_id), false) DESC,
        CASE WHEN area_id = chosen_id THEN own_m - communities_m ELSE whole_m END DESC,
        level = 'community' DESC, code
)
UPDATE road_segments AS held
SET area_id = f.area_id
FROM finest AS f
WHERE held.id = f.segment_id AND held.area_id IS DISTINCT FROM f.area_id
RETURNING held.id, held.area_id
