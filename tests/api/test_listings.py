"""Listed supervision over HTTP."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import shapely
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.listings import propose
from gis.rules.periods import parse_period
from gis.store.database import transaction

Headers = dict[str, str]
PERIOD = "2016-05-T1"


@pytest.fixture
def proposed(own_engine: Engine, own_client: TestClient) -> list[int]:
    """The tiny city's first ten days of May are proposed."""
    with transaction(own_engine) as conn:
        return propose(conn, parse_period(PERIOD), "office", datetime(2016, 5, 11, tzinfo=UTC)).ids


def rows(client: TestClient, **query: str) -> list[dict[str, Any]]:
    answer = client.get("/listings", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def put(client: TestClient, key: Headers, **body: Any) -> Any:
    return client.post("/listings", json={"actor": "office", **body}, headers=key)


def move(client: TestClient, key: Headers, listing_id: int, name: str, actor: str = "Li", **body: Any) -> Any:
    return client.post(f"/listings/{listing_id}/events", json={"move": name, "actor": actor, **body}, headers=key)


def test_the_worst_of_a_period(client: TestClient) -> None:
    answer = client.get("/listings/worst", params={"period": PERIOD}).json()
    assert (answer["period"], answer["from"], answer["to"]) == (PERIOD, "2016-05-01", "2016-05-11")
    assert "clusters by DBSCAN" in answer["rule"]["text"]
    assert answer["synthetic"] == ["reports"]
    segments = [row for row in answer["rows"] if row["kind"] == "segment"]
    assert [row["rank"] for row in segments] == list(range(1, len(segments) + 1))
    for row in segments:
        assert row["score"] == pytest.approx(row["weighted"] / row["length_m"] * 1000, abs=5e-4)
        assert row["worked_out"].endswith(f"= {row['score']:.3f} per km")
    assert [row for row in answer["rows"] if row["kind"] == "spot"]


def test_the_worst_have_shapes(client: TestClient) -> None:
    found = client.get("/listings/worst", params={"period": PERIOD, "f": "geojson"}).json()["features"]
    kinds = {(one["properties"]["kind"], one["geometry"]["type"]) for one in found}
    assert kinds == {("segment", "MultiLineString"), ("spot", "MultiPolygon")}
    assert len({one["id"] for one in found}) == len(found)
    table = list(csv.DictReader(io.StringIO(client.get(f"/listings/worst?period={PERIOD}&f=csv").text)))
    assert [f"{row['kind']}-{row['rank']}" for row in table] == [one["id"] for one in found]


@pytest.mark.parametrize("period", ["2016-05-T4", "May", "2016-13", ""])
def test_a_period_that_is_none(client: TestClient, period: str) -> None:
    for path in ("/listings/worst", "/listings"):
        answer = client.get(path, params={"period": period})
        assert (answer.status_code, answer.json()["parameter"]) == (400, "period")


def test_a_proposal_goes_on_the_list(own_client: TestClient, key: Headers, proposed: list[int]) -> None:
    assert rows(own_client, state="open") == []
    assert len(rows(own_client, state="proposed")) == len(proposed)
    answer = put(own_client, key, proposal=proposed[0], at="2016-05-12T09:00:00+08:00")
    assert answer.status_code == 201
    assert answer.headers["location"] == f"/listings/{proposed[0]}"
    said = answer.json()
    assert (said["state"], said["due_on"], said["events"]) == ("listed", "2016-05-22", 2)
    assert said["proposal"]["rule"].startswith("A report weighs")
    assert len(said["reports_shown"]) == said["reports"]
    assert own_client.get(answer.headers["location"]).json() == said
    again = put(own_client, key, proposal=proposed[0])
    assert again.status_code == 409
    assert "now legal: rectify" in again.json()["detail"]


def test_deadlines_are_counted_for_a_day(own_client: TestClient, key: Headers, proposed: list[int]) -> None:
    put(own_client, key, proposal=proposed[0], at="2016-05-12T09:00:00+08:00")
    for day, left, over in (("2016-05-12", 10, 0), ("2016-05-22", 0, 0), ("2016-05-25", -3, 3)):
        (row,) = rows(own_client, state="open", on=day)
        assert (row["days_left"], row["overdue_days"], row["overdue_points"]) == (left, over, over)


def test_the_whole_way(own_client: TestClient, key: Headers, proposed: list[int]) -> None:
    one = proposed[0]
    put(own_client, key, proposal=one, at="2016-05-12T09:00:00+08:00")
    steps = [("rectify", "Li", 13), ("submit", "Li", 14), ("reject", "Wang", 15), ("submit", "Li", 16)]
    for name, actor, day in steps:
        answer = move(own_client, key, one, name, actor, at=f"2016-05-{day}T09:00:00+08:00", reason="seen")
        assert answer.status_code == 201, answer.text
    refused = move(own_client, key, one, "verify", " LI")
    assert refused.status_code == 409
    assert "rectified this place, so somebody else has to verify it" in refused.json()["detail"]
    assert (
        move(own_client, key, one, "verify", "Wang", at="2016-05-17T09:00:00+08:00").json()["hold_until"]
        == "2016-05-27"
    )
    early = move(own_client, key, one, "delist", "office", at="2016-05-27T09:00:00+08:00")
    assert early.status_code == 409
    history = own_client.get(f"/listings/{one}").json()["history"]
    assert [event["state"] for event in history] == [
        *("proposed", "listed", "rectifying", "submitted", "rectifying", "submitted", "verified")
    ]
    assert [event["actor"] for event in history][2:] == ["Li", "Li", "Wang", "Li", "Wang"]


def test_two_senders_are_told_apart(own_client: TestClient, key: Headers, proposed: list[int]) -> None:
    put(own_client, key, proposal=proposed[0])
    assert move(own_client, key, proposed[0], "rectify", expected=2).status_code == 201
    late = move(own_client, key, proposed[0], "rectify", expected=2)
    assert late.status_code == 409
    assert "has 3 events by now, not 2" in late.json()["detail"]


def test_places_by_hand(own_client: TestClient, key: Headers) -> None:
    segment = put(own_client, key, segment="R1", reason="a walk", period=PERIOD)
    assert segment.status_code == 201
    assert segment.json()["reports"] > 0
    again = put(own_client, key, segment="R1", reason="a walk")
    assert again.status_code == 409
    assert f"as listing {segment.json()['id']}" in again.json()["detail"]
    spot = put(own_client, key, lon=113.6105, lat=34.7025, datum="wgs84", reason="a fire", period=PERIOD)
    assert spot.status_code == 201
    assert (spot.json()["kind"], spot.json()["street_code"]) == ("spot", "990102001")
    assert [row["rank"] for row in rows(own_client, kind="spot")] == [None]
    assert len(rows(own_client, street="990102")) == 1


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({}, "reason"),
        ({"reason": "x"}, "lon"),
        ({"reason": "x", "lon": 113.6}, "lat"),
        ({"reason": "x", "lon": 113.61, "lat": 34.7}, "datum"),
        ({"reason": "x", "lon": 113.61, "lat": 34.7, "datum": "moon"}, None),
        ({"reason": "x", "lon": 1e9, "lat": 34.7, "datum": "wgs84"}, "lat"),
        ({"reason": "x", "lon": 113.61, "lat": 34.7, "datum": "EPSG:4547"}, "lon"),
        ({"reason": "x", "segment": "R1", "lat": 34.7}, "segment"),
        ({"reason": "x", "segment": "R9"}, "segment"),
        ({"reason": "x", "segment": "R1", "period": "2016"}, "period"),
        ({"reason": "x", "segment": "R1", "at": "2016-05-01T00:00:00"}, "at"),
        ({"reason": "x", "segment": "R1", "at": "2999-05-01T00:00:00Z"}, "at"),
        ({"reason": "x", "segment": "R1", "at": "0001-01-01T00:00:00+14:00"}, "at"),
        ({"reason": "x", "segment": "R\0"}, "segment"),
        ({"proposal": 1, "segment": "R1"}, "segment"),
        ({"proposal": 0}, "proposal"),
        ({"place": "here"}, "place"),
        ({"reason": "x", "segment": "R1", "actor": " "}, "actor"),
    ],
)
def test_a_body_that_is_wrong(own_client_of_the_module, key: Headers, body: dict, parameter: str | None) -> None:
    answer = put(own_client_of_the_module, key, **body)
    assert answer.status_code == 400, answer.text
    if parameter is not None:
        assert answer.json()["parameter"] == parameter


def test_what_does_not_exist(own_client_of_the_module, key: Headers) -> None:
    client = own_client_of_the_module
    assert client.get("/listings/7").status_code == 404
    assert move(client, key, 7, "rectify").status_code == 404
    assert put(client, key, proposal=7).status_code == 404
    assert client.get("/listings/seven").status_code == 400
    assert client.get(f"/listings/{1 << 63}").status_code == 400


def test_writing_needs_the_key(own_client_of_the_module) -> None:
    client = own_client_of_the_module
    assert client.post("/listings", json={}).status_code in (401, 403)
    assert client.post("/listings/1/events", json={}).status_code in (401, 403)


def test_an_answer_is_never_stale(own_client: TestClient, key: Headers, proposed: list[int]) -> None:
    before = own_client.get("/listings")
    same = own_client.get("/listings", headers={"If-None-Match": before.headers["etag"]})
    assert same.status_code == 304
    put(own_client, key, proposal=proposed[0])
    after = own_client.get("/listings", headers={"If-None-Match": before.headers["etag"]})
    assert after.status_code == 200
    assert after.json() != before.json()


def test_as_geojson_and_csv(own_client: TestClient, proposed: list[int]) -> None:
    found = own_client.get("/listings", params={"f": "geojson"}).json()
    assert found["synthetic"] == ["reports"]
    for one in found["features"]:
        shape = shapely.geometry.shape(one["geometry"])
        place = shapely.Point(one["properties"]["lon"], one["properties"]["lat"])
        assert shapely.distance(shape, place) < 1e-6
        assert (
            one["geometry"]["type"] == {"segment": "MultiLineString", "spot": "MultiPolygon"}[one["properties"]["kind"]]
        )
    table = list(csv.DictReader(io.StringIO(own_client.get("/listings", params={"f": "csv"}).text)))
    assert [row["id"] for row in table] == [one["id"] for one in found["features"]] == [str(one) for one in proposed]
    assert {row["synthetic"] for row in table} == {"reports"}


@pytest.mark.parametrize("query", ["", "?state=", "?lang=zh", "?on=2016-05-20&state=proposed&kind=spot", "?street="])
def test_the_page(own_client: TestClient, proposed: list[int], query: str) -> None:
    answer = own_client.get(f"/maps/listings{query}", headers={"Accept-Language": "en"})
    assert answer.status_code == (400 if "street" in query else 200), answer.text[:300]
    if "proposed" in query:
        assert answer.text.count("<tr data-at=") == len(rows(own_client, kind="spot"))
        assert 'name="on" value="2016-05-20"' in answer.text


def test_no_telephone_number_is_public(own_client: TestClient, proposed: list[int], key: Headers) -> None:
    for one in proposed:
        put(own_client, key, proposal=one, at=(datetime.now(UTC) - timedelta(days=1)).isoformat())
    for path in ("/listings", f"/listings/{proposed[0]}", "/listings?f=geojson"):
        assert "phone" not in own_client.get(path).text
