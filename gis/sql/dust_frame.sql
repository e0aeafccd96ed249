-- The frame of a dust draw: every live road segment that has a length, by code.
-- Columns: code, road_class, length_mm (geodesic), street_code (of the street that has it, of the district where that has no
--   streets; null: in none), name, line (text: JSON array of [longitude, latitude in 1e-7 degrees, place along it in mm]; between
--   the parts of a segment the place stands still).
-- Sequential scan of road_segments, 50 k rows; geodesic lengths of their edges.
WITH vertices AS (
    SELECT
        s.id, v.path,
        v.geom,
        CASE
            WHEN lag(v.path[1]) OVER along = v.path[1]
            THEN ST_Distance(CAST(lag(v.geom) OVER along AS geography), CAST(v.geom AS geography))
            ELSE 0
        END AS step_m
    FROM road_segments AS s
    CROSS JOIN LATERAL ST_DumpPoints(s.geom) AS v
    WHERE s.retired_at IS NULL
    WINDOW along AS (PARTITION BY s.id ORDER BY v.path)
),
placed AS (
    SELECT
        id, path, CAST(round(ST_X(geom) * 1e7) AS bigint) AS x, CAST(round(ST_Y(geom) * 1e7) AS bigint) AS y,
        CAST(round(sum(step_m) OVER (PARTITION BY id ORDER BY path) * 1000) AS bigint) AS at_mm
    FROM vertices
),
lines AS (
    SELECT
        id, max(at_mm) AS length_mm,
        '[' || string_agg('[' || x || ',' || y || ',' || at_mm || ']', ',' ORDER BY path) || ']' AS line
    FROM placed
    GROUP BY id
    HAVING max(at_mm) > 0
)
SELECT s.code, s.class AS road_class, l.length_mm, street.code AS street_code, s.name, l.line
FROM lines AS l
JOIN road_segments AS s ON s.id = l.id
LEFT JOIN areas AS held ON held.id = s.area_id
LEFT JOIN areas AS street
    ON street.id = CASE held.level WHEN 'community' THEN coalesce(held.parent_id, held.id) ELSE held.id END
ORDER BY s.code
