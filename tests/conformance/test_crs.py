"""OGC API - Features, Part 2: Coordinate Reference Systems by Reference (OGC 18-058r1), judged by pyproj."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

import numpy as np
import pyproj
import pytest
import shapely
from fastapi.testclient import TestClient

from tests.conformance.asking import CRS84, EPSG, HERE, features, got, ids, items, refused
from tests.conformance.claims import shows
from tests.conformance.systems import SYSTEMS, to

ONE_CM = 0.01
WRONG = [f"{EPSG}0", "EPSG:9999", "4326", ""]


def metres_per_unit(uri: str) -> float:
    return 111_320.0 if pyproj.CRS(SYSTEMS[uri]).is_geographic else 1.0


def coordinates(feature: dict[str, Any]) -> np.ndarray:
    return shapely.get_coordinates(shapely.geometry.shape(feature["geometry"]))


@shows("features-2/crs", "crs-uri", "crs-uri", "fc-md-crs-list")
@pytest.mark.parametrize("collection", HERE)
def test_collections_name_systems_that_the_registers_know(client: TestClient, collection: str) -> None:
    offered = got(client, f"/collections/{collection}")["crs"]
    assert offered == list(SYSTEMS)
    for uri in offered:
        authority, _, code = uri.removeprefix("http://www.opengis.net/def/crs/").partition("/")
        assert pyproj.CRS.from_authority(authority, code.partition("/")[2]) == pyproj.CRS(SYSTEMS[uri])


@shows("features-2/crs", "default-crs", "fc-md-crs-list")
@shows("features-2/crs", "storageCrs", "fc-md-storageCrs", "fc-md-storageCrs-valid-value")
def test_the_default_is_listed_and_so_is_the_one_that_is_stored(client: TestClient) -> None:
    for one in got(client, "/collections")["collections"]:
        assert one["crs"][0] == CRS84
        assert one["storageCrs"] in one["crs"]
        assert "storageCrsCoordinateEpoch" not in one


@shows(
    "features-2/crs", "crs-parameter crs-parameter-transform", "fc-crs-definition", "fc-crs-action", "ogc-crs-header"
)
@pytest.mark.parametrize("uri", SYSTEMS)
@pytest.mark.parametrize("collection", HERE)
def test_features_come_in_the_system_asked_for(client: TestClient, collection: str, uri: str) -> None:
    stored = features(client, collection)
    answer = items(client, collection, limit=10_000, crs=uri)
    assert answer.headers["content-crs"] == f"<{uri}>"
    asked = answer.json()["features"]
    assert [one["id"] for one in asked] == [one["id"] for one in stored]
    for old, new in zip(stored, asked, strict=True):
        if old["geometry"] is None:
            assert new["geometry"] is None
            continue
        first, second = to(uri).transform(*coordinates(old).T)
        off = np.abs(coordinates(new) - np.stack([first, second], axis=-1)) * metres_per_unit(uri)
        assert off.max() <= ONE_CM, (old["id"], off.max())


@shows("features-2/crs", "crs-parameter crs-parameter-transform", "fc-crs-action", "ogc-crs-header-value")
@pytest.mark.parametrize("uri", SYSTEMS)
def test_one_feature_comes_in_the_system_asked_for(client: TestClient, uri: str) -> None:
    path = "/collections/roads/items/R1"
    answer = client.get(path, params={"crs": uri})
    assert answer.headers["content-crs"] == f"<{uri}>"
    expected = np.stack(to(uri).transform(*coordinates(got(client, path)).T), axis=-1)
    assert np.abs(coordinates(answer.json()) - expected).max() * metres_per_unit(uri) <= ONE_CM


@shows("features-2/crs", "crs-parameter-transform", "geojson", "fc-crs-action")
def test_axes_are_in_the_order_of_the_definition(client: TestClient) -> None:
    def first(uri: str) -> tuple[float, float]:
        one, other = got(client, "/collections/reports/items/patrol:H2", crs=uri)["geometry"]["coordinates"]
        return one, other

    assert first(CRS84) == (120.1, 30.2)
    assert first(f"{EPSG}4326") == (30.2, 120.1)
    assert first(f"{EPSG}4490") == pytest.approx((30.2, 120.1), abs=1e-7)
    radius, lon, lat = 6_378_137, math.radians(120.1), math.radians(30.2)
    mercator = radius * lon, radius * math.log(math.tan(math.pi / 4 + lat / 2))
    assert first(f"{EPSG}3857") == pytest.approx(mercator, abs=ONE_CM)
    # CGCS2000 / 3-degree Gauss-Kruger: its definition names the northing first.
    assert [axis.direction for axis in pyproj.CRS("EPSG:4547").axis_info] == ["north", "east"]
    northing, easting = first(f"{EPSG}4547")
    assert 3_300_000 < northing < 3_400_000
    assert 1_000_000 < easting < 1_100_000


@shows("features-2/crs", "crs-parameter-default", "fc-crs-default-value", "ogc-crs-header")
@pytest.mark.parametrize("collection", HERE)
def test_without_a_parameter_it_is_crs84(client: TestClient, collection: str) -> None:
    page = items(client, collection)
    assert page.headers["content-crs"] == f"<{CRS84}>"
    assert page.json()["features"] == items(client, collection, crs=CRS84).json()["features"]
    first = quote(page.json()["features"][0]["id"], safe=":")
    one = client.get(f"/collections/{collection}/items/{first}")
    assert one.headers["content-crs"] == f"<{CRS84}>"


@shows("features-2/crs", "crs-parameter-invalid", "fc-crs-valid-value")
@pytest.mark.parametrize("wrong", WRONG)
def test_systems_that_are_not_offered_are_refused(client: TestClient, wrong: str) -> None:
    for path in ("/collections/roads/items", "/collections/roads/items/R1"):
        answer = client.get(path, params={"crs": wrong})
        assert "is not offered" in refused(answer)
        assert answer.json()["parameter"] == "crs"


def box_in(uri: str, west: float, south: float, east: float, north: float) -> tuple[str, shapely.Polygon]:
    """A box whose edges are straight in that system around a place given in degrees: as a parameter, as a shape."""
    a, b = to(uri).transform(np.array([west, east]), np.array([south, north]))
    return ",".join(f"{number:.9f}" for number in (a[0], b[0], a[1], b[1])), shapely.box(a[0], b[0], a[1], b[1])


@shows("features-2/crs", "bbox-crs-parameter", "fc-bbox-crs-definition", "fc-bbox-crs-action")
@pytest.mark.parametrize("uri", SYSTEMS)
@pytest.mark.parametrize("collection", HERE)
def test_boxes_are_understood_in_every_system(client: TestClient, collection: str, uri: str) -> None:
    # Away from the corners of cells by more than the last digit of any system.
    text, shape = box_in(uri, 113.60137, 34.70061, 113.60483, 34.70247)
    met = {
        one["id"]
        for one in features(client, collection, crs=uri)
        if one["geometry"] and shapely.geometry.shape(one["geometry"]).intersects(shape)
    }
    assert set(ids(client, collection, bbox=text, bbox_crs=uri)) == met
    every = ids(client, collection)
    assert met
    assert len(met) < len(every)


@shows("features-2/crs", "bbox-crs-parameter", "fc-bbox-crs-action")
@pytest.mark.parametrize("uri", SYSTEMS)
def test_a_box_may_be_a_point(client: TestClient, uri: str) -> None:
    place, _ = box_in(uri, 113.60137, 34.70061, 113.60137, 34.70061)
    assert len(ids(client, "cells", bbox=place, bbox_crs=uri)) == 1


@shows("features-2/crs", "bbox-crs-parameter-default", "fc-bbox-crs-valid-defaultValue")
def test_a_box_without_a_system_is_in_crs84(client: TestClient) -> None:
    box = "113.6013,34.7006,113.6048,34.7024"
    assert ids(client, "cells", bbox=box) == ids(client, "cells", bbox=box, bbox_crs=CRS84)
    turned = "34.7006,113.6013,34.7024,113.6048"
    assert ids(client, "cells", bbox=turned, bbox_crs=f"{EPSG}4326") == ids(client, "cells", bbox=box)
    # The system of the answer is not that of the box.
    assert ids(client, "cells", bbox=box, crs=f"{EPSG}4547") == ids(client, "cells", bbox=box)


@shows("features-2/crs", "bbox-crs-parameter-invalid", "fc-bbox-crs-valid-value")
@pytest.mark.parametrize("wrong", WRONG)
def test_boxes_in_systems_that_are_not_offered_are_refused(client: TestClient, wrong: str) -> None:
    answer = items(client, "cells", bbox="0,0,1,1", bbox_crs=wrong)
    assert "is not offered" in refused(answer)


@shows("features-2/crs", "bbox-crs-parameter-invalid", "fc-bbox-crs-action")
@pytest.mark.parametrize(
    ("uri", "box"),
    [
        (f"{EPSG}4326", "113.6,34.7,113.7,34.8"),
        (f"{EPSG}3857", "10,0,0,10"),
        (f"{EPSG}4547", "1e300,0,2e300,1"),
        (f"{EPSG}4547", "0,10,1,0"),
        (f"{EPSG}3857", "0,0,1e9,1e9"),
    ],
)
def test_boxes_that_the_system_cannot_hold_are_refused(client: TestClient, uri: str, box: str) -> None:
    refused(items(client, "cells", bbox=box, bbox_crs=uri))
