-- Why the staged places (incoming_places, whose valid is what the new holder is to get) cannot change hands.
-- Parameters: at (instant of the hand-over); ref (of the new holder).
-- Columns: why ('begins_then': whoever answers began at that very instant; 'ends_sooner': the new holder answers already, but
--   not as long; 'later': somebody answers for it later), ref, name, since, until (UTC, null: open) of what is stored, code
--   (lowest place), places (how many).
-- As many rows of responsibilities are read as there are; the exclusion constraints see to it that none overlap.
WITH met AS (
    SELECT
        p.ref, p.name, r.valid, i.code,
        CASE
            WHEN NOT r.valid @> CAST(:at AS timestamptz) THEN 'later'
            WHEN p.ref = :ref AND r.valid @> i.valid THEN NULL
            WHEN p.ref = :ref THEN 'ends_sooner'
            WHEN lower(r.valid) = CAST(:at AS timestamptz) THEN 'begins_then'
        END AS why
    FROM incoming_places AS i
    JOIN responsibilities AS r ON coalesce(r.cell_id, -r.area_id) = i.place AND r.valid && i.valid
    JOIN persons AS p ON p.id = r.person_id
)
SELECT why, ref, name, lower(valid) AS since, upper(valid) AS until, min(code) AS code, count(*) AS places
FROM met
WHERE why IS NOT NULL
GROUP BY why, ref, name, valid
ORDER BY min(code), lower(valid) NULLS FIRST
