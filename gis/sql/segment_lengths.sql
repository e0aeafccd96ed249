-- Every live road segment in the order of its code, as one row of packed values: 50 k segments in a few large fields.
-- Columns: ids (bytea, int32 big endian), lengths (bytea, int64 big endian, mm, geodesic), codes (bytea, UTF-8, each
--   ended by a zero byte).
-- Sequential scan with one sort; primary key not used.
SELECT
    string_agg(int4send(id), ''::bytea ORDER BY code) AS ids,
    string_agg(int8send(CAST(length_m * 1000 AS int8)), ''::bytea ORDER BY code) AS lengths,
    string_agg(convert_to(code, 'UTF8') || '\x00'::bytea, ''::bytea ORDER BY code) AS codes
FROM road_segments
WHERE retired_at IS NULL
