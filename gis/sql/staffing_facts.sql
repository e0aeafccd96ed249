-- What each street has of each tier: cells with their exact area, and coordinators on post.
-- A street here is the area that the 30/20/10 rule rounds for: the street office, or the district where a city
-- passes streets over. Cells and people of a community count for the area above it.
-- Parameters: day (date of the city).
-- Columns: id, level, code, name (of the street); district_id (null: none); tier (null: neither cells nor people);
--   cells (count), area_km2 (numeric km2, geodesic), on_post (persons), cell_codes (text[]: each a code or first-last,
--   meaning all live cells of this street between the two).
-- Sequential scan of cells with one sort; 100 k rows. Index on coordinators.area_id is not needed.
WITH streets AS (
    SELECT id AS area_id, CASE level WHEN 'community' THEN coalesce(parent_id, id) ELSE id END AS street_id
    FROM areas
),
ground AS (
    SELECT
        s.street_id, c.tier, c.code, c.area_km2,
        row_number() OVER (PARTITION BY s.street_id ORDER BY c.code)
        - row_number() OVER (PARTITION BY s.street_id, c.tier ORDER BY c.code) AS run
    FROM cells AS c
    JOIN streets AS s ON s.area_id = c.area_id
    WHERE c.retired_at IS NULL
),
runs AS (
    SELECT street_id, tier, count(*) AS cells, sum(area_km2) AS area_km2, min(code) AS low, max(code) AS high
    FROM ground
    GROUP BY street_id, tier, run
),
demand AS (
    SELECT
        street_id, tier, sum(cells) AS cells, sum(area_km2) AS area_km2,
        array_agg(CASE WHEN cells = 1 THEN low ELSE low || '-' || high END ORDER BY low) AS cell_codes
    FROM runs
    GROUP BY street_id, tier
),
people AS (
    SELECT s.street_id, c.tier, count(*) AS on_post
    FROM coordinators AS c
    JOIN streets AS s ON s.area_id = c.area_id
    WHERE c.on_post @> CAST(:day AS date)
    GROUP BY s.street_id, c.tier
),
facts AS (
    SELECT street_id, tier, cells, area_km2, cell_codes, on_post
    FROM demand
    FULL JOIN people USING (street_id, tier)
)
SELECT
    a.id, a.level, a.code, a.name,
    CASE WHEN a.level = 'district' THEN a.id ELSE a.parent_id END AS district_id,
    f.tier,
    CAST(coalesce(f.cells, 0) AS int) AS cells,
    coalesce(f.area_km2, 0) AS area_km2,
    CAST(coalesce(f.on_post, 0) AS int) AS on_post,
    coalesce(f.cell_codes, '{}') AS cell_codes
FROM areas AS a
LEFT JOIN facts AS f ON f.street_id = a.id
WHERE f.tier IS NOT NULL
   OR (a.retired_at IS NULL AND a.level IN ('street', 'district'))
ORDER BY a.code, array_position(ARRAY['key', 'secondary', 'general'], f.tier)
