"""OGC API - Features, Part 1: Core (OGC 17-069r4), and what OGC API - Common asks beside it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
import shapely
from fastapi.testclient import TestClient

from api.conformance import CONFORMS_TO
from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import CRS84, GEOJSON, HERE, REL, features, got, ids, items, links, refused
from tests.conformance.claims import shows

PATHS = ("/", "/conformance", "/collections", "/collections/cells", "/collections/cells/items")


@shows("features-1/core", "http")
@shows("common-1/core", "http")
@pytest.mark.parametrize("path", PATHS)
def test_http_answers_get_and_head_and_refuses_other_methods(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200
    assert client.head(path).status_code == 200
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = client.request(method, path)
        refused(answer, 405)
        assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}


@shows("features-1/core", "http")
@shows("common-1/core", "http")
def test_http_status_codes_of_what_is_not_there(client: TestClient) -> None:
    for path in (
        "/nothing",
        "/collections/nothing",
        "/collections/communities",
        "/collections/nothing/items",
        "/collections/cells/items/nothing",
        "/collections/reports/items/no-colon",
        "/collections/nothing/queryables",
    ):
        refused(client.get(path), 404)


@shows("features-1/core", "root-op root-success", "root-op", "root-success")
@shows("common-1/landing-page", "root-op root-success", "root-op", "root-success")
def test_the_landing_page_links_what_there_is(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    page = answer.json()
    assert page["title"]
    assert page["description"]
    for rel in ("self", "alternate", "service-desc", "service-doc", "conformance", "data"):
        assert links(page, rel), rel
    for rel in ("conformance", "data", "tiling-schemes"):
        assert links(page, REL + rel), rel
    for link in page["links"]:
        assert {"href", "rel", "type", "title"} <= link.keys()
        reached = client.get(link["href"], headers={"Accept": link["type"]})
        assert reached.status_code == 200, link
        assert reached.headers["content-type"].partition(";")[0] == link["type"].partition(";")[0], link


@shows("features-1/core", "api-definition-op api-definition-success", "api-definition-op", "api-definition-success")
@shows("common-1/landing-page", "api-definition-op api-definition-success")
def test_the_landing_page_leads_to_the_api_definition(client: TestClient) -> None:
    page = got(client, "/")
    (machine,), (people,) = links(page, "service-desc"), links(page, "service-doc")
    assert machine["type"] == "application/vnd.oai.openapi+json;version=3.0"
    answer = client.get(machine["href"], headers={"Accept": machine["type"]})
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("application/vnd.oai.openapi+json")
    assert answer.json()["openapi"].startswith("3.0.")
    assert client.get(people["href"]).headers["content-type"].startswith("text/html")


@shows("features-1/core", "conformance-op conformance-success", "conformance-op", "conformance-success")
@shows("common-1/landing-page", "conformance-op conformance-success")
def test_the_conformance_declaration_lists_uris(client: TestClient) -> None:
    answer = client.get("/conformance")
    assert answer.status_code == 200
    declared = answer.json()["conformsTo"]
    assert declared == list(CONFORMS_TO)
    assert len(set(declared)) == len(declared)
    assert all(one.startswith("http://www.opengis.net/spec/") for one in declared)


@shows("features-1/core", "fc-md-op fc-md-success fc-md-links fc-md-items")
@shows("common-2/collections", "rc-md-op rc-md-success rc-md-links rc-md-items")
def test_all_collections_are_listed(client: TestClient) -> None:
    answer = client.get("/collections")
    assert answer.status_code == 200
    document = answer.json()
    for rel in ("self", "alternate"):
        assert all("type" in link for link in links(document, rel)), rel
        assert links(document, rel), rel
    assert [one["id"] for one in document["collections"]] == list(HERE)
    for one in document["collections"]:
        assert one["itemType"] == "feature"
        assert one["title"]
        assert one["description"]


@shows("features-1/core", "sfc-md-op sfc-md-success")
@shows("common-2/collections", "src-md-op src-md-success")
@pytest.mark.parametrize("collection", HERE)
def test_a_collection_alone_says_what_the_list_says(client: TestClient, collection: str) -> None:
    (listed,) = [one for one in got(client, "/collections")["collections"] if one["id"] == collection]
    alone = got(client, f"/collections/{collection}")
    assert {name: value for name, value in alone.items() if name != "links"} == {
        name: value for name, value in listed.items() if name != "links"
    }
    assert links(alone, "self")
    assert links(alone, "alternate")
    rels = {(link["rel"], link["href"]) for link in listed["links"] if link["rel"] != "self"}
    assert rels <= {(link["rel"], link["href"]) for link in alone["links"]}


@shows("features-1/core", "fc-md-items-links")
@shows("common-2/collections", "rc-md-items-links")
@pytest.mark.parametrize("collection", HERE)
def test_every_collection_links_its_items_in_every_form(client: TestClient, collection: str) -> None:
    found = links(got(client, f"/collections/{collection}"), "items")
    assert {link["type"] for link in found} == {GEOJSON, "text/html"}
    for link in found:
        answer = client.get(link["href"], headers={"Accept": link["type"]})
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith(link["type"])


@shows("features-1/core", "fc-md-extent")
@shows("common-2/collections", "rc-md-extent")
@pytest.mark.parametrize("collection", HERE)
def test_the_extent_holds_every_feature(client: TestClient, collection: str) -> None:
    extent = got(client, f"/collections/{collection}")["extent"]
    ((west, south, east, north),) = extent["spatial"]["bbox"]
    assert extent["spatial"]["crs"] == CRS84
    box = shapely.box(west, south, east, north).buffer(1e-9)
    found = features(client, collection)
    assert all(box.covers(shapely.geometry.shape(one["geometry"])) for one in found if one["geometry"])
    if collection == "reports":
        ((first, last),) = extent["temporal"]["interval"]
        times = [datetime.fromisoformat(one["properties"]["reported_at"]) for one in found]
        assert datetime.fromisoformat(first) <= min(times) <= max(times) <= datetime.fromisoformat(last)
        assert extent["temporal"]["trs"].endswith("/Gregorian")


@shows("features-1/core", "crs84")
@pytest.mark.parametrize("collection", HERE)
def test_coordinates_are_longitude_and_latitude(client: TestClient, collection: str) -> None:
    answer = items(client, collection)
    assert answer.headers["content-crs"] == f"<{CRS84}>"
    for one in answer.json()["features"]:
        if one["geometry"]:
            west, south, east, north = shapely.geometry.shape(one["geometry"]).bounds
            assert 113 < west <= east < 121
            assert 30 < south <= north < 35


@shows("features-1/core", "fc-op fc-response")
@pytest.mark.parametrize("collection", HERE)
def test_features_of_every_collection(client: TestClient, collection: str) -> None:
    answer = items(client, collection)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == GEOJSON
    document = answer.json()
    assert document["type"] == "FeatureCollection"
    assert document["features"]
    names = [one.name for one in COLLECTIONS[collection].properties]
    for one in document["features"]:
        assert one["type"] == "Feature"
        assert list(one["properties"]) == names
    identifiers = ids(client, collection)
    assert len(set(identifiers)) == len(identifiers)


@shows("features-1/core", "fc-links", "fc-links", "fc-rel-type")
@pytest.mark.parametrize("collection", HERE)
def test_links_of_a_page_of_features(client: TestClient, collection: str) -> None:
    document = items(client, collection, limit=1).json()
    assert all({"rel", "type", "href"} <= link.keys() for link in document["links"])
    assert {link["type"] for link in links(document, "self")} == {GEOJSON}
    assert {link["type"] for link in links(document, "alternate")} == {"text/html"}
    (again,) = links(document, "self")
    assert got(client, again["href"])["features"] == document["features"]
    (following,) = links(document, "next")
    assert got(client, following["href"])["features"] != document["features"]
    assert not links(items(client, collection, limit=10_000).json(), "next")


@shows("features-1/core", "fc-timeStamp")
def test_the_time_stamp_is_the_moment_of_the_answer(client: TestClient) -> None:
    before = datetime.now(UTC) - timedelta(seconds=1)
    stamp = datetime.fromisoformat(items(client, "cells").json()["timeStamp"])
    assert before <= stamp <= datetime.now(UTC)
    assert stamp.tzinfo is not None


@shows("features-1/core", "fc-numberMatched fc-numberReturned")
@pytest.mark.parametrize("collection", HERE)
@pytest.mark.parametrize("asked", [{}, {"bbox": "113.6,34.7,113.604,34.702"}], ids=["all", "box"])
def test_numbers_matched_and_returned(client: TestClient, collection: str, asked: dict[str, Any]) -> None:
    every = ids(client, collection, **asked)
    for limit in (1, 3, 10_000):
        page = items(client, collection, limit=limit, **asked).json()
        assert page["numberReturned"] == len(page["features"]) == min(limit, len(every))
        assert page["numberMatched"] == len(every)


@shows("features-1/core", "fc-limit-response", "fc-limit-definition", "fc-limit-response")
def test_limit_is_kept_defaulted_and_clipped(client: TestClient) -> None:
    assert len(items(client, "reports").json()["features"]) == 100
    assert len(items(client, "reports", limit=7).json()["features"]) == 7
    beyond = items(client, "reports", limit=10_001)
    assert beyond.status_code == 200
    assert len(beyond.json()["features"]) == 503
    assert items(client, "reports", limit="9" * 30).status_code == 200


@shows("features-1/core", "fc-bbox-response")
@pytest.mark.parametrize("collection", HERE)
@pytest.mark.parametrize(
    "box",
    [
        (113.6, 34.7, 113.602, 34.701),
        (113.60137, 34.70061, 113.60483, 34.70247),
        (113, 34, 114, 35),
        (-10, -10, 10, 10),
        (113.604, 34.702, 113.604, 34.702),
    ],
)
def test_a_box_keeps_what_meets_it_edge_included(
    client: TestClient, collection: str, box: tuple[float, float, float, float]
) -> None:
    west, south, east, north = box
    shape = shapely.box(*box) if west < east else shapely.Point(west, south)
    found = features(client, collection)
    shapes = {one["id"]: shapely.geometry.shape(one["geometry"]) for one in found if one["geometry"]}
    met = [name for name, one in shapes.items() if one.intersects(shape)]
    assert ids(client, collection, bbox=f"{west},{south},{east},{north}") == met
    assert ids(client, collection, bbox=f"{west},{south},-100,{east},{north},9000") == met
    beyond = f"{west},{south},-170,{north}"
    if west > 0 and south < north:
        right = shapely.union_all([shapely.box(west, south, 180, north), shapely.box(-180, south, -170, north)])
        assert ids(client, collection, bbox=beyond) == [name for name, one in shapes.items() if one.intersects(right)]


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text)


@shows("features-1/core", "fc-time-response")
@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2016-05-03", "2016-05-03T00:00:00+08:00", "2016-05-03T23:59:59.999999+08:00"),
        ("2016-05-03T08:30:00Z", "2016-05-03T08:30:00Z", "2016-05-03T08:30:00Z"),
        ("2016-05-03T00:30:00Z/2016-05-05T12:00:00Z", "2016-05-03T00:30:00Z", "2016-05-05T12:00:00Z"),
        ("2016-05-03/2016-05-05", "2016-05-03T00:00:00+08:00", "2016-05-05T23:59:59.999999+08:00"),
        ("../2016-05-05T12:00:00Z", "0001-01-02T00:00:00Z", "2016-05-05T12:00:00Z"),
        ("/2016-05-05", "0001-01-02T00:00:00Z", "2016-05-05T23:59:59.999999+08:00"),
        ("2016-05-18T00:00:00+08:00/..", "2016-05-18T00:00:00+08:00", "9999-12-30T00:00:00Z"),
        ("2016-05-18/", "2016-05-18T00:00:00+08:00", "9999-12-30T00:00:00Z"),
        ("2016-05-18t00:00:00z/..", "2016-05-18T00:00:00Z", "9999-12-30T00:00:00Z"),
    ],
)
def test_a_time_keeps_what_meets_it_ends_included(client: TestClient, text: str, first: str, last: str) -> None:
    met = [
        one["id"]
        for one in features(client, "reports")
        if moment(first) <= moment(one["properties"]["reported_at"]) <= moment(last)
    ]
    assert met
    assert ids(client, "reports", datetime=text) == met


@shows("features-1/core", "fc-time-response")
def test_a_time_keeps_what_lasts_into_it_and_what_has_no_time(client: TestClient) -> None:
    assert ids(client, "coordinators", datetime="2016-05-09") == ["A1", "A2", "A3", "A4"]
    assert ids(client, "coordinators", datetime="2016-05-10") == ["A1", "A3", "A4"]
    assert ids(client, "coordinators", datetime="2016-08-01/..") == ["A1", "A3"]
    assert ids(client, "coordinators", datetime="../2015-12-31") == ["A4"]
    for timeless in ("cells", "roads", "districts", "streets"):
        assert ids(client, timeless, datetime="1999-01-01") == ids(client, timeless)


@shows("features-1/core", "query-param-invalid")
@shows("common-1/core", "query-param-value-special query-param-value-boolean", "query-param-value-invalid")
@pytest.mark.parametrize(
    ("collection", "name", "value"),
    [
        *[("cells", "limit", value) for value in ("0", "-1", "x", "1.5", "", "1e3", "\u0663")],
        *[("cells", "bbox", value) for value in ("1,2,3", "a,b,c,d", "1,2,3,4,5", "1,3,2,1", "nan,1,2,3", "0,0,inf,1")],
        *[("cells", "bbox", value) for value in ("0,-91,1,0", "-181,0,0,1", "1 2 3 4", "")],
        *[("reports", "datetime", value) for value in ("yesterday", "2016-02-30", "../..", "2016-05-02/2016-05-01")],
        *[("reports", "datetime", value) for value in ("2016-05-01T00:00:00", "2016-05-01/2016-05-02/2016-05-03", "/")],
        ("cells", "surveyed", "TRUE"),
        ("cells", "surveyed", "1"),
        ("cells", "tier", "royal"),
        ("cells", "area_km2", "wide"),
        ("cells", "area_km2", "NaN"),
        ("cells", "f", "gml"),
        ("cells", "count", "roughly"),
        ("density-cells", "from", "soon"),
        ("staffing", "level", "cell"),
        ("cells", "sortby", "height"),
        ("cells", "properties", "height"),
        ("cells", "code", "a\0b"),
    ],
)
def test_invalid_values_are_refused_by_name(client: TestClient, collection: str, name: str, value: str) -> None:
    answer = items(client, collection, **{name: value})
    assert name in refused(answer)
    assert answer.json()["parameter"] == name


@shows("features-1/core", "query-param-unknown")
@shows("common-1/core", "query-param-capitalization", "query-param-name-unknown", "query-param-capitalization")
@pytest.mark.parametrize("path", [*PATHS, "/collections/cells/items/990101001001", "/collections/cells/queryables"])
@pytest.mark.parametrize("name", ["unknown", "Limit", "F", "BBOX", "limit "])
def test_unknown_parameters_are_refused(client: TestClient, path: str, name: str) -> None:
    assert "no such parameter" in refused(client.get(path, params={name: "1"}))


@shows("common-1/core", "query-param-list-delimiter query-param-list-escape")
def test_lists_are_separated_by_commas_and_values_are_decoded_once(client: TestClient) -> None:
    page = items(client, "cells", properties="tier,code", sortby="-tier,code", limit=1).json()
    assert set(page["features"][0]["properties"]) == {"tier", "code"}
    text = 'it\'s "100 %" of_all\ta\nline \\ 第1号 ŝ'
    assert ids(client, "reports", description=text) == ["patrol:H1"] == ids(client, "reports", source_ref="H1")


@shows("features-1/core", "f-op f-success f-links")
@pytest.mark.parametrize("collection", HERE)
def test_every_feature_answers_alone_as_in_its_collection(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    awkward = [one for one in found if "H" in one["id"]]
    for one in [*found[:5], *awkward, found[-1]]:
        path = f"/collections/{collection}/items/{quote(one['id'], safe=':')}"
        answer = client.get(path)
        assert answer.status_code == 200, path
        assert answer.headers["content-type"] == GEOJSON
        alone = answer.json()
        assert {name: alone[name] for name in one} == one
        for rel, media in (("self", GEOJSON), ("alternate", "text/html"), ("collection", "application/json")):
            (link,) = links(alone, rel)
            assert link["type"] == media
            assert client.get(link["href"]).status_code == 200, link
        (here,) = links(alone, "self")
        assert got(client, here["href"])["id"] == one["id"]
