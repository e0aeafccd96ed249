"""Reports page by page, each as a GeoDataFrame."""

import json
import sys
from urllib.request import urlopen

import geopandas

following = f"{sys.argv[1]}/collections/reports/items?datetime=2016-06-01/2016-06-10&limit=4"
while following:
    page = json.load(urlopen(following))
    reports = geopandas.GeoDataFrame.from_features(page, crs="OGC:CRS84")
    print(len(reports), "of", page["numberMatched"], *sorted(reports["source_ref"]))
    following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
