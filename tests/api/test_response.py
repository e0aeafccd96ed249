"""GET /response and /response/live: cases from found to enforced over HTTP, with the clock in the test's hand."""

from __future__ import annotations

import csv
import io
import itertools
from datetime import UTC, datetime, timedelta

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.response import COLUMNS
from gis.response_live import COLUMNS as LIVE_COLUMNS
from gis.store.database import bump_version, transaction
from tests.api.conftest import KEY, open_client
from tests.api.tiny import Tiny

FOUND = datetime(2016, 5, 22, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai
DAY = {"from": "2016-05-22", "to": "2016-05-23"}
LONG_AFTER = "2016-06-01T00:00:00Z"
NUMBERS = itertools.count(1)


class Duty:
    """Somebody who reports cases and records what happens to them."""

    def __init__(self, client: TestClient) -> None:
        self.client = client

    def found(self, x: float, y: float, seconds: float = 0, category: str = "0505", kind: str = "event") -> int:
        lon, lat = Tiny.at(x, y)
        ref = f"D{next(NUMBERS)}"
        report = {"source": "patrol", "source_ref": ref, "datum": "wgs84", "lon": lon, "lat": lat}
        report |= {"reported_at": at(seconds).isoformat(), "category": category, "category_kind": kind}
        self.post("/reports", report)
        sent = {"source": "patrol", "source_ref": ref, "actor": "centre", "at": at(seconds).isoformat()}
        return self.post("/cases", sent)["id"]

    def happens(self, case_id: int, move: str, seconds: float) -> None:
        event = {"move": move, "actor": "somebody", "at": at(seconds).isoformat(), "reason": "seen"}
        self.post(f"/cases/{case_id}/events", event)

    def post(self, path: str, body: dict) -> dict:
        answer = self.client.post(path, json=body, headers={"X-API-Key": KEY})
        assert answer.status_code == 201, answer.text
        return answer.json()

    def ask(self, level: str, **more: str) -> dict:
        answer = self.client.get("/response", params={"level": level, **DAY, "at": LONG_AFTER, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def live(self, seconds: float, within_s: int = 600, **more: str) -> list[tuple]:
        asked = {"at": at(seconds).isoformat(), "within_s": within_s, **more}
        answer = self.client.get("/response/live", params=asked)
        assert answer.status_code == 200, answer.text
        return [(row["case_id"], row["step"], row["verdict"], row["seconds_left"]) for row in answer.json()["rows"]]


def at(seconds: float) -> datetime:
    return FOUND + timedelta(seconds=seconds)


@pytest.fixture
def duty(own_engine: Engine, key: dict[str, str]) -> Duty:
    """Two persons on duty in the eastern streets; every report becomes a case."""
    with transaction(own_engine) as conn:
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '甲', '138'), ('P2', '乙', NULL)"))
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id, '[2016-01-01,)'"
                " FROM persons p JOIN cells c"
                " ON c.code LIKE CASE p.ref WHEN 'P1' THEN '990101001%' ELSE '990101002%' END"
            )
        )
        bump_version(conn, "responsibles")
    with open_client(own_engine) as client:
        yield Duty(client)


def test_double_ten_from_found_to_enforced(duty: Duty) -> None:
    case_id = duty.found(0.5, 0.5)
    assert duty.live(0) == [(case_id, 1, "pending", 600.0)]
    assert duty.live(599.5, 1) == [(case_id, 1, "pending", 0.5)]
    assert duty.live(600) == [(case_id, 1, "pending", 0.0)]
    assert duty.live(660) == [(case_id, 1, "missing", -60.0)]
    assert duty.live(660, 59) == []
    duty.happens(case_id, "arrive", 600)
    assert duty.live(660) == []
    assert duty.live(599, 10) == [(case_id, 1, "pending", 1.0)]  # a past instant stays as it was
    duty.happens(case_id, "fail", 1000)
    assert duty.live(1100) == [(case_id, 2, "pending", 500.0)]
    duty.happens(case_id, "enforce", 1601)
    assert duty.live(1590) == [(case_id, 2, "pending", 10.0)]
    assert duty.live(1601) == []
    (row,) = duty.ask("person")["rows"]
    assert row == {
        "code": "P1",
        "name": "甲",
        "on_time": 1,
        "late": 1,
        "pending": 0,
        "not_required": 0,
        "missing": 0,
        "rate": 0.5,
        "median_s": 600.0,
        "p95_s": 601.0,
    }
    assert [duty.ask("city", step=step)["rows"][0]["rate"] for step in ("1", "2", "both")] == [1.0, 0.0, 0.5]
    hours = {row["code"]: row["rate"] for row in duty.ask("hour")["rows"] if row["rate"] is not None}
    assert hours == {"08": 0.5}
    assert duty.ask("city", at=at(1200).isoformat())["total"]["pending"] == 1


def test_who_where_and_what_is_missing(duty: Duty) -> None:
    first = duty.found(0.5, 0.5)
    duty.happens(first, "arrive", 30)
    duty.found(5.5, 1.5, 100)  # P2's, nobody comes
    duty.found(9.5, 2.5, 200)  # nobody's
    duty.found(1.5, 3.5, 300, "0102", "component")  # a manhole cover is none of the four chaoses
    nowhere = duty.found(13.5, 0.5, 3600)  # in no cell
    duty.happens(nowhere, "void", 3700)
    answer = duty.ask("street", step="1")
    counts = {row["code"]: (row["on_time"], row["missing"], row["not_required"], row["rate"]) for row in answer["rows"]}
    assert counts == {
        "990101001": (1, 0, 1, 1.0),
        "990101002": (0, 1, 0, 0.0),
        "990102001": (0, 1, 0, 0.0),
        "990102002": (0, 0, 0, None),
    }
    assert answer["elsewhere"]["not_required"] == 1  # void inside the limit
    assert answer["total"]["rate"] == pytest.approx(1 / 3)
    assert [row["code"] for row in duty.ask("person", step="1")["rows"]] == ["P1", "P2"]
    assert duty.ask("person", step="1")["elsewhere"]["missing"] == 1
    assert [row["code"][:9] for row in duty.ask("cell", step="1", street="990101002")["rows"]] == ["990101002"]
    assert duty.ask("city", category="chaos:trading")["total"]["rate"] is None


def test_the_live_list_in_every_form(duty: Duty) -> None:
    urgent, later = duty.found(0.5, 0.5), duty.found(5.5, 1.5, 100)
    asked = {"at": at(200).isoformat()}
    rows = duty.client.get("/response/live", params=asked).json()["rows"]
    assert [row["case_id"] for row in rows] == [urgent, later]
    lon, lat = Tiny.at(0.5, 0.5)
    assert rows[0] == {
        "case_id": urgent,
        "step": 1,
        "verdict": "pending",
        "begun_at": "2016-05-22T00:30:00+00:00",
        "due_at": "2016-05-22T00:40:00+00:00",
        "seconds_left": 400.0,
        "category": "event:0505",
        "category_name": "机动车乱停放",
        "category_name_en": "Cars parked chaotically",
        "cell": rows[0]["cell"],
        "street_code": "990101001",
        "street": "东街",
        "responsible": {"ref": "P1", "name": "甲", "phone": "138"},
        "lon": lon,
        "lat": lat,
    }
    answer = duty.client.get("/response/live", params={**asked, "f": "geojson"})
    assert answer.headers["cache-control"] == "no-store"
    drawn = answer.json()["features"]
    assert drawn[0]["geometry"] == {"type": "Point", "coordinates": [lon, lat]}
    assert [one["id"] for one in drawn] == [f"{urgent}-1", f"{later}-1"]
    listed = list(csv.DictReader(io.StringIO(duty.client.get("/response/live", params={**asked, "f": "csv"}).text)))
    assert list(listed[0]) == [*LIVE_COLUMNS, "synthetic"]
    assert [one["responsible"] for one in listed] == ["P1", "P2"]
    assert duty.live(200, street="990101002") == [(later, 1, "pending", 500.0)]
    assert duty.live(200, category="chaos:trading") == []


def test_tables_as_csv_and_geojson(duty: Duty) -> None:
    duty.found(0.5, 0.5)
    asked = {"level": "street", **DAY, "at": LONG_AFTER}
    rows = list(csv.DictReader(io.StringIO(duty.client.get("/response", params={**asked, "f": "csv"}).text)))
    assert list(rows[0]) == [*COLUMNS, "synthetic"]
    assert (rows[0]["rate"], rows[1]["rate"]) == ("0.0", "")
    drawn = duty.client.get("/response", params={**asked, "f": "geojson"}).json()["features"]
    assert [one["properties"]["missing"] for one in drawn] == [1, 0, 0, 0]
    assert all(one["geometry"]["type"] == "MultiPolygon" for one in drawn)


@pytest.mark.parametrize(
    ("path", "wrong", "parameter"),
    [
        ("", {"level": "house", **DAY}, "level"),
        ("", {"level": "department", **DAY}, "level"),
        ("", {"level": "person", **DAY, "f": "geojson"}, "f"),
        ("", {"level": "city", **DAY, "step": "3"}, "step"),
        ("", {"level": "city", **DAY, "at": "0.5"}, "at"),
        ("", {"level": "city", **DAY, "at": "9999-12-31T23:59:59Z"}, "at"),
        ("", {"level": "city", **DAY, "at": "0001-01-01T00:00:00Z"}, "at"),
        ("", {"level": "city"}, "from"),
        ("", {"level": "city", "period": "May"}, "period"),
        ("/live", {"within_s": "0"}, "within_s"),
        ("/live", {"within_s": "86401"}, "within_s"),
        ("/live", {"street": "nowhere"}, "street"),
        ("/live", {"at": "tomorrow"}, "at"),
        ("/live", {"from": "2016-05-01"}, "from"),
    ],
)
def test_what_is_wrong_is_named(client: TestClient, path: str, wrong: dict, parameter: str) -> None:
    answer = client.get(f"/response{path}", params=wrong)
    assert (answer.status_code, answer.json()["parameter"]) == (400, parameter), answer.text


def test_now_is_the_servers_clock(client: TestClient) -> None:
    said = client.get("/response/live").json()
    assert abs(datetime.fromisoformat(said["at"]) - datetime.now(UTC)) < timedelta(minutes=1)
    assert said["within_s"] == 600
    for at in ("2016-05-22T08:40:00", "2016-05-22T08:40:00+08:00"):  # without a zone it is the city's
        answer = client.get("/response/live", params={"at": at})
        assert answer.json()["at"] == "2016-05-22T00:40:00+00:00"
