-- Forget what tracks covered.
-- Columns: day (each on which they covered something). Index: ix_patrol_passes_track_id.
WITH forgotten AS (
    DELETE FROM patrol_passes WHERE track_id IS NOT NULL RETURNING day
)
SELECT DISTINCT day FROM forgotten
