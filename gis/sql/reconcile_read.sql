-- Rows that all imports say they read.
-- Columns: one int8.
SELECT coalesce(sum(read), 0) FROM imports
