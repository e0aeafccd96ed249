"""Key cells by OWSLib."""

import sys

from owslib.ogcapi.features import Features

service = Features(sys.argv[1] + "/")
found = service.collection_items("cells", filter="tier = 'key'", sortby=("area_km2", "desc"), limit=2)
print(found["numberMatched"], "key cells; the largest:", *(one["id"] for one in found["features"]))
