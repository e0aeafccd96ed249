-- Give every live cell the highest tier among the polygons (temporary table incoming_tiers: tier, geom in EPSG:4326) that
-- cover its point on surface, general where none does; counts the cells that changed.
-- Parameters: tiers (text[], highest first). Index: ix_cells_geom.
WITH covered AS (
    SELECT c.id, min(array_position(:tiers, i.tier)) AS rank
    FROM incoming_tiers i
    JOIN cells c ON c.geom && i.geom AND ST_Covers(i.geom, ST_PointOnSurface(c.geom))
    WHERE c.retired_at IS NULL
    GROUP BY c.id
),
wanted AS (
    SELECT c.id, coalesce((:tiers)[v.rank], 'general') AS tier
    FROM cells c
    LEFT JOIN covered v ON v.id = c.id
    WHERE c.retired_at IS NULL
)
UPDATE cells c
SET tier = w.tier
FROM wanted w
WHERE c.id = w.id AND c.tier <> w.tier
