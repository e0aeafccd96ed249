"""`finegrid listings ...` as people and scripts use it."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import Result

from gis.cli import frame
from tests.conftest import json_of, run_command
from tests.town import slanted

Run = Callable[..., Result]


@pytest.fixture
def finegrid(listed_url: str, make_database: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command line over a town of the test's own, whose first ten days of June are listed."""
    monkeypatch.setenv("FINEGRID_DATABASE_URL", make_database(listed_url))
    yield lambda *words: run_command(monkeypatch, *words)
    frame.open_engine.cache_clear()


def done(result: Result) -> dict:
    assert result.exit_code == 0, result.output
    return json_of(result)


def test_the_worst_as_a_table_and_in_every_form(finegrid: Run, tmp_path: Path) -> None:
    table = finegrid("listings", "worst", "2016-06-T1")
    assert table.exit_code == 0
    assert "R000003" in table.stdout
    assert "A report weighs" in table.stderr
    rows = done(finegrid("listings", "worst", "2016-06-T1", "--json"))["rows"]
    for form in ("csv", "geojson"):
        out = tmp_path / f"worst.{form}"
        assert finegrid("listings", "worst", "2016-06-T1", "--format", form, "--out", out).exit_code == 0
        found = list(csv.DictReader(out.open())) if form == "csv" else orjson.loads(out.read_bytes())["features"]
        assert len(found) == len(rows)


def test_propose_and_publish(finegrid: Run) -> None:
    again = done(finegrid("listings", "propose", "2016-06-T1", "--actor", "office", "--json"))
    assert (again["known"], again["same_facts"]) == (True, True)
    assert "nothing was changed" in finegrid("listings", "propose", "2016-06-T1", "--actor", "office").stdout
    later = done(finegrid("listings", "propose", "2016-06-T2", "--actor", "office", "--json"))
    assert later["known"] is False
    listed = done(finegrid("listings", "publish", "2016-06-T2", "--actor", "office", "--json"))
    assert listed["listed"] == later["proposed"]
    assert done(finegrid("listings", "publish", "2016-06-T2", "--actor", "office", "--json"))["listed"] == []


def test_one_listing_on_its_way(finegrid: Run) -> None:
    for move, actor, day in (("rectify", "Li", 13), ("submit", "Li", 14)):
        at = f"2016-06-{day}T09:00"
        moved = done(finegrid("listings", "move", "1", move, "--actor", actor, "--at", at, "--json"))
    assert moved["state"] == "submitted"
    refused = finegrid("listings", "move", "1", "verify", "--actor", "li")
    assert refused.exit_code == 1
    assert "so somebody else has to verify it" in refused.stderr
    assert finegrid("listings", "move", "1", "propose", "--actor", "x").exit_code == 2
    late = finegrid("listings", "move", "1", "verify", "--actor", "Wang", "--expected", "3")
    assert late.exit_code == 1
    said = finegrid("listings", "show", "1", "--on", "2016-06-15").stdout
    assert "listing 1: submitted, segment" in said
    assert said.count("\n  ") == 6  # how it was worked out, the clock, four events
    assert finegrid("listings", "show", "999").exit_code == 1


def test_the_list(finegrid: Run) -> None:
    rows = done(finegrid("listings", "list", "--state", "open", "--on", "2016-06-25", "--json"))["rows"]
    assert {row["days_left"] for row in rows} == {-3}
    assert len(done(finegrid("listings", "list", "--kind", "spot", "--json"))["rows"]) < len(rows)
    assert "overdue_days" in finegrid("listings", "list").stdout
    shapes = orjson.loads(finegrid("listings", "list", "--format", "geojson").stdout)["features"]
    assert {one["geometry"]["type"] for one in shapes} == {"MultiLineString", "MultiPolygon"}
    assert finegrid("listings", "list", "--period", "June").exit_code == 2
    assert finegrid("listings", "list", "--street", "nowhere").exit_code == 1


def test_by_hand(finegrid: Run) -> None:
    words = ("listings", "add", "--actor", "mayor", "--reason", "a walk", "--at", "2016-06-12T09:00")
    refused = finegrid(*words, "--segment", "R000003")
    assert refused.exit_code == 1
    assert "on the list already" in refused.stderr
    unsaid = finegrid(*words, "--lon", "113.6", "--lat", "34.7")
    assert unsaid.exit_code == 2
    assert "--crs" in unsaid.stderr
    lon, lat = map(str, slanted(-0.9, 10.9))
    added = done(finegrid(*words, "--lon", lon, "--lat", lat, "--crs", "wgs84", "--json"))
    assert (added["kind"], added["due_on"], added["rank"]) == ("spot", "2016-06-22", None)


def test_a_tick_and_a_check_of_all_histories(finegrid: Run) -> None:
    moves = done(finegrid("listings", "tick", "--at", "2016-06-23T00:00", "--json"))["moves"]
    assert {one["move"] for one in moves} == {"escalate"}
    assert finegrid("listings", "tick", "--at", "2016-06-23T00:00").stdout == "nothing was due\n"
    assert finegrid("listings", "tick", "--at", "2999-01-01").exit_code == 1
    assert done(finegrid("listings", "verify", "--json"))["differ"] == []


def test_a_listing_that_its_history_does_not_give_is_found(finegrid: Run) -> None:
    done(finegrid("listings", "verify", "--json"))
    with frame.city_transaction() as conn:
        conn.exec_driver_sql("UPDATE listings SET late_before = 7 WHERE id = 2")
    found = finegrid("listings", "verify", "--json")
    assert found.exit_code == 1
    assert json_of(found)["differ"] == [2]
