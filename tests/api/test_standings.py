"""Standings over HTTP: drafted, published, read, opened; what is refused."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from tests.api.conftest import KEY, open_client
from tests.standing_city import T1, T2

HEADERS = {"X-API-Key": KEY}


@pytest.fixture
def city(standing_engine: Engine, key: dict[str, str]) -> Iterator[TestClient]:
    assert key
    with open_client(standing_engine) as client:
        yield client


def post(client: TestClient, address: str, **body: Any) -> Any:
    return client.post(address, json=body, headers=HEADERS)


def put_out(client: TestClient, period: str, **more: Any) -> dict[str, Any]:
    drafted = post(client, "/standings", period=period, actor="office", **more)
    assert drafted.status_code == 201, drafted.text
    digest = drafted.json()["facts_sha256"]
    published = post(client, "/standings/publications", period=period, actor="office", expected=digest)
    assert published.status_code == 201, published.text
    return dict(published.json())


def test_drafted_published_read_and_opened(city: TestClient) -> None:
    assert city.get("/standings").status_code == 404
    head = put_out(city, T1)
    assert (head["state"], head["link"], head["previous_sha256"]) == ("published", 1, "0" * 64)
    answer = city.get("/standings", params={"level": "street", "period": T1}).json()
    assert city.get("/standings").json() == answer
    rows = {row["code"]: row for row in answer["rows"]}
    assert [row["rank"] for row in answer["rows"]] == [1, 2, 3, None]
    assert rows["990102002"]["note"].startswith("no responsible area")
    assert rows["990101002"]["provisional"] is True
    assert answer["money"]["balance_yuan"] == 0
    whole = city.get(f"/standings/street/{T1}/990101001").json()
    assert whole["row"] == rows["990101001"]
    assert sum(term["points"] for term in whole["terms"]) == pytest.approx(rows["990101001"]["deduction"], abs=1e-9)
    assert (
        len(whole["rows"])
        == whole["causes"]
        == rows["990101001"]["problems"] + sum(term["count"] for term in whole["terms"] if term["kind"] != "problem")
    )
    points = city.get(f"/standings/street/{T1}/990101001", params={"f": "geojson"}).json()["features"]
    assert len(points) == rows["990101001"]["problems"]
    assert all(113.6 <= one["geometry"]["coordinates"][0] <= 113.605 for one in points)
    lines = list(csv.DictReader(io.StringIO(city.get(f"/standings/street/{T1}/990101001", params={"f": "csv"}).text)))
    assert len(lines) == whole["causes"]


def test_sentences_in_both_languages(city: TestClient) -> None:
    put_out(city, T1)
    english = city.get(f"/standings/street/{T1}/990101001").json()["sentences"]
    chinese = city.get(f"/standings/street/{T1}/990101001", params={"lang": "zh"}).json()["sentences"]
    assert len(english) == len(chinese)
    assert english[0].startswith("东街 (990101001) is number")
    assert "排名第" in chinese[0]
    assert not [one for one in chinese[1:-1] if "points" in one or "number" in one]
    none = city.get(f"/standings/street/{T1}/990102002").json()["sentences"]
    assert "no responsible area" in none[0]
    assert city.get(f"/standings/street/{T1}/990101001", params={"lang": "fr"}).status_code == 400


def test_the_facts_have_the_published_digest(city: TestClient) -> None:
    head = put_out(city, T1)
    facts = city.get(f"/standings/street/{T1}/facts")
    assert facts.headers["content-type"] == "text/plain; charset=utf-8"
    assert hashlib.sha256(facts.content).hexdigest() == head["facts_sha256"]


def test_a_correction_and_the_chain(city: TestClient) -> None:
    put_out(city, T1)
    assert post(city, "/standings", period=T1, actor="office").status_code == 400
    put_out(city, T1, reason="a case was void")
    put_out(city, T2)
    rows = city.get("/standings/chain").json()["rows"]
    assert [(row["period"], row["revision"], row["link"]) for row in rows] == [(T2, 1, 3), (T1, 2, 2), (T1, 1, 1)]
    assert rows[0]["previous_sha256"] == rows[1]["sha256"]
    first = city.get("/standings", params={"period": T1, "revision": 1}).json()
    assert (first["revision"], first["reason"]) == (1, None)
    assert city.get("/standings", params={"period": T1}).json()["revision"] == 2


def test_answers_are_as_fresh_as_what_was_published(city: TestClient) -> None:
    put_out(city, T1)
    first = city.get("/standings")
    again = city.get("/standings", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    put_out(city, T2)
    later = city.get("/standings", headers={"If-None-Match": first.headers["etag"]})
    assert (later.status_code, later.json()["period"]) == (200, T2)


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/standings?period=2016-05-T4", 400, "2016-06-T1"),
        ("/standings?period=2016-05-T2", 404, "finegrid standings draft"),
        ("/standings?level=district&period=2016-05-T1", 400, "ranks streets"),
        ("/standings?level=cell", 404, "cells"),
        ("/standings?period=2016-05-T1&revision=0", 400, "revision"),
        ("/standings?period=2016-05-T1&revision=7", 404, "revision 7"),
        ("/standings/street/2016-05-T1/410000", 404, "ranks no street"),
        ("/standings/district/2016-05-T1/990101", 404, "ranks streets"),
        ("/standings/street/x/990101", 400, "2016-06-T1"),
    ],
)
def test_what_is_refused(city: TestClient, address: str, status: int, said: str) -> None:
    put_out(city, T1)
    answer = city.get(address)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text


@pytest.mark.parametrize(
    ("address", "body", "status", "said"),
    [
        ("/standings", {"period": T1}, 400, "actor"),
        ("/standings", {"period": "x", "actor": "a"}, 400, "2016-06-T1"),
        ("/standings", {"period": T1, "actor": ""}, 400, "actor"),
        ("/standings", {"period": "2999-01-T1", "actor": "a"}, 400, "begins on"),
        ("/standings", {"period": T1, "actor": "a", "more": 1}, 400, "more"),
        ("/standings", {"period": T1, "actor": "a", "reason": "why"}, 400, "nothing to correct"),
        ("/standings", {"period": "2016-05", "actor": "a"}, 409, "was not published"),
        ("/standings/publications", {"period": T1, "actor": "a"}, 404, "there is no draft"),
        ("/standings/publications", {"actor": "a"}, 400, "period"),
    ],
)
def test_what_cannot_be_written(city: TestClient, address: str, body: dict[str, Any], status: int, said: str) -> None:
    answer = city.post(address, json=body, headers=HEADERS)
    assert (answer.status_code, said in answer.text) == (status, True), answer.text
    assert city.get("/standings/chain").json() == {"rows": []}
    assert city.post(address, json=body).status_code == 401
