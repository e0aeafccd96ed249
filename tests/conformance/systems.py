"""The coordinate reference systems of the tiny city's collections, by pyproj and not by the server."""

from __future__ import annotations

from functools import cache

import pyproj

from tests.conformance.asking import CRS84, EPSG

SYSTEMS = {CRS84: "OGC:CRS84", **{f"{EPSG}{code}": f"EPSG:{code}" for code in (4326, 3857, 4490, 4547)}}


@cache
def to(uri: str) -> pyproj.Transformer:
    """From CRS84 to a CRS with the axes in the order of its definition."""
    return pyproj.Transformer.from_crs("OGC:CRS84", SYSTEMS[uri])
