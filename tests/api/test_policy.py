"""GET /policy, and that no answer outlives the policy that it was worked out by."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.policy_files import load_policy, read_policy_file
from gis.rules.policy import POLICIES, policy_numbers
from gis.store.database import transaction

NOW = datetime(2016, 7, 1, tzinfo=UTC)
DOCUMENT = '[[from]]\neffective = 2016-03-01\nreason = "x"\ncoordinators_key_per_km2 = 35\n'

MAY = "from=2016-05-11&to=2016-05-21"
WORKED_OUT = (
    "/policy",
    "/staffing?on=2016-05-05",
    "/staffing/proposal?on=2016-05-05",
    "/collections/staffing/items?on=2016-05-05",
    "/collections/coverage/items?period=2016-05-T1",
    "/coverage",
    "/coverage/missing",
    "/listings",
    "/listings/worst?period=2016-05-T1",
    f"/goal?level=street&{MAY}&base_from=2016-05-01&base_to=2016-05-11",
    f"/hotspots?level=street&{MAY}",
    "/media",
    "/satisfaction",
    f"/series?level=district&code=990101&{MAY}",
    "/maps/heatmap",
    "/maps/listings",
    "/maps/response",
)
"""Answers that some number of the policy decides."""


def load(engine: Engine, folder: Path, document: str = DOCUMENT) -> None:
    path = folder / "policy.toml"
    path.write_text(document)
    with transaction(engine) as conn:
        load_policy(conn, read_policy_file(path), "office", NOW)


def test_the_rule_book_where_nothing_was_loaded(client: TestClient) -> None:
    answer = client.get("/policy", params={"on": "2016-06-01"}).json()
    assert answer["overrides"] is None
    assert answer["effective"] == "2015-01-01"
    assert [row["name"] for row in answer["rows"]] == [one["name"] for one in policy_numbers(POLICIES[0])]
    assert all(row["value"] == row["rule_book"] and not row["overridden"] for row in answer["rows"])
    table = list(csv.DictReader(io.StringIO(client.get("/policy?f=csv").text)))
    assert table[0]["name"] == answer["rows"][0]["name"]


@pytest.mark.parametrize("wrong", ["on=yesterday", "f=geojson", "day=2016-06-01", "on=2016-06-01&on=2016-06-02"])
def test_what_cannot_be_asked(client: TestClient, wrong: str) -> None:
    assert client.get(f"/policy?{wrong}").status_code == 400


def test_an_override_shows_from_its_day_on(own_client: TestClient, own_engine: Engine, tmp_path: Path) -> None:
    tags = {}
    for path in WORKED_OUT:
        answer = own_client.get(path)
        assert answer.status_code == 200, (path, answer.text)
        tags[path] = answer.headers["etag"]
        assert own_client.get(path, headers={"If-None-Match": tags[path]}).status_code == 304
    load(own_engine, tmp_path)
    for path, tag in tags.items():
        assert own_client.get(path, headers={"If-None-Match": tag}).status_code == 200, path
    needed = [
        own_client.get("/staffing", params={"on": day}).json()["rule"]["per_km2"]["key"]
        for day in ("2016-02-29", "2016-03-01")
    ]
    assert needed == [30, 35]
    answer = own_client.get("/policy", params={"on": "2016-03-01"}).json()
    assert answer["overrides"]["loaded_by"] == "office"
    rows = {row["name"]: row for row in answer["rows"]}
    assert (rows["coordinators_key_per_km2"]["value"], rows["coordinators_key_per_km2"]["rule_book"]) == (35, 30)


def test_the_ground_in_memory_reaches_as_far_as_the_policy_says(
    own_client: TestClient, own_engine: Engine, tmp_path: Path
) -> None:
    asked = {"lon": 113.6012, "lat": 34.7026}
    assert own_client.get("/grid/locate", params=asked).json()["segment"] is None
    load(own_engine, tmp_path, DOCUMENT + "segment_reach_m = 300\n")
    assert own_client.get("/grid/locate", params=asked).json()["segment"]["code"] == "R1"
