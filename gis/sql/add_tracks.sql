-- Take the staged tracks (temporary table incoming_tracks) in; those that are known stay as they are.
-- Parameters: import_id. Columns: number (of the staged track), id; one row per track that is new.
-- Index: uq_patrol_tracks_sha256.
WITH added AS (
    INSERT INTO patrol_tracks (import_id, surveyor_id, sha256, started_at, ended_at, geom)
    SELECT CAST(:import_id AS bigint), surveyor_id, sha256, started_at, ended_at, geom
    FROM incoming_tracks
    ORDER BY number
    ON CONFLICT (sha256) DO NOTHING
    RETURNING sha256, id
)
SELECT DISTINCT ON (a.id) i.number, a.id
FROM added AS a
JOIN incoming_tracks AS i ON i.sha256 = a.sha256
ORDER BY a.id, i.number
