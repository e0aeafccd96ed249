"""GeoJSON (Features Part 1, clause 8.3): valid by RFC 7946, judged by rules written here and by shapely."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import pytest
import shapely
from fastapi.testclient import TestClient

from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import GEOJSON, HERE, features, items
from tests.conformance.claims import shows

KINDS = {"point": "Point", "multipolygon": "MultiPolygon", "multilinestring": "MultiLineString"}
DEPTH = {"Point": 0, "MultiLineString": 2, "MultiPolygon": 3}


def positions(coordinates: Any, depth: int) -> list[list[float]]:
    """All positions, which must lie as deep as the geometry's type says (RFC 7946, 3.1)."""
    found = [coordinates]
    for _ in range(depth):
        assert all(isinstance(one, list) and one for one in found)
        found = [part for one in found for part in one]
    return found


def faults(feature: dict[str, Any], kind: str) -> list[str]:
    """What is wrong with a feature by RFC 7946."""
    geometry = feature["geometry"]
    rules = {
        "no feature (3.2)": feature["type"] == "Feature" and isinstance(feature["properties"], dict),
        "an identifier that is no text, which ours are": isinstance(feature["id"], str),
        "members that it may not have (7.1)": not {"coordinates", "geometries", "features", "crs"} & feature.keys(),
    }
    if geometry is not None:
        places = positions(geometry["coordinates"], DEPTH[kind])
        rules |= {
            f"no {kind} (3.1)": geometry["type"] == kind and set(geometry) == {"type", "coordinates"},
            "positions that are none (3.1.1)": all(map(is_position, places)),
            "rings not closed, or in the wrong direction (3.1.6)": kind != "MultiPolygon" or rings_are_right(geometry),
            "what shapely calls invalid": shapely.geometry.shape(geometry).is_valid,
        }
    return [fault for fault, right in rules.items() if not right]


def is_position(place: list[float]) -> bool:
    return len(place) == 2 and -180 <= place[0] <= 180 and -90 <= place[1] <= 90


def rings_are_right(geometry: dict[str, Any]) -> bool:
    """Closed, of four positions or more, the outer ones anticlockwise and the holes clockwise."""
    return all(
        len(ring) >= 4 and ring[0] == ring[-1] and shapely.LinearRing(ring).is_ccw == (number == 0)
        for polygon in geometry["coordinates"]
        for number, ring in enumerate(polygon)
    )


@shows("features-1/geojson", "definition")
@pytest.mark.parametrize("collection", HERE)
@pytest.mark.parametrize("path", ["items", "items/{id}"])
def test_features_come_as_geojson_where_that_is_asked_for(client: TestClient, collection: str, path: str) -> None:
    first = quote(features(client, collection)[0]["id"], safe=":")
    here = f"/collections/{collection}/{path.format(id=first)}"
    for accept in (GEOJSON, f"{GEOJSON};q=0.9, text/html;q=0.5", "application/json", "*/*"):
        answer = client.get(here, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == GEOJSON, accept
        assert "Accept" in answer.headers["vary"]
    assert client.get(here, params={"f": "json"}, headers={"Accept": "text/html"}).headers["content-type"] == GEOJSON


@shows("common-1/json", "definition content")
@pytest.mark.parametrize("path", ["/", "/conformance", "/collections", "/collections/cells"])
def test_everything_else_comes_as_json(client: TestClient, path: str) -> None:
    for asked in ({"headers": {"Accept": "application/json"}}, {"params": {"f": "json"}}, {}):
        answer = client.get(path, **asked)
        assert answer.headers["content-type"] == "application/json"
        document = answer.json()
        assert all({"href", "rel"} <= link.keys() for link in document["links"])


@shows("features-1/geojson", "content")
@pytest.mark.parametrize("collection", HERE)
def test_every_feature_is_valid_geojson(client: TestClient, collection: str) -> None:
    document = items(client, collection, limit=10_000).json()
    assert "crs" not in document
    assert "coordinates" not in document
    kind = KINDS[COLLECTIONS[collection].geometry]
    assert not {one["id"]: found for one in document["features"] if (found := faults(one, kind))}


@shows("features-1/geojson", "content")
def test_the_rules_would_see_a_fault() -> None:
    square = [[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]]
    good = {
        "type": "Feature",
        "id": "a",
        "properties": {},
        "geometry": {"type": "MultiPolygon", "coordinates": [[square]]},
    }
    assert not faults(good, "MultiPolygon")
    for ring in (square[::-1], [*square[:-1], [0, 0.1]], [[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]):
        assert faults({**good, "geometry": {"type": "MultiPolygon", "coordinates": [[ring]]}}, "MultiPolygon")


@shows("features-1/geojson", "content")
@pytest.mark.parametrize("collection", HERE)
def test_properties_are_of_the_types_that_the_queryables_say(client: TestClient, collection: str) -> None:
    types = {"string": str, "integer": int, "number": (int, float), "boolean": bool, "date": str, "date-time": str}
    nulls = 0
    for feature in features(client, collection):
        for one in COLLECTIONS[collection].properties:
            value = feature["properties"][one.name]
            nulls += value is None
            if value is None:
                assert one.nullable, one.name
            else:
                assert isinstance(value, types[one.kind]), one.name
                assert not isinstance(value, bool) or one.kind == "boolean", one.name
                assert not one.one_of or value in one.one_of, one.name
    if collection in ("streets", "roads", "reports", "coordinators", "staffing", "density-streets"):
        assert nulls
