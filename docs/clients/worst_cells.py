"""The cells with most reports per km2 in ten days."""

import sys

import geopandas

address = sys.argv[1]
cells = geopandas.read_file(f"{address}/collections/density-cells/export?f=fgb&from=2016-06-01&to=2016-06-11")
worst = cells.sort_values("per_km2", ascending=False).head(3)
print(worst[["code", "name", "count", "per_km2"]].round(1).to_string(index=False))
print(cells["count"].sum(), "reports in", len(cells), "cells,", cells.crs)
