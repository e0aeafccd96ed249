"""Listings in the database: proposed once, moved by the rule, watched over by the calendar, never rewritten."""

from __future__ import annotations

import random
import threading
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gis.errors import Conflict, FinegridError, NotFound, ParameterError
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listing_reads import overdue_in, read_listing, replayed
from gis.listing_store import supervision_of
from gis.listings import propose, publish, record, tick
from gis.rules.periods import parse_period
from gis.rules.policy import POLICIES
from gis.rules.supervision import MOVES, overdue_days
from gis.store.database import transaction, versions
from tests.db.listed.conftest import CLEAN, NOW, PERIOD, at, first, report_at, rows, walk
from tests.town import slanted

# -- proposing ---------------------------------------------------------------------------------------------------------


def test_proposing_again_changes_nothing(conn: Connection, tmp_path: Path) -> None:
    before = rows(conn), versions(conn)["listings"]
    again = propose(conn, PERIOD, "somebody else", at(20))
    assert (again.known, again.same_facts, again.proposed_at) == (True, True, at(11, 0))
    assert again.ids == sorted(again.ids)
    assert (rows(conn), versions(conn)["listings"]) == before
    report_at(conn, tmp_path, *map(float, slanted(3, 2.2)), 9)
    late = propose(conn, PERIOD, "somebody else", at(20))
    assert (late.known, late.same_facts) == (True, False)
    assert rows(conn) == before[0]


def test_a_proposal_keeps_rule_policy_and_digests_and_cannot_be_changed(conn: Connection) -> None:
    kept = conn.execute(text("SELECT * FROM listing_proposals")).mappings().one()
    assert kept["policy_effective"] == POLICIES[0].effective
    assert "clusters by DBSCAN" in kept["rule"]
    assert len(kept["segment_facts_sha256"]) == len(kept["spot_facts_sha256"]) == 64
    assert [one["rank"] for one in kept["named"] if one["kind"] == "segment"] == list(
        range(1, 1 + sum(one["kind"] == "segment" for one in kept["named"]))
    )
    for statement in ("UPDATE listing_proposals SET rule = ''", "DELETE FROM listing_proposals"):
        with pytest.raises(DBAPIError, match="append-only"), conn.begin_nested():
            conn.execute(text(statement))


def test_a_place_stands_for_the_reports_that_its_score_counts(conn: Connection) -> None:
    for row in rows(conn):
        listing = read_listing(conn, row["id"], date(2016, 6, 12))
        assert len(listing["reports_shown"]) == row["reports"] == sum(one["reports"] for one in listing["terms"])
        assert all(at(1, 0) <= one["reported_at"] < at(11, 0) for one in listing["reports_shown"])
        if row["kind"] == "segment":
            held = conn.execute(
                text(
                    "SELECT count(*) FROM listing_reports JOIN reports USING (source_id, source_ref)"
                    " JOIN road_segments g ON g.id = segment_id WHERE listing_id = :id AND g.code = :code"
                ),
                {"id": row["id"], "code": row["code"]},
            ).scalar_one()
            assert held == row["reports"]


def test_what_is_open_is_named_and_not_proposed_twice(conn: Connection) -> None:
    later = propose(conn, PERIOD.following(), "office", at(21, 0))
    named = conn.execute(text("SELECT named FROM listing_proposals WHERE period = '2016-06-T2'")).scalar_one()
    open_already = [one["listing"] for one in named if one["kind"] == "segment" and one["listing"]]
    assert open_already
    assert set(open_already) <= {row["id"] for row in rows(conn, period=PERIOD)}
    assert len(later.ids) == sum(one["listing"] is None for one in named)
    codes = Counter(row["code"] for row in rows(conn, kind="segment"))
    assert max(codes.values()) == 1


def test_a_running_period_and_a_month_are_refused(conn: Connection) -> None:
    with pytest.raises(Conflict, match="2016-06-T2 is over at the end of 2016-06-20"):
        propose(conn, PERIOD.following(), "office", at(20, 23))
    for refused in (propose, publish):
        with pytest.raises(ParameterError, match="2016-06-T1, -T2 or -T3"):
            refused(conn, parse_period("2016-06"), "office", at(40))
    with pytest.raises(Conflict, match="was not proposed yet"):
        publish(conn, PERIOD.following(), "office", at(40))


def test_listing_sets_deadline_and_says_who_answers(conn: Connection) -> None:
    found = rows(conn)
    assert {row["state"] for row in found} == {"listed"}
    assert {row["due_on"] for row in found} == {date(2016, 6, 22)}
    assert "张三" in {row["responsible"] for row in found}
    assert "138" not in str(read_listing(conn, found[0]["id"], date(2016, 6, 12)))


# -- moving ------------------------------------------------------------------------------------------------------------


def test_from_listed_to_delisted(conn: Connection) -> None:
    conn.execute(text("DELETE FROM reports WHERE day > '2016-06-15'"))  # nothing new during the hold
    listing_id = first(conn)
    walk(conn, listing_id, *CLEAN)
    with pytest.raises(Conflict, match="the hold lasts until the end of 2016-06-26"):
        record(conn, listing_id, "delist", "office", NOW, at(26))
    walk(conn, listing_id, ("delist", 27, "office"))
    listing = read_listing(conn, listing_id, date(2016, 7, 20))
    moves = ["propose", "list", "rectify", "submit", "verify", "delist"]
    assert [event["move"] for event in listing["history"]] == moves
    assert (listing["state"], listing["overdue_days"], listing["legal_moves"]) == ("delisted", 0, ())
    again = list_by_hand(conn, HandMade("office", "dirty again", listing["code"], at=at(40)), NOW)
    assert again > listing_id


def test_the_database_itself_refuses_a_verifier_who_rectified(conn: Connection) -> None:
    listing_id = first(conn)
    walk(conn, listing_id, *CLEAN)
    with pytest.raises(IntegrityError, match="verifier_is_not_rectifier"), conn.begin_nested():
        conn.execute(text("UPDATE listings SET verifier = 'li' WHERE id = :id"), {"id": listing_id})


def test_history_is_append_only(conn: Connection) -> None:
    conn.execute(text("SET LOCAL session_replication_role = replica"))  # as during an import
    for statement in ("UPDATE listing_events SET actor = 'x'", "DELETE FROM listing_events", "TRUNCATE listing_events"):
        with pytest.raises(DBAPIError, match="append-only"), conn.begin_nested():
            conn.execute(text(statement))


def test_an_expected_number_of_events_tells_senders_apart(conn: Connection) -> None:
    listing_id = first(conn)
    record(conn, listing_id, "rectify", "Li", NOW, at(13), expected=2)
    with pytest.raises(Conflict, match="has 3 events by now, not 2"):
        record(conn, listing_id, "submit", "Li", NOW, at(14), expected=2)
    with pytest.raises(NotFound):
        record(conn, 10_000, "submit", "Li", NOW)
    with pytest.raises(ParameterError, match="lies in the future"):
        record(conn, listing_id, "submit", "Li", NOW, NOW + timedelta(hours=1))
    with pytest.raises(ParameterError, match="is none of"):
        record(conn, listing_id, "propose", "Li", NOW)


def test_many_senders_at_once_leave_one_legal_history(listed: Engine) -> None:
    """Sixteen connections send the same way of moves as fast as they can; each step happens once."""
    with transaction(listed) as conn:
        listing_id = first(conn)
    steps = [("rectify", 13, "Li"), ("submit", 14, "Li"), ("reject", 15, "Wang", "still there"), ("submit", 16, "Li")]
    steps += [("verify", 17, "Wang")]
    done, refused = [], []

    def send() -> None:
        for step in steps:
            try:
                with transaction(listed) as conn:
                    walk(conn, listing_id, step)
            except FinegridError as problem:
                refused.append(problem)
            else:
                done.append(step[0])

    threads = [threading.Thread(target=send) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(done) + len(refused) == 16 * len(steps)
    with transaction(listed) as conn:
        stored, again = replayed(conn, listing_id)
        events = read_listing(conn, listing_id, date(2016, 7, 1))["history"]
    assert stored == again
    assert [event["number"] for event in events] == list(range(1, len(events) + 1))
    assert len(done) == len(events) - 2
    assert all(isinstance(problem, Conflict | ParameterError) for problem in refused)


@pytest.mark.parametrize("seed", range(25))
def test_a_random_walk_is_stored_as_its_replay(conn: Connection, seed: int) -> None:
    rng = random.Random(seed)
    listing_id = first(conn, rng.choice(["segment", "spot"]))
    day, done = 12, 0
    for _ in range(40):
        day += rng.randint(0, 4)
        try:
            with conn.begin_nested():
                if rng.random() < 0.2:
                    tick(conn, at(day, 23))
                else:
                    move = rng.choice([name for name in MOVES if name != "propose"])
                    record(conn, listing_id, move, rng.choice(["Li", "Wang", "Zhao"]), NOW, at(day), "why")
            done += 1
        except (Conflict, ParameterError):
            continue
        stored, again = replayed(conn, listing_id)
        assert stored == again
    assert done
    today = at(day).date()
    for row in rows(conn, today):
        assert row["overdue_days"] == overdue_days(supervision_of(conn, row["id"]), today)


# -- the calendar ------------------------------------------------------------------------------------------------------


def test_a_tick_escalates_what_is_overdue_and_again_does_nothing(conn: Connection) -> None:
    assert tick(conn, at(22, 23)) == []
    before = versions(conn)["listings"]
    done = tick(conn, at(23, 0))
    assert {one["move"] for one in done} == {"escalate"}
    assert len(done) == len(rows(conn))
    assert versions(conn)["listings"] == before + 1
    assert tick(conn, at(23, 0)) == []
    assert versions(conn)["listings"] == before + 1
    overdue = rows(conn, date(2016, 6, 25))
    assert {(row["overdue_days"], row["overdue_points"], row["days_left"]) for row in overdue} == {(3, 3, -3)}
    assert all(row["escalated"] for row in overdue)


def test_a_tick_of_an_earlier_day_leaves_later_events_alone(conn: Connection) -> None:
    tick(conn, at(30))
    assert tick(conn, at(23)) == []


def members(conn: Connection, listing_id: int) -> dict:
    return read_listing(conn, listing_id, date(2016, 6, 12))["reports_shown"][0]


@pytest.fixture
def quiet(conn: Connection) -> Connection:
    """The same town, in which nothing was reported after 15 June but what a test reports."""
    conn.execute(text("DELETE FROM reports WHERE day > '2016-06-15'"))
    return conn


@pytest.mark.parametrize("kind", ["segment", "spot"])
def test_a_new_problem_of_its_kind_at_the_place_puts_it_back(quiet: Connection, tmp_path: Path, kind: str) -> None:
    listing_id = first(quiet, kind)
    place = members(quiet, listing_id)
    walk(quiet, listing_id, *CLEAN)
    assert tick(quiet, at(20)) == []
    report_at(quiet, tmp_path, place["lon"], place["lat"], 20, place["category"])
    assert tick(quiet, at(20)) == []  # it is reported at noon, after the tick
    with pytest.raises(Conflict, match="1 new problems"):
        record(quiet, listing_id, "delist", "office", NOW, at(27))
    done = [one for one in tick(quiet, at(21)) if one["id"] == listing_id]
    assert [(one["move"], one["state"]) for one in done] == [("put_back", "rectifying")]
    assert "the first is patrol:new" in done[0]["reason"]
    assert read_listing(quiet, listing_id, date(2016, 6, 21))["due_on"] == date(2016, 7, 1)


def test_a_retired_segment_is_watched_over_by_its_ground(quiet: Connection, tmp_path: Path) -> None:
    listing_id = first(quiet, "segment")
    place = members(quiet, listing_id)
    walk(quiet, listing_id, *CLEAN)
    report_at(quiet, tmp_path, place["lon"], place["lat"], 20, place["category"])
    quiet.execute(text("UPDATE reports SET segment_id = NULL WHERE day = '2016-06-20'"))
    quiet.execute(text("UPDATE road_segments SET retired_at = now()"))
    assert [one["move"] for one in tick(quiet, at(21)) if one["id"] == listing_id] == ["put_back"]


@pytest.mark.parametrize("beside", ["elsewhere", "other kind", "before", "after"])
def test_what_is_no_new_problem_of_its_kind_there_does_not(quiet: Connection, tmp_path: Path, beside: str) -> None:
    listing_id = first(quiet, "spot")
    place = members(quiet, listing_id)
    walk(quiet, listing_id, *CLEAN)
    lon, lat, day, code = place["lon"], place["lat"], 20, place["category"]
    if beside == "elsewhere":
        lon, lat = map(float, slanted(-0.9, 10.9))
    elif beside == "other kind":
        code = "component:0101"  # no report of the town is of this category
    else:
        day = 15 if beside == "before" else 27
    report_at(quiet, tmp_path, lon, lat, day, code)
    done = [one for one in tick(quiet, at(28)) if one["id"] == listing_id]
    assert [one["move"] for one in done] == ["delist"]


def test_overdue_days_are_given_by_street_and_period(conn: Connection) -> None:
    listing_id = first(conn)
    walk(conn, listing_id, ("rectify", 13, "Li"), ("submit", 34, "Li"))
    june, july = (overdue_in(conn, parse_period(name), date(2016, 7, 31)) for name in ("2016-06-T3", "2016-07-T1"))
    of = {row["id"]: row for row in june}[listing_id]
    assert (of["overdue_days"], of["points"]) == (8, 8)  # 23 to 30 June
    assert {row["id"]: row["overdue_days"] for row in july}[listing_id] == 4  # submitted on 4 July
    assert overdue_in(conn, PERIOD, date(2016, 7, 31)) == []
