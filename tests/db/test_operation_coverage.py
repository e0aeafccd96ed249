"""What patrols passed inside a special operation, measured again with shapely and pyproj."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyproj
import pytest
import shapely
from shapely.ops import substring
from sqlalchemy import Connection, text

from gis.coverage import CLASS, GROUP, SEGMENT, road_coverage
from gis.geometry.datum import metric_transformer
from gis.ground import load_ground
from gis.operation_summary import operation_summary
from gis.operations import Inside, inside
from tests.db.test_coverage import T1, keys_of, surveyed  # noqa: F401 - the fixture

ZONE = ZoneInfo("Asia/Shanghai")
GEOD = pyproj.Geod(ellps="WGS84")
EDGE = shapely.Polygon([(113.602, 34.7005), (113.633, 34.7012), (113.636, 34.7093), (113.604, 34.7088)])
BEGINS, ENDS = datetime(2016, 5, 1, 6, tzinfo=ZONE), datetime(2016, 5, 15, 15, tzinfo=ZONE)
# Two parts, the first one bent: positions run through both.
BENT = shapely.MultiLineString(
    [[(113.606, 34.702), (113.609, 34.702), (113.609, 34.7045)], [(113.61, 34.7045), (113.613, 34.7062)]]
)


@pytest.fixture
def watched(surveyed: Connection) -> Connection:  # noqa: F811
    """The surveyed city with a bent road, three stretches of which were passed, and an operation."""
    conn = surveyed
    to_plane = metric_transformer("EPSG:4547")
    plane = shapely.transform(BENT, to_plane.transform, interleaved=False)
    conn.execute(
        text(
            "INSERT INTO road_segments (code, class, geom, geom_m) VALUES ('BENT', 'ring',"
            " ST_GeomFromWKB(:wkb, 4326), ST_GeomFromWKB(:plane, 0))"
        ),
        {"wkb": BENT.wkb, "plane": plane.wkb},
    )
    for low, high in ((500, 1500), (4000, 6200), (8000, 8300)):
        conn.execute(
            text(
                "INSERT INTO patrol_passes (segment_id, passed_at, surveyor_id, from_dm, to_dm, day, import_id)"
                " SELECT s.id, '2016-05-03T10:00+08', (SELECT min(id) FROM surveyors), :low, :high, '2016-05-03',"
                " (SELECT max(id) FROM patrol_imports) FROM road_segments s WHERE s.code = 'BENT'"
            ),
            {"low": low, "high": high},
        )
    conn.execute(
        text(
            "INSERT INTO special_operations (code, name, valid, geom) VALUES ('OP', '行动', tstzrange(:begins, :ends),"
            " ST_Multi(ST_GeomFromWKB(:wkb, 4326)))"
        ),
        {"begins": BEGINS, "ends": ENDS, "wkb": EDGE.wkb},
    )
    return conn


def metres(shape: shapely.Geometry) -> float:
    """Geodesic length of the lines of a geometry."""
    return sum(GEOD.geometry_length(one) for one in shapely.get_parts(shape) if one.geom_type == "LineString")


def by_hand(conn: Connection, within: Inside) -> dict[str, dict]:
    """Each segment with its length inside and what was passed of it, stretch by stretch."""
    transformer = metric_transformer("EPSG:4547")
    passes = defaultdict(list)
    for one in conn.execute(text("SELECT segment_id, passed_at, from_dm, to_dm FROM patrol_passes")):
        if within.from_at <= one.passed_at < within.to_at:
            passes[one.segment_id].append((one.from_dm, one.to_dm))
    rows = conn.execute(
        text(
            "SELECT s.id, s.code, s.class, s.groups, s.length_m, a.code AS area, ST_AsBinary(s.geom) AS geom,"
            " ST_AsBinary(s.geom_m) AS plane FROM road_segments s LEFT JOIN areas a ON a.id = s.area_id"
        )
    ).all()
    answer = {}
    for row in rows:
        line, plane = shapely.from_wkb(bytes(row.geom)), shapely.from_wkb(bytes(row.plane))
        length_m = metres(line.intersection(EDGE))
        scale = (
            plane.length / float(row.length_m) / 10
        )  # positions are of the geodesic length, laid out along the plane
        passed, begun = 0.0, 0.0
        for part in plane.geoms:
            for low, high in joined(passes[row.id]):
                first, last = (min(max(at * scale - begun, 0), part.length) for at in (low, high))
                if last > first:
                    stretch = shapely.get_coordinates(substring(part, first, last))
                    lon, lat = transformer.transform(*stretch.T, direction="INVERSE")
                    passed += metres(shapely.LineString(np.column_stack([lon, lat])).intersection(EDGE))
            begun += part.length
        if length_m > 0:
            answer[row.code] = {**row._mapping, "inside_m": length_m, "passed_m": passed}
    return answer


def joined(stretches: list[tuple[int, int | None]]) -> list[tuple[float, float]]:
    """Stretches that meet or overlap as one: what was passed twice counts once."""
    found: list[tuple[float, float]] = []
    for low, high in sorted((low, np.inf if high is None else high) for low, high in stretches):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return found


def test_every_level_is_measured_inside(watched: Connection) -> None:
    for within in (inside(watched, "OP"), inside(watched, "OP", None, datetime(2016, 5, 11).date())):  # noqa: DTZ001
        segments = by_hand(watched, within)
        for level in ("city", "district", "street", "community", CLASS, GROUP, SEGMENT):
            expected: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
            for segment in segments.values():
                for key in keys_of(segment, level):
                    sums = expected[key]
                    sums[0] += 1
                    sums[1] += segment["inside_m"]
                    sums[2] += segment["passed_m"]
            found = {row.code: row for row in road_coverage(watched, T1, level, within).rows if row.segments}
            assert found.keys() == expected.keys()
            for code, (count, inside_m, passed_m) in expected.items():
                assert found[code].segments == count
                assert float(found[code].length_m) == pytest.approx(inside_m, abs=0.01 * count)
                # Positions are whole decimetres, and planes are not quite the earth.
                assert float(found[code].surveyed_m) == pytest.approx(passed_m, abs=0.06 * count), (level, code)
    whole = road_coverage(watched, T1, "city", inside(watched, "OP")).total
    assert 0.05 < (whole.share or 0) < 0.95
    assert whole.length_m < road_coverage(watched, T1, "city").total.length_m


def test_the_summary_counts_the_passes(watched: Connection) -> None:
    within = inside(watched, "OP")
    there = [
        row
        for row in watched.execute(
            text(
                "SELECT p.passed_at, ST_AsBinary(s.geom) AS geom FROM patrol_passes p"
                " JOIN road_segments s ON s.id = p.segment_id"
            )
        )
        if within.from_at <= row.passed_at < within.to_at and shapely.from_wkb(bytes(row.geom)).intersects(EDGE)
    ]
    summary = operation_summary(watched, load_ground(watched), "OP", datetime(2017, 1, 1, tzinfo=ZONE))["patrols"]
    assert (summary["passes"], summary["surveyors"]) == (len(there), 1)
    assert summary["coverage"] == road_coverage(watched, T1, "city", within).total.share


def test_a_bent_road_of_two_parts(watched: Connection) -> None:
    (row,) = [one for one in road_coverage(watched, T1, SEGMENT, inside(watched, "OP")).rows if one.code == "BENT"]
    assert EDGE.covers(BENT)
    assert float(row.surveyed_m) == pytest.approx(100 + 220 + 30, abs=0.1)


def test_what_was_passed_whole_is_whole_inside(watched: Connection) -> None:
    watched.execute(text("UPDATE patrol_passes SET from_dm = 0, to_dm = NULL WHERE from_dm = 4000"))
    (row,) = [one for one in road_coverage(watched, T1, SEGMENT, inside(watched, "OP")).rows if one.code == "BENT"]
    assert row.surveyed_m == row.length_m
    assert row.share == 1.0
