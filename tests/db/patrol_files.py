"""A few roads and ways along them, in the forms in which patrols come."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import gpxpy.gpx
import numpy as np
import pytest
import shapely
from sqlalchemy import Connection, text

from gis.city import City
from gis.patrol_files import PatrolFile
from gis.patrols import PatrolOrder, PatrolSummary, import_patrols
from gis.roads import load_roads
from gis.rules.periods import ten_day_period

NOW = datetime(2016, 6, 30, tzinfo=UTC)
# A main road in two segments from west to east, a street across their joint, a lane beside nothing.
ROADS = {
    "M1": [(113.600, 34.705), (113.603, 34.705)],
    "M2": [(113.603, 34.705), (113.606, 34.705)],
    "X1": [(113.603, 34.703), (113.603, 34.707)],
    "L1": [(113.610, 34.705), (113.610, 34.708)],
}
START = datetime(2016, 5, 3, 0, 0, tzinfo=UTC)


@pytest.fixture
def surveyed(conn: Connection, small_city: City, write_geojson: Callable[..., Path]) -> Connection:
    rows = [(shapely.LineString(line), {"code": code, "class": "main"}) for code, line in ROADS.items()]
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    return conn


def walk(*places: tuple[float, float], step_deg: float = 0.0001) -> list[tuple[float, float]]:
    """A fix about every 10 m."""
    path = shapely.LineString(places)
    count = int(path.length / step_deg) + 1
    return [(p.x, p.y) for p in (path.interpolate(share, normalized=True) for share in np.linspace(0, 1, count))]


def times(count: int, start: datetime = START) -> list[str]:
    return [(start + timedelta(seconds=2 * n)).isoformat().replace("+00:00", "Z") for n in range(count)]


def take(
    conn: Connection, path: Path, crs: str | None = None, surveyor: str | None = "S1", **more: object
) -> PatrolSummary:
    mapping = more.pop("mapping", {})
    return import_patrols(conn, PatrolOrder(PatrolFile(path, mapping), surveyor, crs, **more), NOW)


def covered(conn: Connection) -> dict[tuple[str, str], str]:
    """First day of the period and segment -> the roll-up."""
    rows = conn.execute(
        text(
            "SELECT s.code, d.first AS day, d.covered::text AS covered FROM survey_periods d"
            " JOIN road_segments s ON s.id = d.segment_id ORDER BY 2, 1"
        )
    )
    return {(str(row.day), row.code): row.covered for row in rows}


def roll_up_is_that_of_the_passes(conn: Connection) -> bool:
    """The roll-up derived again, decimetre by decimetre in Python."""
    spans = conn.execute(text("SELECT day, segment_id, from_dm, coalesce(to_dm, 20000) AS to_dm FROM patrol_passes"))
    expected: dict[tuple[date, int], set[int]] = {}
    for row in spans:
        key = ten_day_period(row.day).first, row.segment_id
        expected.setdefault(key, set()).update(range(row.from_dm, row.to_dm))
    held: dict[tuple[date, int], set[int]] = {}
    parts = "SELECT first, segment_id, lower(part) AS low, coalesce(upper(part), 20000) AS high"
    for row in conn.execute(text(f"{parts} FROM survey_periods, unnest(covered) AS part")):
        held.setdefault((row.first, row.segment_id), set()).update(range(row.low, row.high))
    return held == expected


ALONG = walk(ROADS["M1"][0], ROADS["M2"][1])
WHOLE = {("2016-05-01", "M1"): "{[0,)}", ("2016-05-01", "M2"): "{[0,)}"}


def as_gpx(path: Path, *pieces: list[tuple[float, float]], start: datetime = START) -> Path:
    gpx = gpxpy.gpx.GPX()
    for piece in pieces:
        track = gpxpy.gpx.GPXTrack(name="morning")
        gpx.tracks.append(track)
        segment = gpxpy.gpx.GPXTrackSegment()
        track.segments.append(segment)
        for at, (lon, lat) in enumerate(piece):
            segment.points.append(gpxpy.gpx.GPXTrackPoint(lat, lon, time=start + timedelta(seconds=2 * at)))
    path.write_text(gpx.to_xml(), encoding="utf-8")
    return path


def as_line(path: Path, properties: dict, geometry: dict) -> Path:
    path.write_text(json.dumps({"type": "Feature", "properties": properties, "geometry": geometry}), encoding="utf-8")
    return path
