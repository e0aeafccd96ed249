"""Loading roads: classes, codes, both geometries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from pyproj import Geod
from sqlalchemy import Connection, text

from gis.city import City
from gis.errors import RowsRefused
from gis.roads import load_roads, road_class
from gis.store.database import versions

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
Write = Callable[..., Path]

ALONG = shapely.LineString([(113.60, 34.70), (113.61, 34.70)])
UP = shapely.LineString([(113.60, 34.70), (113.60, 34.71)])


def roads(conn: Connection) -> list[Any]:
    return list(
        conn.execute(
            text(
                "SELECT code, name, class, groups, length_m, ST_Length(geom_m) AS metric_m, ST_SRID(geom_m) AS srid,"
                " ST_X(ST_StartPoint(ST_GeometryN(geom_m, 1))) AS x FROM road_segments"
                " WHERE retired_at IS NULL ORDER BY code"
            )
        )
    )


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("ring", "ring"),
        ("环路", "ring"),
        ("背街小巷", "back_street"),
        ("motorway", "trunk"),
        ("primary_link", "trunk"),
        ("secondary", "main"),
        ("tertiary", "branch"),
        ("living_street", "back_street"),
        ("primary;secondary", "trunk"),
        ("['residential', 'tertiary']", "branch"),
        ("proposed", None),
        ("residential;proposed", None),
        ("", None),
    ],
)
def test_classes(written: str, expected: str | None) -> None:
    assert road_class(written) == expected


def test_boston(conn: Connection, boston: City) -> None:
    summary = load_roads(conn, FIXTURES / "boston/roads.geojson", "wgs84")
    assert (summary.read, summary.added) == (10_761, 10_761)
    rows = roads(conn)
    assert {row[2] for row in rows} == {"trunk", "main", "branch", "back_street"}
    # Geodesic and in the metric CRS: the same length but for its scale.
    assert sum(row.metric_m for row in rows) == pytest.approx(float(sum(row.length_m for row in rows)), rel=1e-4)
    assert {row.srid for row in rows} == {0}
    again = load_roads(conn, FIXTURES / "boston/roads.geojson", "wgs84")
    assert (again.added, again.changed, again.unchanged) == (0, 0, 10_761)


def test_length_and_metric_geometry(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson("a.geojson", (ALONG, {"code": "Z1", "name": "", "class": "main", "groups": "b; a;b"}))
    load_roads(conn, path, "wgs84")
    (row,) = roads(conn)
    expected = Geod(ellps="WGS84").geometry_length(ALONG)
    assert float(row.length_m) == pytest.approx(expected, abs=0.001)
    assert row.groups == ["a", "b"]
    assert 463_000 < row.x < 464_000  # EPSG:4547: 500 km plus what 113.6 E is west of 114 E


def test_codes_are_assigned_by_a_stable_rule(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson("a.geojson", (UP, {"name": "up", "class": "main"}), (ALONG, {"name": "x", "class": "main"}))
    load_roads(conn, path, "wgs84")
    first = {row.name: row.code for row in roads(conn)}
    assert sorted(first.values()) == ["R000001", "R000002"]
    turned = write_geojson("b.geojson", (ALONG, {"name": "x", "class": "main"}), (UP, {"name": "up", "class": "ring"}))
    summary = load_roads(conn, turned, "wgs84")
    assert (summary.added, summary.changed, summary.unchanged) == (0, 1, 1)
    assert {row.name: row.code for row in roads(conn)} == first
    third = write_geojson("c.geojson", (shapely.LineString([(113.7, 34.7), (113.7, 34.8)]), {"class": "main"}))
    summary = load_roads(conn, third, "wgs84", replace_others=True)
    assert (summary.added, summary.retired) == (1, 2)
    assert [row.code for row in roads(conn)] == ["R000003"]


def test_both_directions_are_two_segments_and_a_warning(
    conn: Connection, zhengzhou: City, write_geojson: Write
) -> None:
    path = write_geojson(
        "a.geojson",
        (ALONG, {"name": "a", "class": "main"}),
        (UP, {"name": "b", "class": "main"}),
        (ALONG.reverse(), {"name": "a", "class": "main"}),
        (ALONG, {"name": "a", "class": "main"}),
    )
    summary = load_roads(conn, path, "wgs84")
    assert summary.added == 4
    assert len(summary.warnings) == 1
    assert "rows 1 and 3 and 4" in summary.warnings[0]
    assert load_roads(conn, path, "wgs84").changes is False


def test_everything_wrong_is_named_at_once(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    load_roads(conn, write_geojson("old.geojson", (UP, {"code": "gone", "class": "main"})), "wgs84")
    conn.execute(text("UPDATE road_segments SET retired_at = now()"))
    path = write_geojson(
        "a.geojson",
        (ALONG, {"code": "a", "class": "main"}),
        (ALONG, {"code": "a", "class": "main"}),
        (ALONG, {"code": "b", "class": "proposed"}),
        (ALONG, {"code": "c", "class": None}),
        (shapely.LineString([(113.6, 34.7), (113.6, 34.7)]), {"code": "d", "class": "main"}),
        (shapely.Point(113.6, 34.7), {"code": "e", "class": "main"}),
        (shapely.LineString([(34.7, 113.6), (34.8, 113.6)]), {"code": "f", "class": "main"}),
        (shapely.LineString([(-71.0, 42.0), (-71.1, 42.0)]), {"code": "g", "class": "main"}),
        (UP, {"code": "gone", "class": "main"}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_roads(conn, path, "wgs84")
    found = {problem.row: problem.reason for problem in refused.value.problems}
    assert sorted(found) == list(range(1, 10))
    assert "ring, trunk, main, branch, back_street" in found[3]
    assert "has no class" in found[4]
    assert found[5] == "its line has no length"
    assert "is a Point; a line is needed" in found[6]
    assert "swapped" in found[7]
    assert "far from where EPSG:4547 is used" in found[8]
    assert "was retired" in found[9]
    assert roads(conn) == []


def test_another_line_is_a_change_of_both_geometries(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    load_roads(conn, write_geojson("a.geojson", (ALONG, {"code": "Z1", "class": "main"})), "wgs84")
    assert load_roads(conn, write_geojson("b.geojson", (UP, {"code": "Z1", "class": "main"})), "wgs84").changed == 1
    (row,) = roads(conn)
    assert row.metric_m == pytest.approx(float(row.length_m), rel=1e-3)
    assert float(row.length_m) == pytest.approx(Geod(ellps="WGS84").geometry_length(UP), abs=0.001)


def test_versions(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson("a.geojson", (UP, {"class": "main"}))
    load_roads(conn, path, "wgs84")
    load_roads(conn, path, "wgs84")
    assert versions(conn)["roads"] == 1
