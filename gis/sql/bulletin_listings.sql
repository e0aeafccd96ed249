-- Listings that a period's proposal made, so that a bulletin can give their numbers and draw the ground of spots.
-- Parameters: period (2016-06-T1). Columns: id, kind, rank, ground (WKB, SRID 4326 degrees).
-- Sequential scan of listings: twenty rows a period.
SELECT l.id, l.kind, l.rank, ST_AsBinary(l.ground) AS ground
FROM listings AS l
WHERE l.proposal = :period
