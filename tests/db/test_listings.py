"""Listings in the database: proposed once, moved by the rule, watched over by the calendar, never rewritten."""

from __future__ import annotations

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import shapely
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from gis.errors import Conflict, FinegridError, NotFound, ParameterError
from gis.listing_by_hand import HandMade, list_by_hand
from gis.listing_reads import ListingQuery, list_listings, overdue_in, read_listing, replayed
from gis.listing_store import supervision_of
from gis.listings import propose, publish, record, tick
from gis.rules.periods import parse_period
from gis.rules.policy import POLICIES
from gis.rules.supervision import MOVES, overdue_days
from gis.store.database import create_database_engine, transaction, versions
from tests.town import build_town, slanted, some_rows, take_in, write_csv

ZONE = ZoneInfo("Asia/Shanghai")
PERIOD = parse_period("2016-06-T1")
NOW = datetime(2016, 12, 1, tzinfo=UTC)


def at(day: int, hour: int = 9) -> datetime:
    """A time in June, and so on beyond its end."""
    return datetime(2016, 6, 1, hour, tzinfo=ZONE) + timedelta(days=day - 1)


@pytest.fixture(scope="module")
def listed_url(template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The town with 4,000 reports, its first ten days of June proposed and listed on 12 June."""
    url = make_database(template_url)
    engine = create_database_engine(url)
    folder = tmp_path_factory.mktemp("listings")
    with transaction(engine) as conn:
        build_town(conn)
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '张三', '13800000000')"))
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id,"
                " '[2016-01-01T00:00Z,)' FROM persons p, cells c"
            )
        )
        take_in(conn, write_csv(folder / "reports.csv", some_rows(4000, seed=1)), source="patrol", source_kind="patrol")
        propose(conn, PERIOD, "office", at(11, 0))
        publish(conn, PERIOD, "office", at(12))
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def watched(listed_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A town that the tests of this module only write to in transactions that are rolled back."""
    engine = create_database_engine(make_database(listed_url))
    yield engine
    engine.dispose()


@pytest.fixture
def listed(listed_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A town of the test's own, for many connections."""
    engine = create_database_engine(make_database(listed_url), pool_size=16)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(watched: Engine) -> Iterator[Connection]:
    """One open transaction, rolled back at the end."""
    with watched.connect() as conn:
        yield conn


def rows(conn: Connection, today: date = date(2016, 6, 12), **query: str) -> list[dict]:
    return list_listings(conn, ListingQuery(**query), today)


def first(conn: Connection, kind: str = "segment") -> int:
    return next(row["id"] for row in rows(conn) if row["kind"] == kind)


def walk(conn: Connection, listing_id: int, *steps: tuple) -> None:
    for move, day, actor, *reason in steps:
        record(conn, listing_id, move, actor, NOW, at(day), *reason)


CLEAN = (("rectify", 13, "Li"), ("submit", 15, "Li"), ("verify", 16, "Wang"))


def report_at(conn: Connection, tmp_path: Path, lon: float, lat: float, day: int, code: str = "0501") -> None:
    moment = at(day, 12).replace(tzinfo=None).isoformat()
    line = [(f"new{random.random()}", repr(lon), repr(lat), moment, code)]
    take_in(conn, write_csv(tmp_path / "new.csv", line), source="patrol")


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


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_a_segment_by_hand(conn: Connection) -> None:
    conn.execute(
        text(
            "UPDATE listings SET state = 'delisted', verified_at = now(), hold_until = now(), verifier = 'x',"
            " submitted_on = now()"
        )
    )
    listing_id = list_by_hand(conn, HandMade("mayor", "a walk", "R000003", period=PERIOD, at=at(14)), NOW)
    listing = read_listing(conn, listing_id, date(2016, 6, 14))
    assert (listing["state"], listing["rank"], listing["proposal"]) == ("listed", None, None)
    by_rule = next(row for row in rows(conn) if row["code"] == "R000003" and row["id"] != listing_id)
    for name in ("reports", "weighted", "score", "length_m", "lon", "lat", "street_code", "responsible"):
        assert listing[name] == by_rule[name], name
    assert listing["history"][0]["reason"] == "a walk"
    with pytest.raises(Conflict, match=f"on the list already, as listing {listing_id}"):
        list_by_hand(conn, HandMade("mayor", "a walk", "R000003", at=at(14)), NOW)


def test_a_spot_by_hand_stands_for_what_is_within_reach(conn: Connection) -> None:
    conn.execute(text("DELETE FROM listing_reports"))
    conn.execute(text("UPDATE listings SET ground = 'SRID=4326;MULTIPOLYGON(((0 0, 0 1, 1 1, 0 0)))'"))
    lon, lat = map(float, slanted(4.3, 6.4))
    listing_id = list_by_hand(
        conn, HandMade("mayor", "a fire", lon=lon, lat=lat, datum="wgs84", period=PERIOD, at=at(14)), NOW
    )
    near = conn.execute(
        text(
            "SELECT count(*) FROM reports WHERE day >= '2016-06-01' AND day < '2016-06-11' AND ST_Distance("
            " ST_Transform(geom, 4547), ST_Transform(ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), 4547)) <= 50"
        ),
        {"lon": lon, "lat": lat},
    ).scalar_one()
    listing = read_listing(conn, listing_id, date(2016, 6, 14))
    assert near > 0
    assert listing["reports"] == len(listing["reports_shown"]) == near
    with pytest.raises(Conflict, match="on the list already"):
        list_by_hand(conn, HandMade("m", "again", lon=lon + 2e-4, lat=lat, datum="wgs84", at=at(14)), NOW)


@pytest.mark.parametrize(
    ("place", "parameter"),
    [
        ({"segment": "R999"}, "segment"),
        ({"segment": "R000001", "lon": 113.6, "lat": 34.7, "datum": "wgs84"}, "segment"),
        ({"lon": 113.6, "datum": "wgs84"}, "lat"),
        ({"lon": 113.605, "lat": 34.705}, "datum"),
        ({"lon": 12.0, "lat": 34.705, "datum": "wgs84"}, "lon"),
        ({"lon": 34.7, "lat": 113.6, "datum": "wgs84"}, "lat"),
        ({"segment": "R000003", "period": parse_period("2016-06")}, "period"),
        ({"segment": "R000003", "at": at(400)}, "at"),
        ({"segment": "R000003", "reason": " "}, "reason"),
    ],
)
def test_a_place_by_hand_that_is_none(conn: Connection, place: dict, parameter: str) -> None:
    with pytest.raises(ParameterError) as refused:
        list_by_hand(conn, HandMade(**{"actor": "mayor", "reason": "why", **place}), NOW)
    assert refused.value.parameter == parameter


def test_one_place_is_listed_once_by_two_at_the_same_moment(listed: Engine) -> None:
    with transaction(listed) as conn:
        conn.execute(
            text(
                "UPDATE listings SET state = 'delisted', verified_at = now(), hold_until = now(),"
                " verifier = 'x', submitted_on = now()"
            )
        )
    answers = []

    def send() -> None:
        try:
            with transaction(listed) as conn:
                answers.append(list_by_hand(conn, HandMade("m", "why", "R000003", at=at(14)), NOW))
        except Conflict:
            answers.append(None)

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(one is not None for one in answers) == 1


# -- reading -----------------------------------------------------------------------------------------------------------


def test_filters(conn: Connection) -> None:
    every = rows(conn)
    walk(conn, every[0]["id"], ("rectify", 13, "Li"))
    assert [row["id"] for row in rows(conn, state="rectifying")] == [every[0]["id"]]
    assert len(rows(conn, state="open")) == len(every)
    assert rows(conn, state="delisted") == []
    assert {row["kind"] for row in rows(conn, kind="spot")} == {"spot"}
    assert len(rows(conn, period=parse_period("2016-06"))) == len(rows(conn, period=PERIOD)) == len(every)
    assert rows(conn, period=PERIOD.following()) == []
    of_street = rows(conn, street="410101001")
    assert of_street
    assert {row["street_code"] for row in of_street} == {"410101001"}
    placed = [row for row in every if row["street_code"]]
    assert len(rows(conn, street="410101")) == len(placed)


def test_ground_holds_what_a_listing_stands_for(conn: Connection) -> None:
    for row in rows(conn):
        ground, point = conn.execute(
            text("SELECT ST_AsBinary(ground), ST_AsBinary(geom) FROM listings WHERE id = :id"), {"id": row["id"]}
        ).one()
        shape = shapely.from_wkb(bytes(ground))
        assert shapely.covers(shape, shapely.from_wkb(bytes(point)))
        reports = read_listing(conn, row["id"], date(2016, 6, 12))["reports_shown"]
        points = shapely.points([(one["lon"], one["lat"]) for one in reports])
        # A circle is drawn with 32 sides, a quarter of a metre inside it at most.
        assert (shapely.distance(shape, points) < 3e-6).all()
