"""OWSLib, the OGC client of Python, asks the service what there is and for features."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from owslib.ogcapi.features import Features

from gis.collections.catalogue import COLLECTIONS
from tests.api.tiny import CITY, SOUTH, STEP, WEST, Tiny
from tests.clients.conftest import Request, Served

BOX = [WEST + 0.1 * STEP, SOUTH + 0.1 * STEP, WEST + 1.9 * STEP, SOUTH + 1.9 * STEP]


@pytest.fixture(scope="module")
def service(served: Served) -> Features:
    return Features(f"{served.address}/")


def test_the_landing_page_leads_to_everything(service: Features) -> None:
    here = [one.id for one in COLLECTIONS.values() if one.level in (None, *CITY.area_levels)]
    assert service.feature_collections() == here
    assert service.api()["openapi"].startswith("3.0")
    kept = service.conformance()["conformsTo"]
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in kept
    assert "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text" in kept


def test_a_collection_says_where_it_lies(service: Features) -> None:
    cells = service.collection("cells")
    assert cells["title"] == "Grid cells"
    west, south, east, north = cells["extent"]["spatial"]["bbox"][0]
    # A special operation of this city reaches a step beyond its cells.
    assert (west, south) == pytest.approx((WEST - STEP, SOUTH - STEP), abs=1e-6)
    assert west < east
    assert south < north
    assert "http://www.opengis.net/def/crs/EPSG/0/4547" in cells["crs"]


def test_queryables_say_what_a_filter_may_name(service: Features) -> None:
    said = service.collection_queryables("cells")["properties"]
    assert set(said) == {one.name for one in COLLECTIONS["cells"].properties} | {"geometry"}
    assert said["tier"]["enum"] == ["key", "secondary", "general"]


def test_features_by_box_and_limit(service: Features, facts: Tiny) -> None:
    answer = service.collection_items("cells", bbox=BOX, limit=3)
    assert (answer["numberMatched"], answer["numberReturned"]) == (4, 3)
    assert {one["id"] for one in answer["features"]} <= set(facts.cells)
    assert [one["rel"] for one in answer["links"]].count("next") == 1


def test_features_by_time(service: Features, facts: Tiny) -> None:
    answer = service.collection_items("reports", datetime_="2016-05-03/2016-05-04", limit=1000)
    expected = {
        f"{one['source']}:{one['id']}" for one in facts.reports if one["time"][:10] in ("2016-05-03", "2016-05-04")
    }
    assert {one["properties"]["source_ref"] for one in answer["features"]} == {
        one.partition(":")[2] for one in expected
    }


def test_features_by_a_cql2_filter_in_order(service: Features, facts: Tiny, asked: Callable[[], list[Request]]) -> None:
    answer = service.collection_items(
        "cells", filter="tier = 'key' AND area_name <> '西街'", sortby=("code", "desc"), limit=1000
    )
    expected = [code for code, tier in facts.tiers.items() if tier == "key" and code.startswith("990101001")]
    assert [one["id"] for one in answer["features"]] == sorted(expected, reverse=True)
    assert asked()[-1].parameters["filter"] == "tier = 'key' AND area_name <> '西街'"


def test_one_feature(service: Features, facts: Tiny) -> None:
    code = next(iter(facts.cells))
    assert service.collection_item("cells", code)["properties"]["code"] == code


def test_what_is_wrong_is_said(service: Features) -> None:
    with pytest.raises(RuntimeError, match="tierr"):
        service.collection_items("cells", filter="tierr = 'key'")
