"""Tables of Open311 GeoReport v2, as server and as client."""

from __future__ import annotations
