"""HTTP: parse, call gis, encode. No SQL and no rule lives here."""
