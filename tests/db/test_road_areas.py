"""Which street a road segment belongs to: most of its length, derived again by shapely and pyproj."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import shapely
from pyproj import Geod
from sqlalchemy import Connection, text

from gis.areas import load_areas
from gis.city import City
from gis.road_areas import place_segments
from gis.roads import load_roads
from gis.store.database import versions
from tests.conftest import SMALL_AREAS

Write = Callable[..., Path]
GEOD = Geod(ellps="WGS84")


def held(conn: Connection) -> dict[str, str | None]:
    return dict(
        conn.execute(text("SELECT s.code, a.code FROM road_segments s LEFT JOIN areas a ON a.id = s.area_id")).all()
    )


def derived(line: shapely.Geometry, areas: list[tuple]) -> str | None:
    """Another way: every piece of ground that belongs to one area alone, and whose streets' pieces are longest."""
    length = defaultdict(float)
    for _, code, _, _, shape in areas:
        length[code] = GEOD.geometry_length(shape.intersection(line))
    parents = {code: parent for _, code, _, parent, _ in areas}
    levels = {code: level for level, code, *_ in areas}
    unit_m = {
        code: metres - sum(length[c] for c in length if parents[c] == code and levels[c] == "street")
        for code, metres in length.items()
        if levels[code] != "community"
    }
    best = min(unit_m, key=lambda code: (-round(unit_m[code], 3), levels[code] != "street", code))
    if round(unit_m[best], 3) <= 0:
        return None
    inside = {code: length[code] for code in length if parents[code] == best and levels[code] == "community"}
    choices = {**inside, best: length[best] - sum(inside.values())}
    return min(choices, key=lambda code: (-round(choices[code], 3), levels[code] != "community", code))


def test_most_of_the_length_decides(conn: Connection, small_city: City, write_geojson: Write) -> None:
    rng = np.random.default_rng(11)
    ends = rng.uniform([113.595, 34.698], [113.645, 34.712], (300, 2))
    turns = ends + rng.uniform(-0.012, 0.012, (300, 2))
    last = turns + rng.uniform(-0.006, 0.006, (300, 2))
    lines = {f"Q{n:03d}": shapely.LineString([ends[n], turns[n], last[n]]) for n in range(300)}
    # Along a border of streets, along one of communities, across one in the middle, outside all.
    lines["B1"] = shapely.LineString([(113.62, 34.701), (113.62, 34.709)])
    lines["B2"] = shapely.LineString([(113.63, 34.701), (113.63, 34.709)])
    lines["B3"] = shapely.LineString([(113.615, 34.705), (113.625, 34.705)])
    lines["B4"] = shapely.LineString([(113.7, 34.705), (113.71, 34.705)])
    path = write_geojson("r.geojson", *((line, {"code": code, "class": "main"}) for code, line in lines.items()))
    load_roads(conn, path, "wgs84")
    found = held(conn)
    assert found == {code: derived(line, SMALL_AREAS) for code, line in lines.items()}
    assert found["B1"] == "410102001002"
    assert found["B3"] == "410102001002"
    assert found["B4"] is None
    assert len(set(found.values())) == 5


def test_areas_that_come_later_or_change_move_segments(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    line = shapely.LineString([(113.611, 34.705), (113.625, 34.705)])
    load_roads(conn, write_geojson("r.geojson", (line, {"code": "A", "class": "main"})), "wgs84")
    assert held(conn) == {"A": None}
    before = versions(conn)["roads"]
    district, street = shapely.box(113.60, 34.70, 113.64, 34.71), shapely.box(113.60, 34.70, 113.615, 34.71)
    rows = [
        (district, {"level": "district", "code": "410102", "name": "中原区"}),
        (street, {"level": "street", "code": "410102001", "name": "街道", "parent_code": "410102"}),
    ]
    load_areas(conn, write_geojson("a.geojson", *rows), "wgs84")
    # 4 of 14 lie in the street, 10 in the district outside all its streets.
    assert held(conn) == {"A": "410102"}
    assert versions(conn)["roads"] == before + 1
    wider = [rows[0], (shapely.box(113.60, 34.70, 113.619, 34.71), rows[1][1])]
    load_areas(conn, write_geojson("b.geojson", *wider), "wgs84")
    assert held(conn) == {"A": "410102001"}
    assert place_segments(conn) == 0


def test_retired_areas_hold_nothing(conn: Connection, small_city: City, write_geojson: Write) -> None:
    line = shapely.LineString([(113.601, 34.705), (113.609, 34.705)])
    load_roads(conn, write_geojson("r.geojson", (line, {"code": "A", "class": "main"})), "wgs84")
    assert held(conn) == {"A": "410102001001"}
    conn.execute(text("UPDATE areas SET retired_at = now() WHERE code = '410102001001'"))
    assert place_segments(conn) == 1
    assert held(conn) == {"A": "410102001"}
