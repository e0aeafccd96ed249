"""Duty over HTTP, and what /grid/locate says of it."""

from __future__ import annotations

import csv
import io
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.store.database import bump_version, own_ground, transaction

CELL, STREET, DISTRICT = "990101001001", "990101001", "990101"
POINT = {"lon": 113.6005, "lat": 34.7035}  # in the cell above
ORDER = {"to": "N1", "name": "新人", "actor": "office", "reason": "moved"}
Rows = list[dict[str, Any]]


def in_utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


def give(engine: Engine, *terms: tuple[str, str, str]) -> None:
    """Let persons answer for places: (ref, code, tstzrange)."""
    with transaction(engine) as conn:
        own_ground(conn)
        for ref, code, valid in terms:
            conn.execute(
                text("INSERT INTO persons (ref, name, phone) VALUES (:ref, :ref, '1') ON CONFLICT DO NOTHING"),
                {"ref": ref},
            )
            conn.execute(
                text(
                    "INSERT INTO responsibilities (person_id, cell_id, area_id, valid) SELECT id,"
                    " (SELECT id FROM cells WHERE code = :code), (SELECT id FROM areas WHERE code = :code),"
                    " CAST(:valid AS tstzrange) FROM persons WHERE ref = :ref"
                ),
                {"ref": ref, "code": code, "valid": valid},
            )
        bump_version(conn, "responsibles")


def located(client: TestClient) -> dict[str, str | None]:
    """Ref of whoever is named for the cell and the levels above it."""
    answer = client.get("/grid/locate", params=POINT).json()
    named = {"cell": answer, "street": answer["street"], "district": answer["district"]}
    return {level: (of["responsible"] or {}).get("ref") for level, of in named.items()}


def rows(client: TestClient, path: str, **asked: Any) -> Rows:
    answer = client.get(path, params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()["rows"]


def test_locate_names_the_holder_at_every_level(own_client: TestClient, own_engine: Engine) -> None:
    assert located(own_client) == {"cell": None, "street": None, "district": None}
    give(own_engine, ("C", CELL, "(,)"), ("S", STREET, "(,)"), ("D", DISTRICT, "(,)"), ("X", "990102", "(,)"))
    assert located(own_client) == {"cell": "C", "street": "S", "district": "D"}
    answer = own_client.post("/grid/locate", json={"points": [[POINT["lon"], POINT["lat"]], [0, 0]]}).json()["answers"]
    assert answer[0]["street"] == {
        "code": STREET,
        "name": "东街",
        "responsible": {"ref": "S", "name": "S", "phone": "1"},
    }
    assert answer[1] is None


def test_locate_changes_with_the_clock_at_each_level(own_client: TestClient, own_engine: Engine) -> None:
    """No command is given when a term ends: the kept answer has to end by itself, whichever level it is."""
    now = datetime.now(UTC)
    soon, later = now + timedelta(seconds=1.5), now + timedelta(seconds=3)
    give(
        own_engine,
        ("C", CELL, "(,)"),
        ("S1", STREET, f"(,{in_utc(soon)})"),
        ("S2", STREET, f"[{in_utc(soon)},)"),
        ("D", DISTRICT, f"[{in_utc(later)},)"),
    )
    assert located(own_client) == {"cell": "C", "street": "S1", "district": None}
    seen = []
    while datetime.now(UTC) < later + timedelta(seconds=0.3):
        before = datetime.now(UTC)
        named = located(own_client)
        after = datetime.now(UTC)
        if after < soon or before >= soon:
            assert named["street"] == ("S1" if after < soon else "S2")
        if after < later or before >= later:
            assert named["district"] == (None if after < later else "D")
        seen.append((named["street"], named["district"]))
        time.sleep(0.02)
    assert list(dict.fromkeys(seen)) == [("S1", None), ("S2", None), ("S2", "D")]


def test_a_hand_over_is_seen_at_once_and_kept_in_the_history(
    own_client: TestClient, own_engine: Engine, key: dict[str, str]
) -> None:
    give(own_engine, ("C", CELL, "[2016-01-01T00:00+08,)"), ("S", STREET, "[2016-01-01T00:00+08,)"))
    order = {"scope": "cell", "code": CELL, "at": "2016-05-03T08:00:00+08:00", **ORDER}
    assert own_client.post("/duty/handovers", json=order).status_code == 401
    done = own_client.post("/duty/handovers", json=order, headers=key)
    assert done.status_code == 201
    assert done.json()["from"] == [{"ref": "C", "name": "C", "places": 1}]
    assert located(own_client)["cell"] == "N1"
    assert own_client.post("/duty/handovers", json=order, headers=key).status_code == 200
    (row,) = [one for one in rows(own_client, "/duty", level="cell", at="2016-05-03T07:59:59") if one["code"] == CELL]
    assert (row["ref"], row["until"]) == ("C", "2016-05-03T00:00:00+00:00")
    (row,) = [one for one in rows(own_client, "/duty", level="cell", at="2016-05-03T08:00:00") if one["code"] == CELL]
    assert (row["ref"], row["person"], row["since"], row["until"]) == ("N1", "新人", "2016-05-03T00:00:00+00:00", None)
    (row,) = rows(own_client, "/duty/handovers", **{"from": "2016-05-01", "to": "2016-06-01"})
    assert (row["code"], row["kind"], row["from_ref"], row["to_ref"], row["gap_s"]) == (CELL, "handover", "C", "N1", 0)
    assert (row["actor"], row["reason"]) == ("office", "moved")


def test_a_later_term_stands_in_the_way(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> None:
    give(own_engine, ("C", CELL, "[2016-01-01T00:00+08,2016-06-01T00:00+08)"), ("L", CELL, "[2016-07-01T00:00+08,)"))
    order = {"scope": "cells", "code": STREET, "at": "2016-05-03T08:00:00+08:00", **ORDER}
    refused = own_client.post("/duty/handovers", json=order, headers=key)
    assert refused.status_code == 409
    assert f"L L answers for {CELL} from 2016-07-01T00:00:00+08:00" in refused.json()["detail"]
    assert [one["ref"] for one in rows(own_client, "/duty", level="cell", at="2016-05-04") if one["ref"]] == ["C"]


@pytest.mark.parametrize(
    ("change", "parameter"),
    [
        ({"at": "2016-05-33T08:00:00"}, "at"),
        ({"at": 5}, "at"),
        ({"scope": "block"}, "scope"),
        ({"reason": None}, "reason"),
        ({"until": "2016-05-03T08:00:00+08:00"}, "until"),
        ({"who": "me"}, "who"),
        ({"to": "\0"}, "to"),
    ],
)
def test_wrong_orders(
    own_client_of_the_module: TestClient, key: dict[str, str], change: dict[str, Any], parameter: str
) -> None:
    order = {"scope": "cell", "code": CELL, "at": "2016-05-03T08:00:00+08:00", **ORDER, **change}
    refused = own_client_of_the_module.post("/duty/handovers", json=order, headers=key)
    assert refused.status_code == 400
    assert refused.json()["parameter"] == parameter


def test_vacancies_in_every_form(client: TestClient) -> None:
    asked = {"level": "street", "from": "2016-05-01", "to": "2016-05-03"}
    found = rows(client, "/duty/vacancies", **asked)
    assert [one["code"] for one in found] == ["990101001", "990101002", "990102001", "990102002"]
    assert {(one["vacant_from"], one["hours"], one["whole"]) for one in found} == {
        ("2016-04-30T16:00:00+00:00", 48.0, True)
    }
    shapes = client.get("/duty/vacancies", params={**asked, "f": "geojson"}).json()["features"]
    assert [one["id"] for one in shapes] == [one["code"] for one in found]
    assert shapes[0]["geometry"]["type"] == "MultiPolygon"
    assert shapes[0]["properties"] == found[0]
    table = list(csv.DictReader(io.StringIO(client.get("/duty/vacancies", params={**asked, "f": "csv"}).text)))
    assert table[0]["vacant_to"] == "2016-05-02 16:00:00+00:00"
    assert len(rows(client, "/duty/vacancies", **{**asked, "level": "cell", "street": "990101001"})) == 16


def test_persons(own_client: TestClient, own_engine: Engine) -> None:
    give(own_engine, ("A", CELL, "(,)"), ("A", STREET, "(,)"), ("B", "990101001002", "(,)"))
    found = rows(own_client, "/duty/persons", at="2016-05-01")
    assert [(one["ref"], one["cells"], one["areas"]) for one in found] == [("A", 1, [STREET]), ("B", 1, [])]
    assert rows(own_client, "/duty/persons", at="2016-05-01", more_than=1) == []


@pytest.mark.parametrize(
    ("path", "asked", "parameter"),
    [
        ("/duty", {"level": "community"}, "level"),
        ("/duty", {"street": "1"}, "street"),
        ("/duty", {"at": "noon"}, "at"),
        ("/duty", {"at": "0001-01-01"}, "at"),
        ("/duty/vacancies", {"from": "2016-05-01", "to": "2016-05-01"}, "to"),
        ("/duty/vacancies", {"from": "0001-01-01", "to": "2016-05-01"}, "from"),
        ("/duty/handovers", {"from": "2016-05-01"}, "to"),
        ("/duty/persons", {"more_than": "-1"}, "more_than"),
    ],
)
def test_wrong_questions(client: TestClient, path: str, asked: dict[str, str], parameter: str) -> None:
    answer = client.get(path, params=asked)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter


def test_an_answer_of_this_moment_is_not_validated_by_versions(client: TestClient) -> None:
    """It changes with the clock, so there is nothing by which it could be told to be the same."""
    for path in ("/duty", "/duty/persons"):
        now = client.get(path)
        assert "etag" not in now.headers
        assert now.headers["cache-control"] == "no-store"
    fixed = client.get("/duty", params={"level": "street", "at": "2016-05-01"})
    again = client.get(
        "/duty", params={"level": "street", "at": "2016-05-01"}, headers={"If-None-Match": fixed.headers["etag"]}
    )
    assert again.status_code == 304
