-- The newest published revision of every standing, a feature per street or district.
-- Parameters: none.
-- Columns: id (period and code), period, level, revision, first_day, after_day (dates of the city, the second exclusive), rank (null: not ranked),
--   code, name (as published), deduction (points), area_km2, density (points per km2; a month: and day), score, problems,
--   coverage (0-1), provisional, reward_yuan, rank_low, rank_high, apart, geom (multipolygon, SRID 4326, as it is today).
-- Unique key of standings; primary key of standing_rows.
SELECT
    s.period || '-' || r.code AS id, s.period, s.level, CAST(s.revision AS int) AS revision, s.first_day,
    s.after_day, CAST(r.rank AS int) AS rank, r.code, r.name, CAST(r.deduction AS float8) AS deduction,
    CAST(r.area_km2 AS float8) AS area_km2, CAST(r.density AS float8) AS density, CAST(r.score AS float8) AS score,
    r.problems, CAST(r.coverage AS float8) AS coverage, r.provisional, r.reward_yuan,
    CAST(r.rank_low AS int) AS rank_low, CAST(r.rank_high AS int) AS rank_high, r.apart, a.geom
FROM standings AS s
JOIN standing_rows AS r ON r.standing_id = s.id
JOIN areas AS a ON a.id = r.area_id
WHERE s.link IS NOT NULL
  AND NOT EXISTS (
      SELECT FROM standings AS n
      WHERE n.level = s.level AND n.period = s.period AND n.link IS NOT NULL AND n.revision > s.revision
  )
