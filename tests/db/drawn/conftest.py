"""Roads to draw from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from sqlalchemy import Connection

from gis.city import City
from gis.roads import load_roads


@pytest.fixture
def roads(conn: Connection, small_city: City, write_geojson: Callable[..., Path]) -> Connection:
    """Forty roads of four classes over both streets; one of two parts, one bent, one far too long, one outside."""
    rows = []
    for number in range(40):
        west, south = 113.6005 + 0.0009 * number, 34.701 + 0.0001 * (number % 7)
        line = shapely.LineString([(west, south), (west, south + 0.0005 + 0.0001 * (number % 11))])
        rows.append((line, {"code": f"R{number:02}", "class": ("main", "branch", "back_street")[number % 3]}))
    parts = shapely.MultiLineString([[(113.61, 34.7), (113.611, 34.7)], [(113.612, 34.7), (113.612, 34.701)]])
    bent = shapely.LineString([(113.63, 34.709), (113.631, 34.7095), (113.632, 34.709), (113.632, 34.7085)])
    rows.append((parts, {"code": "PARTS", "class": "trunk", "name": '一"\t\u2028路'}))
    rows.append((bent, {"code": "BENT|1", "class": "trunk"}))
    rows.append((shapely.LineString([(113.6, 34.705), (113.64, 34.705)]), {"code": "LONG", "class": "main"}))
    rows.append((shapely.LineString([(113.65, 34.705), (113.66, 34.705)]), {"code": "AWAY", "class": "branch"}))
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    return conn
