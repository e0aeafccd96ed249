"""The filter parameters, and filtering of features (Features Part 3, OGC 19-079r2, clauses 8 and 9)."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from fastapi.testclient import TestClient

from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import GEOJSON, HERE, features, got, ids, items, refused
from tests.conformance.claims import shows, uri_of
from tests.conformance.systems import SYSTEMS, to

NO_FILTER = "THIS IS NOT A FILTER"


def meeting(*box: float) -> str:
    return f"S_INTERSECTS(geometry, BBOX({', '.join(f'{number:.9f}' for number in box)}))"


@dataclass(frozen=True)
class Whole:
    """A collection as its description and all its features say."""

    extent: tuple[float, float, float, float]
    placed: list[str]
    """Features with a geometry: nothing can be said of where the others are."""


@pytest.fixture(scope="module")
def wholes(client: TestClient) -> dict[str, Whole]:
    return {
        one["id"]: Whole(
            tuple(one["extent"]["spatial"]["bbox"][0]),
            [feature["id"] for feature in features(client, one["id"]) if feature["geometry"]],
        )
        for one in got(client, "/collections")["collections"]
    }


@shows("features-3/filter", "get-conformance get-collections", "filter-param")
@shows("features-3/features-filter", "get-conformance", "filter-param")
def test_what_qgis_and_gdal_look_for_before_they_send_filters(client: TestClient) -> None:
    declared = got(client, "/conformance")["conformsTo"]
    assert {uri_of(f"features-3/{name}") for name in ("filter", "features-filter", "queryables")} <= set(declared)
    assert {uri_of(f"cql2/{name}") for name in ("cql2-text", "basic-cql2")} <= set(declared)
    assert isinstance(got(client, "/collections")["collections"], list)


@shows("features-3/filter", "filter-param", "filter-param", "filter-lang-param", "response")
@shows("features-3/features-filter", "filter-on-items", "filter-param", "filter-lang-param", "response")
@pytest.mark.parametrize("collection", HERE)
def test_filters_of_every_queryable(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        expression = f'"{one.name}" IS NULL'
        answer = items(client, collection, filter_lang="cql2-text", filter=expression, limit=10_000)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == GEOJSON
        expected = [row["id"] for row in found if row["properties"][one.name] is None]
        assert [row["id"] for row in answer.json()["features"]] == expected, one.name
        as_json = json.dumps({"op": "isNull", "args": [{"property": one.name}]})
        assert ids(client, collection, filter_lang="cql2-json", filter=as_json) == expected
    refused(items(client, collection, filter_lang="cql2-text", filter=NO_FILTER))


@shows("features-3/filter", "filter-lang-default", "filter-param", "filter-lang-param", "response")
@shows("features-3/features-filter", "filter-on-items", "filter-lang-param", "response")
@pytest.mark.parametrize("collection", HERE)
def test_text_is_the_language_when_none_is_named(client: TestClient, collection: str) -> None:
    name = COLLECTIONS[collection].properties[0].name
    assert ids(client, collection, filter=f"{name} IS NULL") == []
    assert ids(client, collection, filter=f"{name} IS NOT NULL") == ids(client, collection)
    answer = items(client, collection, filter=NO_FILTER)
    assert "filter" in refused(answer)
    assert answer.json()["parameter"] == "filter"
    assert "filter-lang" in refused(items(client, collection, filter=f"{name} IS NULL", filter_lang="cql-text"))


@shows("features-3/filter", "expression-construction", "/req/queryables/expression-construction")
@pytest.mark.parametrize("collection", HERE)
def test_unknown_queryables_are_refused(client: TestClient, collection: str) -> None:
    detail = refused(items(client, collection, filter="this_is_not_a_queryable IS NULL"))
    assert "this_is_not_a_queryable" in detail
    for hidden in ("geom", "source_id", "id", "xmin"):
        if COLLECTIONS[collection].property(hidden) is None:
            refused(items(client, collection, filter=f"{hidden} IS NULL"))


@shows("features-3/filter", "filter-crs-wgs84", "filter-crs-wgs84", "response")
@pytest.mark.parametrize("collection", HERE)
def test_coordinates_of_filters_are_crs84(client: TestClient, wholes: dict[str, Whole], collection: str) -> None:
    assert ids(client, collection, filter=meeting(*wholes[collection].extent)) == wholes[collection].placed
    refused(items(client, collection, filter=meeting(1e6, 1e6, 2e6, 2e6)))


@shows("features-3/filter", "filter-crs-param", "filter-crs-param", "response")
@shows("features-3/features-filter", "filter-on-items", "filter-crs-param", "response")
@pytest.mark.parametrize("uri", SYSTEMS)
@pytest.mark.parametrize("collection", HERE)
def test_coordinates_of_filters_in_every_system_of_the_collection(
    client: TestClient, wholes: dict[str, Whole], collection: str, uri: str
) -> None:
    west, south, east, north = wholes[collection].extent
    # The straight edges of the box must lie outside the curved ones of the extent.
    lon, lat = np.meshgrid(np.linspace(west - 1e-6, east + 1e-6, 50), np.linspace(south - 1e-6, north + 1e-6, 50))
    a, b = to(uri).transform(lon.ravel(), lat.ravel())
    box = meeting(a.min(), b.min(), a.max(), b.max())
    assert ids(client, collection, filter=box, filter_crs=uri) == wholes[collection].placed
    if collection not in ("cells", "reports"):
        return
    # A part of it, away from edges of cells: the same features as the same box in degrees finds.
    a, b = to(uri).transform([113.60137, 113.60483], [34.70061, 34.70247])
    some = ids(client, collection, filter=meeting(a[0], b[0], a[1], b[1]), filter_crs=uri)
    assert some == ids(client, collection, bbox="113.60137,34.70061,113.60483,34.70247")
    assert some
    assert some != wholes[collection].placed


@shows("features-3/filter", "filter-crs-param")
def test_systems_of_filters_that_are_not_offered_are_refused(client: TestClient) -> None:
    for wrong in ("http://www.opengis.net/def/crs/OGC/0/does_not_exist", "4326", ""):
        answer = items(client, "cells", filter=meeting(113, 34, 114, 35), filter_crs=wrong)
        assert "is not offered" in refused(answer)
        assert answer.json()["parameter"] == "filter-crs"


@shows("features-3/filter", "mixing-expression", "mixing-expressions")
@shows("features-3/features-filter", "filter-on-items", "/req/filter/mixing-expressions")
@pytest.mark.parametrize("collection", HERE)
def test_a_filter_and_the_other_parameters_hold_together(
    client: TestClient, wholes: dict[str, Whole], collection: str
) -> None:
    west, south, east, north = wholes[collection].extent
    whole = meeting(west, south, east, north)
    box = f"{west},{south},{east},{north}"
    assert ids(client, collection, filter=whole, bbox=box) == wholes[collection].placed
    assert ids(client, collection, filter=whole, bbox="10,10,11,11") == []
    half = "113.60137,34.70061,113.60283,34.70247"
    assert ids(client, collection, filter=whole, bbox=half) == ids(client, collection, bbox=half)


@shows("features-3/features-filter", "filter-on-items", "/req/filter/mixing-expressions")
def test_a_filter_holds_with_datetime_and_properties(client: TestClient) -> None:
    def wanted(one: dict) -> bool:
        row = one["properties"]
        return row["source"] == "citizen" and row["day"] == "2016-05-03" and row["chaos"] == "parking"

    expected = [one["id"] for one in features(client, "reports") if wanted(one)]
    assert expected
    found = ids(client, "reports", source="citizen", datetime="2016-05-03", filter="chaos = 'parking'")
    assert found == expected


@shows("features-3/filter", "filter-param")
@pytest.mark.parametrize(
    "wrong",
    ["", " ", "tier", "tier =", "tier = key", "tier = 1", "1", "tier = 'key' AND", "(tier = 'key'", "tier == 'key'"],
)
def test_what_is_no_condition_is_refused_by_name(client: TestClient, wrong: str) -> None:
    answer = items(client, "cells", filter=wrong)
    refused(answer)
    assert answer.json()["parameter"] == "filter"
    refused(items(client, "cells", filter=wrong, filter_lang="cql2-json"))
