-- Versions of all layers that were ever written, and when they changed.
-- Columns: layer, version, changed_us (int8 microseconds since 1970 UTC), now_us (int8, this moment on the same clock).
SELECT
    layer, version,
    CAST(extract(epoch FROM changed_at) * 1000000 AS int8) AS changed_us,
    CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS int8) AS now_us
FROM data_versions
