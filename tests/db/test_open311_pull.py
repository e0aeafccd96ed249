"""Pulling from other Open311 servers, over real HTTP: everything, once, whatever they do, and on after a crash."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from sqlalchemy import Engine, text

from api.app import CONNECTIONS, create_app
from gis.store.database import create_database_engine
from tests.api.conftest import facts, tiny_url
from tests.api.running import running
from tests.api.tiny import Tiny, fill
from tests.conftest import ROOT, json_of
from tests.db.nasty_open311 import Nasty, Row, some_requests
from tests.town import stored_reports

__all__ = ["facts", "tiny_url"]
PARKING = ("--map", "p1=event:0505")
ALL = (*PARKING, "--map", "Pothole=component:0102")
WINDOW = ("--from", "2016-06-01", "--to", "2016-06-12")
Finegrid = Callable[..., Result]


@pytest.fixture
def here(engine: Engine, facts: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """The test's own database holds the tiny city without reports; nobody waits long."""
    with engine.begin() as conn:
        fill(conn, facts)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gis.open311.remote.WAITS_S", (0.01, 0.01, 0.01, 0.01))
    return engine


@pytest.fixture
def pull(here: Engine, finegrid: Finegrid) -> Callable[..., dict[str, Any]]:
    """Pulls as a user would and answers the summary, checked to add up."""

    def run(address: str, *options: str) -> dict[str, Any]:
        given = ("open311", "pull", f"{address}/v2", "--source", "other", "--pause", "0", "--json", *options)
        result = finegrid(*given)
        assert result.exit_code == 0, result.output
        summary = json_of(result)
        assert summary["accepted"] + summary["duplicate"] + summary["rejected"] == summary["read"]
        assert summary["in_cells"] + summary["outside"] + summary["no_position"] == summary["accepted"]
        return summary

    return run


def refs(engine: Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.execute(text("SELECT source_ref FROM reports ORDER BY source_ref")).scalars())


def all_of(rows: list[Row]) -> list[str]:
    return sorted(str(row["service_request_id"]) for row in rows)


@pytest.mark.parametrize(
    "behaviour",
    [
        {},
        {"cap": 25},
        {"cap": 25, "ends": (False, True)},
        {"cap": 25, "ends": (True, False)},
        {"cap": 40, "strict": True},
        {"page_size": 30},
        {"forms": ("xml",)},
        {"forms": ("xml",), "other_form": 500, "cap": 30},
        {"forms": ("xml",), "other_form": 200},
        {"forms": ("json",), "page_size": 20},
    ],
    ids=str,
)
def test_everything_comes_once_whatever_the_server_does(
    here: Engine, pull: Callable[..., dict[str, Any]], behaviour: dict[str, Any]
) -> None:
    rows = some_requests(300)
    with running(Nasty(rows, **behaviour).app()) as address:
        summary = pull(address, *WINDOW, *ALL)
        assert refs(here) == all_of(rows)
        assert (summary["accepted"], summary["rejected"], summary["cut"]) == (300, 0, 0)
        again = pull(address, *WINDOW, *ALL, "--restart")
    assert (again["accepted"], again["duplicate"]) == (0, 300)


def test_what_is_stored_of_a_request(here: Engine, pull: Callable[..., dict[str, Any]], finegrid: Finegrid) -> None:
    rows = some_requests(30)
    with running(Nasty(rows).app()) as address:
        pull(address, *WINDOW, *ALL)
    with here.connect() as conn:
        found = {row[1]: row for row in stored_reports(conn)}
        places = dict(conn.execute(text("SELECT source_ref, address FROM open311_requests")).all())
        kind = conn.execute(text("SELECT kind FROM sources WHERE name = 'other'")).scalar()
        logged = conn.execute(text("SELECT file_name, crs, accepted FROM imports")).all()
    category = {"p1": "event:0505", "event:0102": "event:0102", "x9": "component:0102"}
    for row in rows:
        one = found[str(row["service_request_id"])]
        assert one[0] == "other"
        assert one[2] == category[row["service_code"]]
        assert one[3].isoformat() == row["requested_datetime"]
        assert (one[7], one[8], one[9]) == (row["long"], row["lat"], row["description"])
    assert places == {str(row["service_request_id"]): row["address"] for row in rows if row["address"]}
    assert kind == "citizen"
    assert sum(one.accepted for one in logged) == 30
    assert logged[0].file_name.startswith(f"{address}/v2 2016-05-31T16:00:00Z/")
    assert finegrid("verify").exit_code == 0
    assert json_of(finegrid("reconcile", "--json"))["adds_up"]


def test_a_server_that_fails_now_and_then(here: Engine, pull: Callable[..., dict[str, Any]]) -> None:
    rows = some_requests(200)
    failures = [(500, {}), (503, {"Retry-After": "0"}), (429, {"Retry-After": "0"}), (200, {}), (502, {})]

    def failing(number: int, *_: object) -> tuple[int, dict[str, str]] | None:
        return failures[number // 2 % 5] if number % 2 else None

    with running(Nasty(rows, cap=30, failing=failing).app()) as address:
        summary = pull(address, *WINDOW, *ALL)
    assert refs(here) == all_of(rows)
    assert summary["asked"] > 20


def test_a_server_that_cannot_answer_long_windows(here: Engine, pull: Callable[..., dict[str, Any]]) -> None:
    rows = some_requests(200)

    def failing(number: int, start: Any, end: Any) -> tuple[int, dict[str, str]] | None:
        return (500, {}) if number > 2 and (end - start).total_seconds() > 6 * 3600 else None

    with running(Nasty(rows, failing=failing).app()) as address:
        pull(address, *WINDOW, *ALL)
    assert refs(here) == all_of(rows)


def test_what_is_refused_is_listed_with_the_reason(here: Engine, pull: Callable[..., dict[str, Any]]) -> None:
    rows = some_requests(30)
    rows[0] |= {"lat": None, "long": None}  # p1
    rows[3] |= {"lat": "north"}
    rows[6] |= {"service_request_id": None, "token": "t6"}
    rows[9] |= {"lat": rows[9]["long"], "long": rows[9]["lat"]}
    with running(Nasty(rows).app()) as address:
        summary = pull(address, *WINDOW, *PARKING)
        assert (summary["read"], summary["accepted"], summary["rejected"]) == (30, 16, 14)
        assert summary["unknown_services"] == [{"service_code": "x9", "service_name": "Pothole", "requests": 10}]
        with Path(summary["rejects_file"]).open(encoding="utf-8", newline="") as stream:
            listed = {json.loads(row["original"])["description"]: row["reason"] for row in csv.DictReader(stream)}
        assert listed["number 0"] == "no coordinate"
        assert listed["number 3"].startswith("impossible coordinate")
        assert listed["number 6"].startswith("no service_request_id yet")
        assert listed["number 9"].startswith("longitude and latitude are swapped")
        assert listed["number 2"] == "service 'x9' (Pothole) is no category here: say which with --map x9=CATEGORY"
        with here.connect() as conn:
            assert conn.execute(text("SELECT count(*) FROM import_rejects")).scalar() == 14
        mended = pull(address, *WINDOW, *ALL, "--restart", "--keep-unlocated")
    assert (mended["accepted"], mended["no_position"], mended["unknown_services"]) == (11, 1, [])


def test_only_some_services(here: Engine, pull: Callable[..., dict[str, Any]]) -> None:
    rows = some_requests(30)
    server = Nasty(rows)
    with running(server.app()) as address:
        pull(address, *WINDOW, *ALL, "--service", "p1", "--service", "event:0102", "--jurisdiction", "there.gov")
    assert refs(here) == all_of([row for row in rows if row["service_code"] != "x9"])
    assert {one["jurisdiction_id"] for one in server.asked} == {"there.gov"}


def test_it_goes_on_where_it_stopped(here: Engine, pull: Callable[..., dict[str, Any]]) -> None:
    rows = some_requests(100)
    server = Nasty(rows[:50])
    with running(server.app()) as address:
        pull(address, "--from", "2016-06-01", "--to", "2016-06-05", *ALL)
        asked = len(server.asked)
        server.rows = rows
        summary = pull(address, "--to", "2016-06-12", *ALL)
    # A day is looked at again, because servers show some requests late.
    assert min(one["start_date"] for one in server.asked[asked:]) == "2016-06-04T15:59:59Z"
    assert summary["duplicate"] <= 10
    assert refs(here) == all_of(rows)
    with running(server.app()) as other:  # another address is another series
        assert pull(other, *WINDOW, *ALL)["duplicate"] == 100


def test_a_server_that_goes_away(here: Engine, pull: Callable[..., dict[str, Any]], finegrid: Finegrid) -> None:
    rows = some_requests(300)
    server = Nasty(rows, cap=25)
    with running(server.app()) as address:
        server.failing = lambda number, *_: (503, {}) if number > 15 else None
        given = ("open311", "pull", f"{address}/v2", "--source", "other", "--pause", "0", *WINDOW, *ALL)
        broken = finegrid(*given)
        assert broken.exit_code == 1
        assert "it answers 503; 5 tries were made" in broken.output
        assert "run the same command again and it goes on from there" in broken.output
        before = refs(here)
        assert 0 < len(before) < 300
        asked = len(server.asked)
        server.failing = lambda *_: None
        summary = pull(address, *WINDOW, *ALL)
        assert refs(here) == all_of(rows)
        assert summary["accepted"] == 300 - len(before)
        assert summary["duplicate"] <= 1
        assert min(one["start_date"] for one in server.asked[asked:]) > "2016-06-02"


def test_killed_in_the_middle_it_goes_on(
    here: Engine,
    pull: Callable[..., dict[str, Any]],
    database_url: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    rows = some_requests(3000)
    server = Nasty(rows, cap=60)
    with running(server.app()) as address:
        given = ["open311", "pull", f"{address}/v2", "--source", "other", "--pause", "0", *WINDOW, *ALL]
        command = [sys.executable, "-m", "gis", *given]
        environment = {**os.environ, "FINEGRID_DATABASE_URL": database_url, "PYTHONPATH": str(ROOT)}
        kills = 0
        for limit in (40, 90):
            # The server hangs from a question on: by then some batches are in and one is under way.
            gate = threading.Event()
            server.before = lambda number, limit=limit, gate=gate: gate.wait(20) if number > limit else None
            with subprocess.Popen(command, env=environment, cwd=tmp_path, stderr=subprocess.DEVNULL) as process:
                until = time.monotonic() + 60
                while len(server.asked) <= limit + 1:
                    assert process.poll() is None
                    assert time.monotonic() < until
                    time.sleep(0.02)
                process.send_signal(signal.SIGKILL)
                kills += process.wait() == -signal.SIGKILL
            gate.set()
        assert kills == 2
        server.before = lambda _: None
        stored = len(refs(here))
        assert 0 < stored < 3000
        summary = pull(address, *WINDOW, *ALL)
    assert refs(here) == all_of(rows)
    assert summary["accepted"] == 3000 - stored
    assert summary["duplicate"] <= 2


def test_it_pulls_from_a_server_of_our_own(
    here: Engine, pull: Callable[..., dict[str, Any]], tiny_url: str, make_database: Callable[..., str], facts: Tiny
) -> None:
    there = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with running(create_app(there)) as address:
        summary = pull(f"{address}/open311", "--from", "2016-05-01", "--to", "2016-05-31", "--jurisdiction", "tiny")
    with here.connect() as mine, there.connect() as theirs:
        pulled = {row[1]: row[2:] for row in stored_reports(mine)}
        original = {f"{row[0]}:{row[1]}": row[2:] for row in stored_reports(theirs)}
    there.dispose()
    assert pulled == original
    assert summary["accepted"] == len(facts.reports)


@pytest.fixture
def nothing_there() -> Iterator[str]:
    with running(Nasty([], forms=()).app()) as address:
        yield address


def test_wrong_orders_say_what_is_right(here: Engine, finegrid: Finegrid, nothing_there: str, tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("service_code,category\na,event:0505\na,event:0501\n")
    (tmp_path / "other.csv").write_text("code,category\na,event:0505\n")
    for options, said in (
        (("--map", "p1=event:9999"), "'event:9999' is not in the dictionary"),
        (("--map", "p1=0102"), "'0102' stands for several entries: write kind:code"),
        (("--category-map", str(tmp_path / "twice.csv")), "row 2: a is mapped to event:0505 and to event:0501"),
        (("--category-map", str(tmp_path / "other.csv")), "no column 'service_code'"),
        (("--category-map", str(tmp_path / "none.csv")), "cannot be read"),
        (("--from", "yesterday"), "--from: 'yesterday' is no W3C date"),
        (("--from", "2016-06-02", "--to", "2016-06-01"), "--to: "),
        (("--crs", "beijing54"), "beijing54"),
        ((), "it answers 404"),
    ):
        result = finegrid("open311", "pull", f"{nothing_there}/v2", "--source", "other", "--pause", "0", *options)
        assert result.exit_code == 1, result.output
        assert said in result.output
    result = finegrid("open311", "pull", "http://127.0.0.1:9/v2", "--source", "other", "--pause", "0")
    assert result.exit_code == 1
    assert "it cannot be reached" in result.output
    with here.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM reports")).scalar() == 0


def test_services_of_another_server(
    here: Engine, finegrid: Finegrid, tiny_url: str, make_database: Callable[..., str]
) -> None:
    there = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with there.begin() as conn:
        conn.execute(
            text(
                "INSERT INTO categories (standard_ref, kind, code, name, name_en)"
                " VALUES ('tiny', 'event', '0777', '别的', 'Another')"
            )
        )
    with running(create_app(there)) as address:
        found = json_of(finegrid("open311", "services", f"{address}/open311/v2", "--json"))["services"]
        shown = finegrid("open311", "services", f"{address}/open311/v2", "--form", "xml").output
    there.dispose()
    known = {row["service_code"]: row["category"] for row in found}
    assert known["event:0505"] == "event:0505"
    assert known["event:0777"] is None
    assert "Another" in shown
