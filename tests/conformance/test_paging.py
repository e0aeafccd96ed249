"""Paging by `next` links (Features Part 1, clauses 7.15.2 and 7.15.7): every feature once, whatever happens between."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.collections.catalogue import COLLECTIONS
from gis.store.database import bump_version
from tests.conformance.asking import HERE, got, ids, items, links, refused
from tests.conformance.claims import shows
from tests.conformance.conftest import MORE_REPORTS

NUMBERS = itertools.count(1)


def pages(client: TestClient, collection: str, **asked: Any) -> Iterator[dict[str, Any]]:
    """All pages, along their links."""
    page = items(client, collection, **asked).json()
    yield page
    while following := links(page, "next"):
        page = got(client, following[0]["href"])
        yield page


def walked(client: TestClient, collection: str, **asked: Any) -> list[str]:
    return [one["id"] for page in pages(client, collection, **asked) for one in page["features"]]


@shows("features-1/core", "fc-limit-response fc-links", "fc-limit-response", "fc-links")
@pytest.mark.parametrize("collection", HERE)
def test_pages_hold_every_feature_once(client: TestClient, collection: str) -> None:
    every = ids(client, collection)
    for limit in (1, 2, 7) if len(every) < 60 else (37,):
        found = list(pages(client, collection, limit=limit))
        assert [one["id"] for page in found for one in page["features"]] == every
        assert all(page["numberReturned"] == limit for page in found[:-1])
        assert all(page["numberMatched"] == len(every) for page in found)
        assert 1 <= found[-1]["numberReturned"] <= limit


def key_of(collection: str, one: dict[str, Any]) -> tuple[Any, ...]:
    """The collection's own order; patrol was made before citizen, so its number is lower."""
    if collection == "reports":
        return ["patrol", "citizen"].index(one["source"]), one["source_ref"]
    return tuple(one.get(name, "") for name in COLLECTIONS[collection].key)


@shows("features-1/core", "fc-limit-response", "fc-limit-response")
@pytest.mark.parametrize("descending", [False, True], ids=["up", "down"])
@pytest.mark.parametrize("collection", HERE)
def test_pages_in_every_order(client: TestClient, collection: str, descending: bool) -> None:
    every = items(client, collection, limit=10_000).json()["features"]
    limit = 1 + len(every) // 3
    for one in COLLECTIONS[collection].properties:
        values = [(row["properties"][one.name], place, row["id"]) for place, row in enumerate(every)]
        there = sorted((row for row in values if row[0] is not None), key=lambda row: row[0], reverse=descending)
        # Equal values stay in the collection's own order; features without a value come last in both directions.
        expected = [row[2] for row in (*there, *(row for row in values if row[0] is None))]
        sortby = f"{'-' if descending else ''}{one.name}"
        assert walked(client, collection, sortby=sortby, limit=limit, properties=one.name) == expected, sortby


@shows("features-1/core", "fc-limit-response", "fc-limit-response")
@pytest.mark.parametrize(
    ("collection", "sortby"),
    [
        ("cells", "-tier,area_km2,-code"),
        ("reports", "chaos,-day,segment_code"),
        ("staffing", "-tier,gap"),
        ("coordinators", "-on_post_until,on_post_from,-ref"),
        ("roads", "-name,class"),
    ],
)
def test_pages_in_orders_of_several_properties(client: TestClient, collection: str, sortby: str) -> None:
    every = ids(client, collection, sortby=sortby)
    assert sorted(every) == sorted(ids(client, collection))
    assert walked(client, collection, sortby=sortby, limit=1 + len(every) // 7) == every


@shows("features-1/core", "fc-limit-response fc-numberMatched", "fc-limit-response", "fc-numberMatched")
@pytest.mark.parametrize(
    ("collection", "asked"),
    [
        ("cells", {"filter": "tier <> 'key'", "sortby": "-area_km2"}),
        ("reports", {"filter": "description IS NULL", "sortby": "-reported_at"}),
        ("reports", {"bbox": "113.6,34.7,113.606,34.703", "datetime": "2016-05-02/2016-05-09", "sortby": "cell_code"}),
        ("reports", {"source": "citizen", "crs": "http://www.opengis.net/def/crs/EPSG/0/4547"}),
        ("density-cells", {"from": "2016-05-03", "to": "2016-05-07", "category": ["0501", "0505"], "sortby": "-count"}),
        ("density-cells", {"datetime": "2016-05-03/2016-05-06", "properties": "count", "sortby": "tier"}),
    ],
)
def test_pages_of_what_was_chosen(client: TestClient, collection: str, asked: dict[str, Any]) -> None:
    every = items(client, collection, limit=10_000, **asked).json()
    found = list(pages(client, collection, limit=5, **asked))
    assert [one for page in found for one in page["features"]] == every["features"]
    assert {page["numberMatched"] for page in found} == {len(every["features"])}
    assert len(found) > 3


def add_report(engine: Engine, ref: str) -> None:
    with engine.begin() as conn:
        conn.execute(MORE_REPORTS, {"ref": ref, "wkt": f"POINT(113.6 34.7{next(NUMBERS)})", "description": None})
        bump_version(conn, "reports")


@shows("features-1/core", "fc-limit-response", "fc-limit-response")
@pytest.mark.parametrize("sortby", [None, "-source_ref", "chaos,-description", "-reported_at"])
def test_pages_while_rows_come_in(own_client: TestClient, own_engine: Engine, sortby: str | None) -> None:
    """Those that were there before stand on exactly one page, in their order; new ones at most once."""
    asked = {} if sortby is None else {"sortby": sortby}
    before = ids(own_client, "reports", **asked)
    seen: list[str] = []
    for number, page in enumerate(pages(own_client, "reports", limit=40, **asked)):
        seen += [one["id"] for one in page["features"]]
        for ref in (f"A{sortby}{number}", f"T0{number:02d}5a{sortby}", f"Z{sortby}{number}"):
            add_report(own_engine, ref)
    assert len(set(seen)) == len(seen)
    assert [one for one in seen if one in set(before)] == before
    assert len(seen) > len(before)


@shows("features-1/core", "fc-numberMatched")
def test_the_number_matched_is_that_of_the_moment(own_client: TestClient, own_engine: Engine) -> None:
    first = items(own_client, "reports", limit=3).json()
    add_report(own_engine, "N1")
    assert got(own_client, links(first, "next")[0]["href"])["numberMatched"] == first["numberMatched"] + 1


@shows("features-1/core", "fc-limit-response", "fc-limit-response")
def test_pages_while_rows_go_away(own_client: TestClient, own_engine: Engine) -> None:
    before = ids(own_client, "reports")
    seen, gone = [], set()
    for number, page in enumerate(pages(own_client, "reports", limit=50)):
        seen += [one["id"] for one in page["features"]]
        # The last one of a page is where the next begins: it may be gone by then.
        gone.add(seen[-1])
        ref = seen[-1].partition(":")[2]
        with own_engine.begin() as conn:
            conn.execute(text("SET LOCAL session_replication_role = replica"))  # cases may stand for it
            conn.execute(text("DELETE FROM reports WHERE source_ref = :ref"), {"ref": ref})
            bump_version(conn, "reports")
        assert number < 100
    assert [one for one in before if one in set(seen) | gone] == seen == before


def token(values: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(values).encode()).decode().rstrip("=")


@shows("features-1/core", "query-param-invalid")
@pytest.mark.parametrize("sortby", [None, "area_km2", "-tier,surveyed"])
@pytest.mark.parametrize(
    "after",
    [
        *("", "x", "====", "\u0663", "%00", "A" * 10_000, "bm8", "e30", "W10"),
        *map(token, [None, "a", 1, [], {}, [[]], [{}], [None], ["a\0b"], [True], [1], [1e400], ["a", "b", "c", "d"]]),
        *map(token, [[float("nan"), "a"], ["x", "a"], [None, "a"], [1, None], [1.5, 2], ["x", 1, "a"]]),
    ],
)
def test_forged_tokens_are_refused(client: TestClient, after: str, sortby: str | None) -> None:
    asked = {} if sortby is None else {"sortby": sortby}
    assert "after" in refused(items(client, "cells", after=after, **asked))


@shows("features-1/core", "query-param-invalid")
@pytest.mark.parametrize(
    ("source", "target"),
    [
        ({}, {"sortby": "area_km2"}),
        ({"sortby": "area_km2"}, {}),
        ({"sortby": "tier"}, {"sortby": "area_km2"}),
        ({"sortby": "area_km2"}, {"sortby": "tier"}),
        ({"sortby": "surveyed"}, {"sortby": "-tier,area_code"}),
    ],
)
def test_tokens_of_another_order_are_refused(
    client: TestClient, source: dict[str, str], target: dict[str, str]
) -> None:
    (link,) = links(items(client, "cells", limit=2, **source).json(), "next")
    after = dict(part.split("=") for part in link["href"].partition("?")[2].split("&"))["after"]
    assert "after" in refused(items(client, "cells", after=after, **target))
    assert "after" in refused(items(client, "reports", after=after))


@shows("features-1/core", "fc-numberMatched")
@pytest.mark.parametrize("collection", HERE)
def test_how_the_number_matched_is_found(client: TestClient, collection: str) -> None:
    every = len(ids(client, collection))

    def head(**asked: Any) -> dict[str, Any]:
        return dict(items(client, collection, limit=1, **asked).json())

    assert head(count="exact")["numberMatched"] == head()["numberMatched"] == every
    assert not {"numberMatched", "estimatedNumberMatched"} & head(count="none").keys()
    estimated = head(count="estimate")
    assert "numberMatched" not in estimated
    assert isinstance(estimated["estimatedNumberMatched"], int)
    assert estimated["estimatedNumberMatched"] >= 0
    assert all(links(head(count=how), "next") for how in ("exact", "estimate", "none"))


@shows("features-1/core", "fc-numberMatched")
def test_a_dear_count_is_an_estimate(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gis.collections.pages.CHEAP_COST", 1.0)
    found = items(client, "reports", limit=1, filter="day <> DATE('2001-01-01')").json()
    assert "numberMatched" not in found
    assert found["estimatedNumberMatched"] >= 0
    exact = items(client, "reports", limit=1, filter="day <> DATE('2001-01-02')", count="exact").json()
    assert exact["numberMatched"] == 503
