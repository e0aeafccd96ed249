-- Which of the four chaoses each category belongs to.
-- Columns: id, chaos (null: none).
SELECT id, chaos FROM categories
