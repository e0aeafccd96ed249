"""CQL2's spatial and temporal functions on our own collections: shapely's answer, and Python's over all features."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient

from tests.conformance.asking import HERE, features, ids, items, refused
from tests.conformance.claims import shows

SPATIAL: dict[str, Callable[[Any, Any], bool]] = {
    "S_INTERSECTS": shapely.intersects,
    "S_DISJOINT": shapely.disjoint,
    "S_EQUALS": shapely.equals,
    "S_TOUCHES": shapely.touches,
    "S_CROSSES": shapely.crosses,
    "S_WITHIN": shapely.within,
    "S_CONTAINS": shapely.contains,
    "S_OVERLAPS": shapely.overlaps,
}
WORLD = "POLYGON((-180 -90, 180 -90, 180 90, -180 90, -180 -90))"
RING = "(113.6 34.7, 113.604 34.7, 113.604 34.704, 113.6 34.704, 113.6 34.7)"
POINTS_AND_BOXES = {
    "POINT(113.603 34.702)": "POINT(113.603 34.702)",
    "POINT(113.6025 34.7025)": "POINT(113.6025 34.7025)",
    "BBOX(113.6021, 34.7005, 113.6055, 34.7021)": "POLYGON((113.6021 34.7005, 113.6055 34.7005, 113.6055 34.7021, "
    "113.6021 34.7021, 113.6021 34.7005))",
    "BBOX(-180, -90, 180, 90)": WORLD,
}
OTHERS = (
    WORLD,
    "LINESTRING(113.6 34.7015, 113.606 34.7015)",
    "LINESTRING(113.6005 34.6995, 113.6055 34.7035)",
    "MULTIPOINT((113.6025 34.7025), (113.61 34.701))",
    "MULTILINESTRING((113.6 34.7, 113.604 34.7), (113.61 34.7, 113.61 34.71))",
    f"POLYGON({RING}, (113.601 34.701, 113.603 34.701, 113.603 34.703, 113.601 34.703, 113.601 34.701))",
    f"MULTIPOLYGON(({RING}), ((113.6085 34.7, 113.612 34.7, 113.612 34.7025, 113.6085 34.7025, 113.6085 34.7)))",
    "GEOMETRYCOLLECTION(POINT(113.6025 34.7025), LINESTRING(113.61 34.7, 113.61 34.71))",
)
Shapes = dict[str, dict[str, shapely.Geometry]]
PLACED = ("streets", "cells", "roads", "reports", "coordinators")


@pytest.fixture(scope="module")
def shapes(client: TestClient) -> Shapes:
    """Collection -> feature -> its geometry."""
    return {
        name: {one["id"]: shapely.geometry.shape(one["geometry"]) for one in features(client, name) if one["geometry"]}
        for name in HERE
    }


def related(shapes: dict[str, shapely.Geometry], function: str, wkt: str) -> list[str]:
    other = shapely.from_wkt(wkt)
    return [name for name, shape in shapes.items() if SPATIAL[function](shape, other)]


@shows("cql2/basic-spatial-functions", "s_intersects", "spatial-predicate", "spatial-functions", "spatial-data-types")
@pytest.mark.parametrize("collection", HERE)
def test_s_intersects_with_points_and_boxes(client: TestClient, shapes: Shapes, collection: str) -> None:
    for text, wkt in POINTS_AND_BOXES.items():
        found = ids(client, collection, filter=f"S_INTERSECTS(geometry, {text})")
        assert found == related(shapes[collection], "S_INTERSECTS", wkt), text
        assert ids(client, collection, filter=f"S_INTERSECTS({text}, geometry)") == found
    refused(items(client, collection, filter="S_INTERSECTS(geometry, POINT(90 180))"))


@shows("cql2/basic-spatial-functions-plus", "s_intersects", "spatial-data-types")
@pytest.mark.parametrize("wkt", OTHERS, ids=lambda wkt: wkt.partition("(")[0])
@pytest.mark.parametrize("collection", PLACED)
def test_s_intersects_with_every_geometry(client: TestClient, shapes: Shapes, collection: str, wkt: str) -> None:
    found = ids(client, collection, filter=f"S_INTERSECTS(geometry, {wkt})")
    assert found == related(shapes[collection], "S_INTERSECTS", wkt)
    assert found or collection != "cells"


@shows("cql2/basic-spatial-functions-plus", "s_intersects", "spatial-data-types")
def test_geometries_outside_the_world_are_refused(client: TestClient) -> None:
    refused(items(client, "cells", filter="S_INTERSECTS(geometry, MULTIPOINT(7.02 49.92, 90 180))"))


@shows(
    "cql2/spatial-functions",
    "s_intersects s_disjoint s_equals s_touches s_crosses s_within s_contains s_overlaps",
    "spatial-functions",
    "spatial-data-types",
)
@pytest.mark.parametrize("function", SPATIAL)
@pytest.mark.parametrize("collection", ["cells", "roads", "reports"])
def test_spatial_functions_answer_as_shapely(
    client: TestClient, shapes: Shapes, collection: str, function: str
) -> None:
    own = next(iter(shapes[collection].values()))
    for wkt in (*OTHERS[:-1], POINTS_AND_BOXES["POINT(113.603 34.702)"], own.wkt):
        found = ids(client, collection, filter=f"{function}(geometry, {wkt})")
        assert found == related(shapes[collection], function, wkt), wkt
    refused(items(client, collection, filter=f"{function}(geometry, POINT(90 180))"))


Instant = datetime | date
Span = tuple[Instant, Instant]
# Clause 7.8: a is the first argument, b the second, [0] begins and [1] ends.
TEMPORAL: dict[str, Callable[[Span, Span], bool]] = {
    "T_AFTER": lambda a, b: a[0] > b[1],
    "T_BEFORE": lambda a, b: a[1] < b[0],
    "T_CONTAINS": lambda a, b: a[0] < b[0] and a[1] > b[1],
    "T_DISJOINT": lambda a, b: a[1] < b[0] or a[0] > b[1],
    "T_DURING": lambda a, b: a[0] > b[0] and a[1] < b[1],
    "T_EQUALS": lambda a, b: a == b,
    "T_FINISHEDBY": lambda a, b: a[0] < b[0] and a[1] == b[1],
    "T_FINISHES": lambda a, b: a[0] > b[0] and a[1] == b[1],
    "T_INTERSECTS": lambda a, b: a[0] <= b[1] and a[1] >= b[0],
    "T_MEETS": lambda a, b: a[1] == b[0],
    "T_METBY": lambda a, b: a[0] == b[1],
    "T_OVERLAPPEDBY": lambda a, b: b[0] < a[0] < b[1] < a[1],
    "T_OVERLAPS": lambda a, b: a[0] < b[0] < a[1] < b[1],
    "T_STARTEDBY": lambda a, b: a[0] == b[0] and a[1] > b[1],
    "T_STARTS": lambda a, b: a[0] == b[0] and a[1] < b[1],
}
OF_INSTANTS = ("T_AFTER", "T_BEFORE", "T_DISJOINT", "T_EQUALS", "T_INTERSECTS")
DAYS = [("2016-05-03", "2016-05-03"), ("2016-05-03", "2016-05-09"), ("2016-05-20", "2017-01-01")]
MOMENTS = [("2016-05-03T08:30:00Z", "2016-05-03T08:30:00Z"), ("2016-05-03T08:30:00Z", "2016-05-09T10:30:00Z")]
SPANS = [
    ("2014-01-01", "2015-01-01"),
    ("2016-01-01", "2016-05-10"),
    ("2016-01-01", "2016-07-01"),
    ("2016-01-01", "2016-03-01"),
    ("2016-02-01", "2016-05-10"),
    ("2015-12-01", "2016-05-10"),
    ("2016-02-01", "2016-03-01"),
    ("2015-12-01", "2016-08-01"),
    ("2016-05-10", "2016-08-01"),
    ("2015-01-01", "2016-01-01"),
    ("2016-03-01", "2016-08-01"),
    ("2015-06-01", "2016-03-01"),
    ("2017-01-01", "2017-02-01"),
]


@shows("cql2/temporal-functions", "temporal-functions-1", "temporal-predicates", "temporal-functions")
@pytest.mark.parametrize("function", OF_INSTANTS)
@pytest.mark.parametrize(("name", "spans"), [("day", DAYS), ("reported_at", MOMENTS)])
def test_temporal_functions_of_instants(
    client: TestClient, function: str, name: str, spans: list[tuple[str, str]]
) -> None:
    read = date.fromisoformat if name == "day" else datetime.fromisoformat
    word = "DATE" if name == "day" else "TIMESTAMP"
    found = features(client, "reports")
    for first, last in spans:
        there = read(first), read(last)
        wanted = [
            one["id"] for one in found if TEMPORAL[function]((moment := read(one["properties"][name]), moment), there)
        ]
        assert ids(client, "reports", filter=f"{function}({name}, INTERVAL('{first}', '{last}'))") == wanted
        if first == last:
            assert ids(client, "reports", filter=f"{function}({name}, {word}('{first}'))") == wanted


@shows("cql2/temporal-functions", "temporal-functions-2", "temporal-predicates", "temporal-functions")
@pytest.mark.parametrize("function", TEMPORAL)
def test_temporal_functions_of_intervals(client: TestClient, function: str) -> None:
    rows = {one["id"]: one["properties"] for one in features(client, "coordinators")}
    whole = {
        name: (date.fromisoformat(row["on_post_from"]), date.fromisoformat(row["on_post_until"]))
        for name, row in rows.items()
        if row["on_post_from"] and row["on_post_until"]
    }
    assert whole
    hits = 0
    for first, last in SPANS:
        there = date.fromisoformat(first), date.fromisoformat(last)
        expression = f"{function}(INTERVAL(on_post_from, on_post_until), INTERVAL('{first}', '{last}'))"
        found = ids(client, "coordinators", filter=expression)
        assert [name for name in found if name in whole] == [
            name for name, span in whole.items() if TEMPORAL[function](span, there)
        ], expression
        hits += bool(found)
    assert hits
