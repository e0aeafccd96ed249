"""POST and GET /reports: one report by the rules of an import, once and only once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.geometry.datum import wgs84_to_gcj02
from gis.verify import verify
from tests.api.test_errors import check_problem
from tests.api.tiny import Tiny

WINDOW = {"from": "2016-05-01", "to": "2016-05-21"}


def a_report(**changes: Any) -> dict[str, Any]:
    lon, lat = Tiny.at(0.5, 3.5)
    return {
        "source": "patrol",
        "source_ref": "N1",
        "lon": lon,
        "lat": lat,
        "datum": "wgs84",
        "reported_at": "2016-05-03T23:30:00+08:00",
        "category": "0505",
        "description": "门前",
        **changes,
    }


def test_a_new_report_gets_its_cell_and_segment(own_client: TestClient, own_engine: Engine, key: dict) -> None:
    before = own_client.get("/reconciliation").json()
    lon, lat = Tiny.at(0.5, 1.6)
    answer = own_client.post("/reports", json=a_report(lon=lon, lat=lat), headers=key)
    assert answer.status_code == 201
    found = answer.json()
    assert found["duplicate"] is False
    assert (found["cell"], found["segment"]) == ("990101001009", "R1")
    assert (found["day"], found["category"], found["lon"]) == ("2016-05-03", "event:0505", lon)
    assert answer.headers["location"] == "/reports/patrol/N1"
    assert own_client.get("/reports/patrol/N1").json() == {k: v for k, v in found.items() if k != "duplicate"}
    after = own_client.get("/reconciliation").json()
    assert {name: after[name] - before[name] for name in ("read", "accepted", "in_cells")} == {
        "read": 1,
        "accepted": 1,
        "in_cells": 1,
    }
    assert after["adds_up"]
    logged = own_client.get(f"/imports/{found['import_id']}").json()
    assert (logged["read"], logged["accepted"], logged["file_name"]) == (1, 1, "POST /reports")
    density = own_client.get("/density", params={"level": "cell", **WINDOW, "category": "0505"}).json()["rows"]
    plain = own_client.get("/reports", params={**WINDOW, "cell": "990101001009", "category": "0505"}).json()["rows"]
    assert next(row["count"] for row in density if row["code"] == "990101001009") == len(plain)
    with own_engine.connect() as conn:
        assert verify(conn).differences == 0


def test_a_known_report_is_200_and_changes_nothing(own_client: TestClient, key: dict) -> None:
    first = own_client.post("/reports", json=a_report(), headers=key)
    before = own_client.get("/reconciliation").json(), own_client.get("/imports").json()
    again = own_client.post("/reports", json=a_report(category="0501", description="other"), headers=key)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == {**first.json(), "duplicate": True}
    assert (own_client.get("/reconciliation").json(), own_client.get("/imports").json()) == before


def test_a_datum_is_declared_and_converted(own_client: TestClient, key: dict) -> None:
    lon, lat = Tiny.at(4.5, 2.5)
    shifted_lon, shifted_lat = (float(one) for one in wgs84_to_gcj02(lon, lat))
    found = own_client.post("/reports", json=a_report(lon=shifted_lon, lat=shifted_lat, datum="gcj02"), headers=key)
    assert found.json()["cell"] == "990101002005"
    assert found.json()["lon"] == pytest.approx(lon, abs=1e-9)
    body = a_report()
    del body["datum"]
    assert check_problem(own_client.post("/reports", json=body, headers=key), 400)["parameter"] == "datum"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"category": "9999"}, "not in the dictionary"),
        ({"category": "0102"}, "several entries"),
        ({"reported_at": "2016-02-30 10:00:00"}, "unreadable time"),
        ({"reported_at": "soon"}, "unreadable time"),
        ({"lon": None, "lat": None}, "no coordinate"),
        ({"lon": 34.7035, "lat": 113.6005}, "swapped"),
        ({"lon": 999}, "impossible coordinate"),
        ({"lon": "x"}, "impossible coordinate"),
        ({"lon": "nan"}, "impossible coordinate"),
        ({"lat": 1e308}, "impossible coordinate"),
        ({"source_ref": "  "}, "source_ref"),
        ({"source_ref": "a\0b"}, "null character"),
        ({"source_ref": "x" * 501}, "longer than 500"),
        ({"source": ""}, "needs a name"),
        ({"source": "newcomer"}, "what kind"),
        ({"source": "newcomer", "source_kind": "nobody"}, "is not one of"),
        ({"source_kind": "media"}, "is known as patrol"),
        ({"datum": "beijing54"}, "local parameters"),
        ({"datum": "mars"}, "accepted"),
        ({"datum": "EPSG:4214"}, ""),
        ({"colour": "red"}, "no such field"),
        ({"lon": [1]}, ""),
        ({"lon": True}, ""),
        ({"category": {"code": 1}}, ""),
        ({"description": 7}, ""),
    ],
)
def test_what_an_import_would_reject_is_400(own_client: TestClient, key: dict, changes: dict, reason: str) -> None:
    before = own_client.get("/reconciliation").json(), own_client.get("/sources").json()
    assert reason in check_problem(own_client.post("/reports", json=a_report(**changes), headers=key), 400)["detail"]
    assert (own_client.get("/reconciliation").json(), own_client.get("/sources").json()) == before


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b'{"source": "\\ud800"}', b"{" * 2000])
def test_what_is_no_json_object_is_400(client: TestClient, key: dict, body: bytes) -> None:
    check_problem(client.post("/reports", content=body, headers=key), 400)


def test_a_body_that_is_too_long_is_413(client: TestClient, key: dict) -> None:
    check_problem(client.post("/reports", content=b" " * (1 << 20) + b"{}", headers=key), 413)

    def endless():
        for _ in range(1200):
            yield b" " * 1024

    check_problem(client.post("/reports", content=endless(), headers=key), 413)


def test_numbers_codes_and_a_new_source(own_client: TestClient, key: dict) -> None:
    answer = own_client.post(
        "/reports",
        json=a_report(source="app 市民/1", source_kind="citizen", source_ref=77, lon="113.6005", lat=" 34.7035 "),
        headers=key,
    )
    assert answer.status_code == 201
    assert answer.json()["source_ref"] == "77"
    assert answer.json()["cell"] == "990101001001"
    assert {"name": "app 市民/1", "kind": "citizen"} in own_client.get("/sources").json()["rows"]


def test_without_position_where_that_is_said(own_client: TestClient, key: dict) -> None:
    body = a_report(lon=None, lat=None, keep_unlocated=True)
    found = own_client.post("/reports", json=body, headers=key).json()
    assert (found["lon"], found["cell"], found["segment"]) == (None, None, None)
    assert own_client.get("/reconciliation").json()["no_position"] == 1


def test_a_reference_with_odd_signs_can_be_read_back(own_client: TestClient, key: dict) -> None:
    answer = own_client.post("/reports", json=a_report(source_ref="2016/五 #7?&=+"), headers=key)
    assert own_client.get(answer.headers["location"]).json()["source_ref"] == "2016/五 #7?&=+"


def test_sixteen_at_once_with_one_reference(own_client: TestClient, own_engine: Engine, key: dict) -> None:
    def send(number: int) -> int:
        return own_client.post("/reports", json=a_report(description=str(number)), headers=key).status_code

    with ThreadPoolExecutor(16) as senders:
        statuses = sorted(senders.map(send, range(16)))
    assert statuses == [200] * 15 + [201]
    answer = own_client.get("/reconciliation").json()
    assert (answer["accepted"], answer["adds_up"]) == (501, True)
    with own_engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM imports")).scalar() == 2
        assert verify(conn).differences == 0


def test_sixteen_at_once_with_different_references(own_client: TestClient, own_engine: Engine, key: dict) -> None:
    def send(number: int) -> int:
        body = a_report(source_ref=f"N{number}", source="newcomer", source_kind="sensor")
        return own_client.post("/reports", json=body, headers=key).status_code

    with ThreadPoolExecutor(16) as senders:
        assert list(senders.map(send, range(16))) == [201] * 16
    assert own_client.get("/reconciliation").json()["accepted"] == 516
    with own_engine.connect() as conn:
        assert verify(conn).differences == 0


def test_pages_hold_every_report_once(client: TestClient, facts: Tiny) -> None:
    seen: list[tuple[str, str]] = []
    path = "/reports?from=2016-05-01&to=2016-05-21&limit=70"
    while path:
        answer = client.get(path).json()
        seen += [(row["source"], row["source_ref"]) for row in answer["rows"]]
        path = answer.get("next")
    assert len(seen) == 500
    assert set(seen) == {(row["source"], row["id"]) for row in facts.reports}


def test_filters_and_the_limit(client: TestClient, facts: Tiny) -> None:
    rows = client.get("/reports", params={**WINDOW, "source": "citizen", "category": "0501", "limit": 99999}).json()
    expected = {row["id"] for row in facts.reports if row["source"] == "citizen" and row["category"] == "0501"}
    assert {row["source_ref"] for row in rows["rows"]} == expected
    (west, south), (east, north) = facts.at(0, 0), facts.at(2, 2)
    rows = client.get("/reports", params={**WINDOW, "bbox": f"{west},{south},{east},{north}"}).json()["rows"]
    inside = [row for row in facts.reports if west <= float(row["lon"]) <= east and south <= float(row["lat"]) <= north]
    assert {row["source_ref"] for row in rows} == {row["id"] for row in inside}
    assert rows[0]["reported_at"].endswith("+00:00")
    assert client.get("/reports", params={"from": "2015-01-01", "to": "2015-02-01"}).json()["rows"] == []
