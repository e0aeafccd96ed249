"""Dust draws over HTTP: digests before, points after the reveal, results with a key."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.draw_file import faults_of, sha256
from gis.draws import make_draw, reveal_draw
from gis.rules.periods import parse_period
from gis.store.database import transaction

Headers = dict[str, str]
PERIOD, NEXT = "2016-05-T1", "2016-05-T2"
SEED = "c0" * 32


@pytest.fixture
def drawn(own_engine: Engine, own_client: TestClient) -> TestClient:
    """One draw revealed, the next one committed."""
    with transaction(own_engine) as conn:
        for name in (PERIOD, NEXT):
            make_draw(conn, parse_period(name), sha256(SEED), "office", datetime(2016, 4, 20, tzinfo=UTC))
        reveal_draw(conn, parse_period(PERIOD), SEED, "office", datetime(2016, 5, 1, tzinfo=UTC))
    return own_client


def post(client: TestClient, key: Headers, **body: Any) -> Any:
    sent = {"point": f"{PERIOD}-001-1", "g_per_m2": 9.25, "weighed_on": "2016-05-03", "weighed_by": "team", **body}
    return client.post(f"/draws/{PERIOD}/results", json=sent, headers=key)


def test_a_city_without_draws(client: TestClient) -> None:
    assert client.get("/draws").json() == {"synthetic": ["reports"], "rows": []}
    for path in ("", "/points", "/roads", "/file"):
        answer = client.get(f"/draws/{PERIOD}{path}")
        assert (answer.status_code, answer.json()["type"]) == (404, "urn:finegrid:error:not-found")
        assert "no dust draw for 2016-05-T1" in answer.json()["detail"]
    assert client.get("/draws/2016").status_code == 400


def test_before_the_reveal_there_are_digests_and_the_frame(drawn: TestClient) -> None:
    rows = drawn.get("/draws").json()["rows"]
    assert [(row["period"], row["state"]) for row in rows] == [(NEXT, "committed"), (PERIOD, "revealed")]
    found = drawn.get(f"/draws/{NEXT}").json()
    assert (found["seed"], found["by_class"], found["revealed_at"]) == (None, None, None)
    assert found["seed_sha256"] == sha256(SEED)
    for path in ("points", "roads"):
        answer = drawn.get(f"/draws/{NEXT}/{path}")
        assert answer.status_code == 409
        assert "points are known from 2016-05-11 on" in answer.json()["detail"]
    document = drawn.get(f"/draws/{NEXT}/file").json()
    assert (document["seed"], document["order"]) == (None, None)
    assert faults_of(document) == []
    assert len(document["frame"].split("\n")) == 3
    items = drawn.get("/collections/dust-points/items").json()["features"]
    assert {one["properties"]["period"] for one in items} == {PERIOD}


def test_the_published_file_is_repeated(drawn: TestClient) -> None:
    answer = drawn.get(f"/draws/{PERIOD}/file")
    assert answer.headers["content-disposition"] == 'attachment; filename="dust-draw-2016-05-T1.json"'
    document = answer.json()
    assert document["seed"] == SEED
    assert faults_of(document) == []


def test_points_in_three_forms(drawn: TestClient) -> None:
    rows = drawn.get(f"/draws/{PERIOD}/points").json()["rows"]
    assert len(rows) == 15
    features = drawn.get(f"/draws/{PERIOD}/points", params={"f": "geojson"}).json()["features"]
    lines = list(csv.DictReader(io.StringIO(drawn.get(f"/draws/{PERIOD}/points", params={"f": "csv"}).text)))
    for row, feature, line in zip(rows, features, lines, strict=True):
        assert feature["id"] == row["point"] == line["point"]
        assert feature["geometry"] == {
            "type": "Point",
            "coordinates": pytest.approx([row["lon"], row["lat"]], abs=1e-9),
        }
        assert row["g_per_m2"] is None
        assert (line["g_per_m2"], line["weighed_on"]) == ("", "")
    items = drawn.get("/collections/dust-points/items", params={"limit": 100}).json()["features"]
    assert [one["id"] for one in items] == [row["point"] for row in rows]
    one = drawn.get(f"/collections/dust-points/items/{rows[3]['point']}").json()
    assert one["properties"]["at_m"] == pytest.approx(rows[3]["at_m"])


def test_results_come_one_by_one(drawn: TestClient, key: Headers) -> None:
    assert drawn.post(f"/draws/{PERIOD}/results", json={}).status_code == 401
    answer = post(drawn, key)
    assert (answer.status_code, answer.json()["added"]) == (201, 1)
    again = post(drawn, key)
    assert (again.status_code, again.json()["unchanged"]) == (200, 1)
    wrong = post(drawn, key, g_per_m2=8)
    assert (wrong.status_code, "stored is 9.250 g/m2" in wrong.json()["detail"]) == (400, True)
    mended = post(drawn, key, g_per_m2="8.0", reason="misread")
    assert (mended.status_code, mended.json()["corrected"]) == (201, 1)
    for point in (2, 3):
        assert post(drawn, key, point=f"{PERIOD}-001-{point}").status_code == 201
    row = drawn.get(f"/draws/{PERIOD}/roads").json()["rows"][0]
    # (8 + 9.25 + 9.25) / 3 = 8.833..., below the 10 of a branch road
    assert (row["samples"], row["mean_g_per_m2"], row["limit_g_per_m2"], row["deduction"]) == (3, 8.833, 10.0, 0.0)
    assert row["grams_per_m2"] == [8.0, 9.25, 9.25]
    assert drawn.get("/draws").json()["rows"][1]["weighed_points"] == 3
    shapes = drawn.get(f"/draws/{PERIOD}/roads", params={"f": "geojson"}).json()["features"]
    assert {one["geometry"]["type"] for one in shapes} == {"MultiLineString"}
    item = drawn.get(f"/collections/dust-points/items/{PERIOD}-001-1").json()["properties"]
    assert (item["g_per_m2"], item["weighed_on"]) == (8.0, "2016-05-03")


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"point": "2016-05-T2-001-1"}, "is none of 2016-05-T1"),
        ({"point": f"{PERIOD}-009-1"}, "has no point"),
        ({"point": f"{PERIOD}-001-1\0"}, "null character"),
        ({"point": "x" * 300}, "at most 200 characters"),
        ({"g_per_m2": -1}, "greater than or equal to 0"),
        ({"g_per_m2": 10_000}, "less than or equal to 9999.999"),
        ({"g_per_m2": 1.0001}, "no more than 3 decimal places"),
        ({"g_per_m2": "NaN"}, "finite number"),
        ({"g_per_m2": None}, "Decimal"),
        ({"weighed_on": "2016-05-11"}, "no longer of it"),
        ({"weighed_on": "yesterday"}, "ISO day"),
        ({"weighed_by": " "}, "weighed_by is empty"),
        ({"weighed_by": "a\nb"}, "weighed_by is no line"),
        ({"unit": "mg"}, "there is no such field"),
    ],
)
def test_a_result_that_cannot_go_in(drawn: TestClient, key: Headers, body: dict[str, Any], said: str) -> None:
    answer = post(drawn, key, **body)
    assert answer.status_code == 400, answer.text
    assert said in answer.json()["detail"]


def test_a_result_for_what_is_not_revealed_or_not_drawn(drawn: TestClient, key: Headers) -> None:
    sent = {"point": f"{NEXT}-001-1", "g_per_m2": 9, "weighed_on": "2016-05-12", "weighed_by": "team"}
    answer = drawn.post(f"/draws/{NEXT}/results", json=sent, headers=key)
    assert (answer.status_code, "is not revealed" in answer.json()["detail"]) == (400, True)
    assert drawn.post("/draws/2016-07-T1/results", json=sent, headers=key).status_code == 404


def test_a_low_result_is_warned_of(drawn: TestClient, key: Headers) -> None:
    (warning,) = post(drawn, key, g_per_m2=0.5).json()["warnings"]
    assert "silt load" in warning


def test_answers_hold_until_something_changes(drawn: TestClient, key: Headers, own_engine: Engine) -> None:
    paths = ("/draws", f"/draws/{PERIOD}", f"/draws/{PERIOD}/points", f"/draws/{PERIOD}/roads")
    tags = {path: drawn.get(path).headers["etag"] for path in paths}
    for path, tag in tags.items():
        assert drawn.get(path, headers={"If-None-Match": tag}).status_code == 304
    post(drawn, key)
    for path, tag in tags.items():
        assert drawn.get(path, headers={"If-None-Match": tag}).status_code == 200
    tag = drawn.get(f"/draws/{NEXT}/file").headers["etag"]
    with transaction(own_engine) as conn:
        reveal_draw(conn, parse_period(NEXT), SEED, "office", datetime(2016, 5, 11, tzinfo=UTC) + timedelta(hours=1))
    assert drawn.get(f"/draws/{NEXT}/file", headers={"If-None-Match": tag}).json()["seed"] == SEED
