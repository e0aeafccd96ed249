"""A policy file in the database: from its day on, in every answer, with its history; what it may not change."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Connection, Engine, text

from gis.cases import Move
from gis.cases import record as record_case
from gis.coverage import road_coverage
from gis.errors import CityError, Conflict, FileError, ParameterError
from gis.listing_reads import ListingQuery, list_listings, overdue_in, replayed
from gis.policies import city_policies, city_policy, policy_by_day
from gis.policy_files import load_policy, policy_history, read_policy_file
from gis.policy_reads import policy_of_day
from gis.rules.periods import parse_period
from gis.rules.policy import POLICIES
from gis.staffing import staffing
from gis.store.database import create_database_engine, transaction, versions
from gis.verify import verify
from gis.worst import worst
from tests.api.tiny import fill, tiny_facts
from tests.conftest import json_of
from tests.town import build_town, some_rows, take_in, write_csv
from tests.under_way import open_some_cases

NOW = datetime(2016, 7, 1, tzinfo=UTC)
MARCH = """
[[from]]
effective = 2016-03-01
reason = "第12号令"
coordinators_key_per_km2 = 35
"""
Load = Callable[..., object]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(conn: Connection, document: str, now: datetime = NOW):
        path = tmp_path / "policy.toml"
        path.write_text(document, encoding="utf-8")
        return load_policy(conn, read_policy_file(path), "office", now)

    return load


def one(effective: str, **values: object) -> str:
    lines = [f"{name} = {value}" for name, value in values.items()]
    return "\n".join(["[[from]]", f"effective = {effective}", 'reason = "x"', *lines, ""])


def test_a_number_acts_from_its_day_on_and_not_before(conn: Connection, load: Load) -> None:
    fill(conn, tiny_facts())
    before = {row.code: row for row in staffing(conn, "street", date(2016, 3, 1)).rows if row.tier == "key"}
    seen = versions(conn).get("policy", 0)
    done = load(conn, MARCH)
    assert versions(conn)["policy"] == seen + 1
    assert [(one.name, one.from_day, one.before, one.after) for one in done.differences] == [
        ("coordinators_key_per_km2", date(2016, 3, 1), 30, 35)
    ]
    for day, per_km2 in ((date(2016, 2, 29), 30), (date(2016, 3, 1), 35), (date(2020, 1, 1), 35)):
        answer = staffing(conn, "street", day)
        assert answer.rule()["per_km2"]["key"] == per_km2
        for row in answer.rows:
            if row.tier == "key":
                assert row.required == math.ceil(before[row.code].area_km2 * per_km2)
    assert answer.rule()["effective"] == date(2016, 3, 1)


def test_without_a_file_the_rule_book_holds(conn: Connection) -> None:
    assert city_policies(conn) is POLICIES
    assert policy_by_day(conn)(date(2016, 6, 1)) is POLICIES[0]


def test_values_come_back_as_they_were_written(conn: Connection, load: Load) -> None:
    fill(conn, tiny_facts())
    load(conn, one("2016-03-01", spot_reach_m=41, coverage_needed=0.1, office_hours='"09:00-17:00"', spot_reports=7))
    policy = city_policy(conn, date(2016, 3, 1))
    assert (policy.spot_reach_m, policy.coverage_needed, policy.office_hours) == (41.0, 0.1, "09:00-17:00")
    assert isinstance(policy.spot_reach_m, float)
    rows = {row["name"]: row for row in policy_of_day(conn, date(2016, 3, 1)).rows}
    assert rows["spot_reports"] == {
        "name": "spot_reports",
        "value": 7,
        "unit": "reports",
        "clause": "9",
        "mark": "default",
        "meaning": rows["spot_reports"]["meaning"],
        "overridden": True,
        "rule_book": 5,
        "since": date(2016, 3, 1),
        "reason": "x",
    }
    assert rows["hold_days"]["overridden"] is False
    assert rows["hold_days"]["since"] is None
    assert not any(row["overridden"] for row in policy_of_day(conn, date(2016, 2, 29)).rows)


def test_the_newest_file_holds_whole_and_the_history_stays(conn: Connection, load: Load) -> None:
    fill(conn, tiny_facts())
    first = load(conn, MARCH)
    assert load(conn, MARCH + "# a remark\n").changed is False
    second = load(conn, one("2016-06-01", spot_reports=7))
    assert city_policy(conn, date(2016, 6, 1)).coordinators_key_per_km2 == 30
    assert [row["number"] for row in policy_history(conn)] == [second.load_id, first.load_id]
    third = load(conn, "")
    assert third.changed
    assert city_policies(conn) is POLICIES
    assert load(conn, "").changed is False
    again = load(conn, MARCH)
    assert again.sha256 == first.sha256
    assert [row["loaded_by"] for row in policy_history(conn)] == ["office"] * 4


def test_a_number_of_another_version_of_the_rule_book_changes_nothing(conn: Connection, load: Load) -> None:
    fill(conn, tiny_facts())
    load(conn, MARCH)
    conn.execute(text("UPDATE policy_overrides SET name = 'gone'"))
    assert city_policy(conn, NOW.date()).coordinators_key_per_km2 == 30


def test_nobody_and_no_city(conn: Connection, load: Load, tmp_path: Path) -> None:
    with pytest.raises(CityError, match="no city yet"):
        load(conn, MARCH)
    fill(conn, tiny_facts())
    (tmp_path / "p.toml").write_text(MARCH)
    for actor in (" ", "a\0b", "x" * 300):
        with pytest.raises(ParameterError, match="say who"):
            load_policy(conn, read_policy_file(tmp_path / "p.toml"), actor, NOW)


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for content in (b"\xff\xfe", b"[[from", b"a = " + b"[" * 100_000, b"# " + b"x" * (1 << 20), b"x = " + b"9" * 5000):
        path = tmp_path / "policy.toml"
        path.write_bytes(content)
        with pytest.raises(FileError, match=r"policy\.toml"):
            read_policy_file(path)
    with pytest.raises(FileError, match="cannot be read"):
        read_policy_file(tmp_path / "none.toml")
    path.write_text("".join(one(f"2016-01-{day:02d}", nothing=1) for day in range(1, 29)))
    with pytest.raises(FileError, match="and 8 more"):
        read_policy_file(path)


# -- acting everywhere -------------------------------------------------------------------------------------------------


@pytest.fixture
def lively(conn: Connection, tmp_path: Path) -> Connection:
    build_town(conn)
    take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(3000)))
    return conn


def test_the_worst_of_a_period(lively: Connection, load: Load) -> None:
    period = parse_period("2016-06-T1")
    before = worst(lively, period)
    load(lively, one("2016-06-01", listing_count=2, problem_weight_posters=0))
    after = worst(lively, period)
    assert (len(before.segments), len(after.segments)) == (len(before.segments), min(2, len(before.segments)))
    assert len(before.segments) > 2
    assert after.policy.effective == date(2016, 6, 1)
    assert worst(lively, parse_period("2016-05-T3")).policy.listing_count == 10


def test_coverage(lively: Connection, load: Load) -> None:
    load(lively, one("2016-06-05", surveyed_share=0.5, coverage_needed=0.0))
    assert road_coverage(lively, parse_period("2016-06-T1")).total.enough is True
    assert road_coverage(lively, parse_period("2016-05-T3")).total.enough is False


def test_a_wider_reach_places_every_report_anew(lively: Connection, load: Load) -> None:
    assert verify(lively).differences == 0
    near = lively.execute(text("SELECT count(*) FROM reports WHERE segment_id IS NOT NULL")).scalar_one()
    done = load(lively, one("2016-06-01", segment_reach_m=200))
    wide = lively.execute(text("SELECT count(*) FROM reports WHERE segment_id IS NOT NULL")).scalar_one()
    assert wide > near
    assert done.reassigned >= wide - near
    assert verify(lively).differences == 0
    load(lively, "")
    assert lively.execute(text("SELECT count(*) FROM reports WHERE segment_id IS NOT NULL")).scalar_one() == near
    assert verify(lively).differences == 0


def test_listed_places_keep_the_days_they_were_given(conn: Connection, load: Load, tmp_path: Path) -> None:
    fill(conn, tiny_facts())
    from gis.listing_by_hand import HandMade, list_by_hand

    place = HandMade("mayor", "a walk", segment="R1", at=datetime(2016, 6, 1, tzinfo=UTC))
    with pytest.raises(ParameterError):
        list_by_hand(conn, HandMade("mayor", "", segment="R1"), NOW)
    listing = list_by_hand(conn, place, NOW)
    with pytest.raises(Conflict, match="listing_days: listed places of days before 2016-07-02 were timed by 10"):
        load(conn, one("2016-05-01", listing_days=3))
    load(conn, one("2016-06-02", listing_days=3, overdue_points_per_day=2))
    stored, again = replayed(conn, listing)
    assert stored == again
    assert stored["due_on"] == date(2016, 6, 11)
    (row,) = list_listings(conn, ListingQuery(), date(2016, 6, 21))
    assert (row["overdue_days"], row["overdue_points"]) == (10, 20)
    assert [found["points"] for found in overdue_in(conn, parse_period("2016-06-T2"), NOW.date())] == [18]
    other = list_by_hand(conn, HandMade("mayor", "again", segment="R2", at=datetime(2016, 6, 20, tzinfo=UTC)), NOW)
    assert replayed(conn, other)[0]["due_on"] == date(2016, 6, 23)


def test_office_hours_may_change_for_days_to_come_only(conn: Connection, load: Load, tmp_path: Path) -> None:
    from gis.report_files import ReportFile
    from gis.reports import ImportOrder, import_reports
    from tests.api.tiny import write_reports

    facts = tiny_facts()
    fill(conn, facts)
    path = write_reports(tmp_path / "reports.csv", facts.reports)
    import_reports(conn, ImportOrder(ReportFile(path, {"reported_at": "time"}), "patrol", crs="wgs84"))
    load(conn, one("2016-03-01", office_hours='"09:00-17:00"', case_limit_work_days=2))
    open_some_cases(conn)
    with pytest.raises(Conflict, match="it can change from 2016-07-02 on"):
        load(conn, "")
    load(conn, one("2016-03-01", office_hours='"09:00-17:00"') + one("2016-07-02", office_hours='"08:00-16:00"'))
    days = conn.execute(text("SELECT DISTINCT allowed FROM cases WHERE limit_unit = 'work_days'")).scalars().all()
    assert len(days) == 1
    assert days[0].total_seconds() == 2 * 8 * 3600
    case = conn.execute(text("SELECT min(id) FROM cases WHERE state = 'filed'")).scalar_one()
    record_case(conn, case, Move("dispatch", "centre", NOW, department="CG"), NOW)


def test_published_standings_are_named_and_left_alone(conn: Connection, load: Load) -> None:
    fill(conn, tiny_facts())
    for link, (period, first, after) in enumerate(
        (("2016-02-T3", "2016-02-21", "2016-03-01"), ("2016-03-T1", "2016-03-01", "2016-03-11")), 1
    ):
        conn.execute(
            text(
                "INSERT INTO standings (level, period, first_day, after_day, revision, as_of, policy_effective, policy,"
                " facts, facts_sha256, result_sha256, rules, drafted_at, drafted_by, published_at, published_by, link,"
                " previous_sha256, sha256) VALUES ('street', :period, :first, :after, 1, now(), '2015-01-01', '{}', '',"
                " '', '', 1, now(), 'x', now(), 'x', :link, '', '')"
            ),
            {"period": period, "first": first, "after": after, "link": link},
        )
    warnings = load(conn, MARCH).warnings
    assert warnings[-1] == (
        "the standing of streets of 2016-03-T1 is published by other numbers (coordinators_key_per_km2); it stays as "
        "it is"
    )
    assert not any("2016-02-T3" in warning for warning in warnings)


def test_two_loads_at_once_follow_each_other(database_url: str, load: Load, tmp_path: Path) -> None:
    engine = create_database_engine(database_url, pool_size=8)
    with transaction(engine) as conn:
        fill(conn, tiny_facts())
    errors: list[Exception] = []

    def work(number: int) -> None:
        path = tmp_path / f"{number}.toml"
        path.write_text(one("2016-03-01", spot_reports=10 + number))
        try:
            with transaction(engine) as conn:
                load_policy(conn, read_policy_file(path), f"clerk {number}", NOW)
        except Exception as problem:
            errors.append(problem)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    with transaction(engine, read_only=True) as conn:
        newest = next(policy_history(conn))
        assert city_policy(conn, NOW.date()).spot_reports == 10 + int(newest["loaded_by"].split()[1])
        assert len(list(policy_history(conn))) == 3
    engine.dispose()


# -- the command -------------------------------------------------------------------------------------------------------


def test_the_command(finegrid: Callable[..., Result], engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as conn:
        fill(conn, tiny_facts())
    path = tmp_path / "policy.toml"
    path.write_text(MARCH, encoding="utf-8")
    assert json_of(finegrid("policy", "check", path, "--json"))["entries"] == 1
    shown = finegrid("policy", "diff", path).stdout
    assert "coordinators_key_per_km2" in shown
    done = json_of(finegrid("policy", "load", path, "--actor", "office", "--json"))
    assert done["changed"] is True
    assert done["changes"] == [
        {"name": "coordinators_key_per_km2", "from": "2016-03-01", "to": None, "before": 30, "after": 35}
    ]
    assert "this holds already" in finegrid("policy", "load", path).stdout
    rows = json_of(finegrid("policy", "show", "--on", "2016-03-01", "--own", "--json"))["rows"]
    assert [(row["name"], row["value"], row["reason"]) for row in rows] == [
        ("coordinators_key_per_km2", 35, "第12号令")
    ]
    rows = json_of(finegrid("policy", "diff", "2016-02-29", "2016-03-01", "--json"))["rows"]
    assert [(row["before"], row["after"]) for row in rows] == [(30, 35)]
    assert finegrid("policy", "diff", "2016-02-29").exit_code == 2
    assert finegrid("policy", "diff", path, "2016-02-29").exit_code == 2
    assert finegrid("policy", "diff", path).stderr == "0 differences\n"
    assert "office" in finegrid("policy", "history").stdout
    assert finegrid("policy", "history", "--text", "1").stdout.strip() == MARCH.strip()
    assert finegrid("policy", "history", "--text", "2").exit_code == 1
    path.write_text(one("2016-03-01", spot_report=1))
    for command in ("check", "load", "diff"):
        refused = finegrid("policy", command, path)
        assert refused.exit_code == 1
        assert "did you mean spot_reports" in refused.stderr
