"""Cases: opened by reports, moved by the rule, every move kept."""

from __future__ import annotations

import threading
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from gis.calendars import fill_calendar, load_calendar
from gis.case_opening import open_case, open_cases
from gis.case_reads import CaseQuery, list_cases, read_case, replayed, reports_without_case
from gis.cases import Move, record, recount
from gis.departments import load_departments, load_limits
from gis.errors import Conflict, NotFound, ParameterError, RowsRefused
from tests.town import build_town, slanted, take_in, write_csv

NOW = datetime(2016, 6, 30, tzinfo=UTC)
FOUND = datetime(2016, 6, 1, 0, 30, tzinfo=UTC)  # 08:30 in Shanghai, a Wednesday
CENTRE = "supervision centre"


def at(minutes: float) -> datetime:
    return FOUND + timedelta(minutes=minutes)


def report(number: int, east_m: float = 0, when: str = "2016-06-01T08:30:00", code: str = "0505") -> tuple[str, ...]:
    lon, lat = slanted(2.5, 3.5)
    return (f"r{number}", repr(float(lon) + east_m / 91_500), repr(float(lat)), when, code)


@pytest.fixture
def town_with_reports(conn: Connection, tmp_path: Path, write_csv_rows) -> Connection:
    build_town(conn)
    conn.execute(text("INSERT INTO persons (ref, name) VALUES ('P1', '甲'), ('P2', '乙')"))
    conn.execute(
        text(
            "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id, CASE p.ref"
            " WHEN 'P1' THEN tstzrange('2016-01-01', '2016-06-01T00:45Z') ELSE tstzrange('2016-06-01T00:45Z', NULL) END"
            " FROM persons p, cells c"
        )
    )
    rows = [
        report(1),
        report(2, 30, "2016-06-01T09:00:00"),
        report(3, 49.5, "2016-06-02T09:00:00"),
        report(4, 120, "2016-06-02T09:00:00"),
        report(5, 0, "2016-06-11T09:00:00"),
        report(6, 0, "2016-06-01T09:10:00", "0501"),
    ]
    take_in(conn, write_csv(tmp_path / "r.csv", rows))
    load_departments(conn, write_csv_rows("d.csv", "code,name", "CG,城管局", "JJ,交警队", "SY,市政院"))
    load_limits(conn, write_csv_rows("l.csv", "category,amount,unit,department", "0505,2,urgent_hours,JJ"))
    return conn


@pytest.fixture
def write_csv_rows(tmp_path: Path):
    def write(name: str, *lines: str) -> Path:
        (tmp_path / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
        return tmp_path / name

    return write


def open_one(conn: Connection, number: int = 1, minutes: float = 1) -> int:
    return open_case(conn, "patrol", f"r{number}", CENTRE, NOW, at(minutes))[0]


def go(conn: Connection, case_id: int, *moves: str, start: float = 2) -> None:
    for step, move in enumerate(moves):
        record(conn, case_id, Move(move, CENTRE, at(start + step), reason="because"), NOW)


def test_from_report_to_closed_case(town_with_reports: Connection) -> None:
    conn = town_with_reports
    case_id = open_one(conn)
    go(conn, case_id, "verify", "accept", "file", "dispatch", "handle", "check", "close")
    case = read_case(conn, case_id)
    assert case["state"] == "closed"
    assert case["on_time"] is True
    assert case["department"] == "JJ"  # the category's own
    assert case["used_s"] == 4 * 60  # from filing to closing
    assert case["due_at"] is None
    assert case["responsible"] == "P1"
    assert [event["move"] for event in case["history"]] == [
        "open", "verify", "accept", "file", "dispatch", "handle", "check", "close",
    ]  # fmt: skip
    assert [event["at"] for event in case["history"]] == [at(1 + n) for n in range(8)]
    assert case["history"][3]["due_at"] == at(4) + timedelta(hours=2)
    stored, again = replayed(conn, case_id)
    assert stored == again


def test_the_person_on_duty_is_the_one_of_the_instant(town_with_reports: Connection) -> None:
    assert read_case(town_with_reports, open_one(town_with_reports, 1))["responsible"] == "P1"
    assert read_case(town_with_reports, open_one(town_with_reports, 6, 45))["responsible"] == "P2"


def test_duplicates_keep_every_report_and_count_one_case(town_with_reports: Connection) -> None:
    conn = town_with_reports
    first = open_one(conn)
    assert open_case(conn, "patrol", "r1", CENTRE, NOW) == (first, False)  # the same again
    assert open_case(conn, "patrol", "r2", CENTRE, NOW) == (first, False)  # 30 m
    assert open_case(conn, "patrol", "r3", CENTRE, NOW) == (first, False)  # 49.5 m from the case, not from r2
    for number in (4, 5, 6):  # too far, another period, another category
        assert open_case(conn, "patrol", f"r{number}", CENTRE, NOW)[1] is True
    case = read_case(conn, first)
    assert [one["source_ref"] for one in case["reports"]] == ["r1", "r2", "r3"]
    assert [event["move"] for event in case["history"]] == ["open", "attach", "attach"]
    assert len(list_cases(conn, CaseQuery())) == 4
    assert conn.execute(text("SELECT count(*) FROM case_reports")).scalar() == 6


def test_an_ended_case_takes_no_more_reports(town_with_reports: Connection) -> None:
    conn = town_with_reports
    first = open_one(conn)
    go(conn, first, "void")
    assert open_case(conn, "patrol", "r2", CENTRE, NOW)[1] is True


def test_many_reports_at_once_are_the_same_as_one_by_one(town_with_reports: Connection) -> None:
    conn = town_with_reports
    waiting = reports_without_case(conn, date(2016, 6, 1), date(2016, 7, 1))
    assert [ref for _, ref in waiting] == ["r1", "r2", "r6", "r3", "r4", "r5"]
    assert open_cases(conn, waiting, CENTRE, NOW) == 4
    assert reports_without_case(conn, date(2016, 6, 1), date(2016, 7, 1)) == []
    assert [row["report_count"] for row in list_cases(conn, CaseQuery())] == [3, 1, 1, 1]


def test_merging_by_hand_moves_the_reports(town_with_reports: Connection) -> None:
    conn = town_with_reports
    far, near = open_one(conn, 4, 1600), open_one(conn, 1)
    with pytest.raises(Conflict, match=r"they lie 12\d\.\d m apart; within 50 m they would be one problem"):
        record(conn, far, Move("merge", CENTRE, NOW, other=near), NOW)
    with pytest.raises(NotFound, match="there is no case 99"):
        record(conn, near, Move("merge", CENTRE, NOW, other=99), NOW)
    conn.execute(text("UPDATE cases SET geom = (SELECT o.geom FROM cases o WHERE o.id = :near)"), {"near": near})
    record(conn, far, Move("merge", CENTRE, NOW, other=near), NOW)
    gone, kept = read_case(conn, far), read_case(conn, near)
    assert (gone["state"], gone["merged_into"], gone["reports"]) == ("void", near, [])
    assert [one["source_ref"] for one in kept["reports"]] == ["r1", "r4"]
    assert kept["history"][-1]["reason"] == f"case {far}"
    assert kept["history"][-1]["other"] == far


def test_illegal_moves_change_nothing_and_say_what_is_legal(town_with_reports: Connection) -> None:
    conn = town_with_reports
    case_id = open_one(conn)
    with pytest.raises(Conflict, match="close is not legal in the state reported: it is legal in checked; from"):
        record(conn, case_id, Move("close", CENTRE, at(5)), NOW)
    with pytest.raises(Conflict, match="lies before the last move"):
        record(conn, case_id, Move("verify", CENTRE, at(0)), NOW)
    with pytest.raises(ParameterError, match=r"at: .* lies in the future"):
        record(conn, case_id, Move("verify", CENTRE, NOW + timedelta(minutes=2)), NOW)
    with pytest.raises(ParameterError, match="move: 'vanish' is none of verify, accept"):
        record(conn, case_id, Move("vanish", CENTRE), NOW)
    with pytest.raises(ParameterError, match="reason: is missing; void needs it"):
        record(conn, case_id, Move("void", CENTRE, at(3)), NOW)
    with pytest.raises(ParameterError, match="actor"):
        record(conn, case_id, Move("verify", " ", at(3)), NOW)
    with pytest.raises(NotFound):
        record(conn, 999, Move("verify", CENTRE, at(3)), NOW)
    assert read_case(conn, case_id)["events"] == 1


def test_who_comes_second_is_told(town_with_reports: Connection) -> None:
    case_id = open_one(town_with_reports)
    record(town_with_reports, case_id, Move("verify", CENTRE, at(2), expected=1), NOW)
    with pytest.raises(Conflict, match="has 2 events by now, not 1"):
        record(town_with_reports, case_id, Move("void", CENTRE, at(3), reason="none", expected=1), NOW)


def test_joint_handling_closes_by_the_rule_only(town_with_reports: Connection) -> None:
    conn = town_with_reports
    case_id = open_one(conn)
    go(conn, case_id, "verify", "accept", "file", "dispatch")
    ask = Move("ask", CENTRE, at(7), "move the poles", "SY", due_at=at(120))
    with pytest.raises(ParameterError, match="due_at: is missing"):
        record(conn, case_id, Move("ask", CENTRE, at(7), "move the poles", "SY"), NOW)
    with pytest.raises(ParameterError, match="there is no department 'XX'; there are CG, JJ, SY"):
        record(conn, case_id, Move("ask", CENTRE, at(7), "move", "XX", due_at=at(120)), NOW)
    with pytest.raises(Conflict, match="cannot support itself"):
        record(conn, case_id, Move("ask", CENTRE, at(7), "move", "JJ", due_at=at(120)), NOW)
    record(conn, case_id, ask, NOW)
    record(conn, case_id, Move("ask", CENTRE, at(8), "sweep", "CG", due_at=at(120)), NOW)
    go(conn, case_id, "handle", "check", start=9)
    with pytest.raises(Conflict, match="tasks of supporting departments are open: 1, 2"):
        record(conn, case_id, Move("close", CENTRE, at(12)), NOW)
    record(conn, case_id, Move("do", "SY foreman", at(13), task=1), NOW)
    with pytest.raises(Conflict, match="task 1 is done already"):
        record(conn, case_id, Move("waive", CENTRE, at(14), "not needed", task=1), NOW)
    record(conn, case_id, Move("waive", CENTRE, at(14), "rain swept it", task=2), NOW)
    with pytest.raises(Conflict, match="has not confirmed yet"):
        record(conn, case_id, Move("close", CENTRE, at(15)), NOW)
    with pytest.raises(Conflict, match="only the lead department confirms"):
        record(conn, case_id, Move("confirm", "SY foreman", at(15), department="SY"), NOW)
    record(conn, case_id, Move("confirm", "JJ head", at(16), department="JJ"), NOW)
    record(conn, case_id, Move("close", CENTRE, at(17)), NOW)
    case = read_case(conn, case_id)
    assert [(task["department"], task["state"]) for task in case["tasks"]] == [("SY", "done"), ("CG", "waived")]
    assert replayed(conn, case_id)[0] == replayed(conn, case_id)[1]


def test_the_database_itself_refuses_what_the_rule_forbids(town_with_reports: Connection) -> None:
    conn = town_with_reports
    case_id = open_one(conn)
    for statement, says in (
        ("UPDATE case_events SET actor = 'somebody else'", "append-only"),
        ("DELETE FROM case_events", "append-only"),
        ("TRUNCATE case_events", "append-only"),
        ("UPDATE cases SET state = 'closed'", "ck_cases_ended"),
        ("UPDATE cases SET tasks = 1, open_tasks = 2", "ck_cases_tasks_add_up"),
    ):
        with pytest.raises(Exception, match=says), conn.begin_nested():
            conn.execute(text(statement))
    assert read_case(conn, case_id)["events"] == 1


def test_work_days_skip_holidays_and_follow_swapped_workdays(town_with_reports: Connection) -> None:
    conn = town_with_reports
    summary = fill_calendar(conn, "CN", [2016], date(2016, 1, 1))
    assert summary.added > 10
    case_id = open_one(conn, 6, 41)
    go(conn, case_id, "verify", "accept", "file", start=45)  # filed 09:17 on Wednesday 1 June, three work days
    assert read_case(conn, case_id)["due_at"] == datetime(2016, 6, 6, 1, 17, tzinfo=UTC)
    late = open_one(conn, 5, 60 * 24 * 10 + 31)
    # 12 June is a Sunday on which China worked in 2016, for the Dragon Boat holiday from the 9th to the 11th.
    go(conn, late, "verify", "accept", start=60 * 24 * 10 + 40)
    assert read_case(conn, late)["limit_unit"] == "urgent_hours"


def test_a_changed_calendar_moves_the_due_time_and_says_so(town_with_reports: Connection, write_csv_rows) -> None:
    conn = town_with_reports
    case_id = open_one(conn, 6, 41)
    go(conn, case_id, "verify", "accept", "file", start=45)
    path = write_csv_rows("c.csv", "day,kind,name", "2016-06-02,holiday,feast")
    with pytest.raises(Conflict, match="timed by the calendar of the past already, so it cannot change: 2016-06-02"):
        load_calendar(conn, path, today=date(2016, 6, 3))
    load_calendar(conn, path, today=date(2016, 6, 2))
    assert recount(conn, "calendar", at(60)) == 1
    assert recount(conn, "calendar", at(60)) == 0
    case = read_case(conn, case_id)
    assert case["due_at"] == datetime(2016, 6, 7, 1, 17, tzinfo=UTC)
    assert case["history"][-1]["move"] == "recount"
    assert replayed(conn, case_id)[0] == replayed(conn, case_id)[1]


def test_bad_calendars_and_limits_are_refused_by_row(town_with_reports: Connection, write_csv_rows) -> None:
    conn = town_with_reports
    with pytest.raises(RowsRefused, match="row 2: the kind 'off'") as calendar:
        load_calendar(
            conn,
            write_csv_rows("c.csv", "day,kind", "2016-13-01,holiday", "2016-05-02,off", "2016-05-03,holiday"),
            today=date(2016, 1, 1),
        )
    assert [one.row for one in calendar.value.problems] == [1, 2]
    rows = ("0101,2,work_days,", "9999,2,work_days,", "0501,0,work_days,", "0501,2,weeks,", "0501,2,work_days,XX")
    with pytest.raises(RowsRefused) as limits:
        load_limits(conn, write_csv_rows("l.csv", "category,amount,unit,department", *rows))
    assert [one.row for one in limits.value.problems] == [1, 2, 3, 4, 5]


def test_sixteen_clients_on_one_case_lose_nothing(town_with_reports: Connection, engine: Engine) -> None:
    """Everybody tries every move at once; each history is legal, and what was answered with success is in it."""
    conn = town_with_reports
    case_id = open_one(conn)
    conn.commit()
    succeeded: list[str] = []
    lock = threading.Lock()

    def client(number: int) -> None:
        moves = ["verify", "accept", "file", "dispatch", "handle", "rework", "handle", "check", "suspend", "resume"]
        for step in range(12):
            move = moves[(number + step) % len(moves)]
            try:
                with engine.begin() as own:
                    changed = record(own, case_id, Move(move, f"client {number}", reason="r"), datetime.now(UTC))
            except Conflict:
                continue
            with lock:
                succeeded.append(f"{changed.events} {move}")

    threads = [threading.Thread(target=client, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    case = read_case(conn, case_id)
    assert sorted(succeeded) == sorted(f"{event['number']} {event['move']}" for event in case["history"][1:])
    assert len(succeeded) > 3
    stored, again = replayed(conn, case_id)
    assert stored == again


def test_two_reports_of_one_problem_at_once_open_one_case(town_with_reports: Connection, engine: Engine) -> None:
    town_with_reports.commit()
    answers = []

    def client(number: int) -> None:
        with engine.begin() as own:
            answers.append(open_case(own, "patrol", f"r{number}", CENTRE, NOW))

    threads = [threading.Thread(target=client, args=(1 + number % 3,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({case_id for case_id, _ in answers}) == 1
    assert sum(opened for _, opened in answers) == 1
    assert len(read_case(town_with_reports, answers[0][0])["reports"]) == 3
