-- What tells whether two cases are the same problem.
-- Parameters: case_id.
-- Columns: id, category (kind:code), day (of the city), lon, lat (degrees; null: no position).
-- Primary key of cases.
SELECT c.id, k.kind || ':' || k.code AS category, c.day, ST_X(c.geom) AS lon, ST_Y(c.geom) AS lat
FROM cases AS c
JOIN categories AS k ON k.id = c.category_id
WHERE c.id = :case_id
