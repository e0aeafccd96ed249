"""Indicators counted by the database, and counted again from the histories in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gis.ground import load_ground
from gis.indicators import IndicatorQuery, indicators
from gis.rules.cases import MOVES, Case, Event, replay
from gis.rules.indicators import Counts, summed
from gis.store.database import create_database_engine
from tests.case_histories import CALENDAR, ZONE, History, add_departments, make_histories, store
from tests.town import build_town, some_rows, take_in, write_csv

LONG_AFTER = datetime(2030, 1, 1, tzinfo=UTC)
WINDOWS = [
    (date(2016, 5, 20), date(2016, 5, 21)),
    (date(2016, 5, 21), date(2016, 6, 1)),
    (date(2016, 6, 1), date(2016, 6, 11)),
    (date(2016, 6, 25), date(2016, 7, 25)),
    (date(2016, 1, 1), date(2017, 1, 1)),
]


def midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def life(history: History, end: datetime) -> list[Event]:
    """Moves of the life-cycle before an instant; double ten changes no state."""
    return [event for event in history.events if not MOVES[event.move].response and event.at < end]


def case_at(history: History, moves: list[Event]) -> Case:
    return replay(history.found_at, history.case.limit_unit, moves, CALENDAR)


def is_overdue(history: History, moves: list[Event], end: datetime) -> bool:
    """Whether a case was open past its limit at an instant; a clock stopped too late has run out."""
    case = case_at(history, moves)
    if case.ended_at is not None:
        return False
    if case.state == "suspended":
        last = max(at for at, event in enumerate(moves) if event.move == "suspend")
        return case_at(history, moves[:last]).due_at < moves[last].at
    return case.due_at is not None and case.due_at < end


def counted(history: History, start: datetime, end: datetime) -> Counts:
    """What a case counts for in a window, from its history alone."""
    moves = life(history, end)
    if not moves or case_at(history, moves).merged_into is not None:
        return Counts()
    first: dict[str, datetime] = {}
    for event in moves:
        first.setdefault(event.move, event.at)
    there = {event.move for event in history.events if MOVES[event.move].response and event.at < end}
    inside = {move: start <= at for move, at in first.items()}
    closed, overdue = inside.get("close", False), is_overdue(history, moves, end)
    return Counts(
        accepted=inside.get("accept", False),
        filed=inside.get("file", False),
        dispatched=inside.get("dispatch", False),
        overdue=overdue,
        closed=closed,
        on_time=closed and moves[-1].at <= case_at(history, moves[:-1]).due_at,
        rework=inside.get("rework", False),
        extended=inside.get("extend", False),
        enforcement_needed="fail" in there and (closed or overdue),
        enforcement_valid="fail" in there and closed and "enforce" in there,
    )


@pytest.fixture(scope="module")
def town_with_cases(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Connection, list[History]]]:
    """The town with some hundred cases of every fate; only read."""
    engine = create_database_engine(make_database(template_url))
    with engine.connect() as conn:
        build_town(conn)
        take_in(conn, write_csv(tmp_path_factory.mktemp("town") / "r.csv", some_rows(700, seed=3)))
        yield conn, make_histories(conn, 5, datetime(2016, 8, 1, tzinfo=UTC))
    engine.dispose()


def places(conn: Connection) -> dict[str, Callable[[History], str | None]]:
    """Level -> code of the row that a case belongs to."""
    cells = dict(conn.execute(text("SELECT id, code FROM cells")).all())
    named = dict(conn.execute(text("SELECT id, kind || ':' || code FROM categories")).all())

    def cell(history: History) -> str | None:
        return cells.get(history.report["cell_id"])

    return {
        "city": lambda _: "4101",
        "district": lambda one: (cell(one) or "")[:6] or None,
        "street": lambda one: (cell(one) or "")[:9] or None,
        "cell": cell,
        "category": lambda one: named[one.report["category_id"]],
    }


def department_at(history: History, end: datetime) -> int | None:
    moves = life(history, end)
    return case_at(history, moves).department if moves else None


def rows_of(
    conn: Connection, level: str, query: IndicatorQuery, now: datetime = LONG_AFTER
) -> dict[str | None, Counts]:
    """Rows with anything in them by code, and what belongs to no row as None."""
    table = indicators(conn, load_ground(conn), level, query, now)
    found = {one.code: table.counts.get(one.key, Counts()) for one in table.members}
    found[None] = table.counts.get(None, Counts())
    assert summed(found.values()) == summed(table.counts.values())  # nothing falls between the rows
    return {code: counts for code, counts in found.items() if counts != Counts()}


def by_hand(histories: list[History], key: Callable[[History], str | None], start: date, end: date) -> dict:
    parts: dict[str | None, list[Counts]] = defaultdict(list)
    for one in histories:
        parts[key(one)].append(counted(one, midnight(start), midnight(end)))
    sums = {code: summed(counts) for code, counts in parts.items()}
    return {code: counts for code, counts in sums.items() if counts != Counts()}


@pytest.mark.parametrize("window", WINDOWS, ids=str)
def test_sql_counts_what_the_histories_say(town_with_cases: tuple[Connection, list[History]], window) -> None:
    conn, histories = town_with_cases
    for level, key in places(conn).items():
        assert rows_of(conn, level, IndicatorQuery(*window)) == by_hand(histories, key, *window), level
    codes = dict(conn.execute(text("SELECT id, code FROM departments")).all())
    lead = {id(one): codes.get(department_at(one, midnight(window[1]))) for one in histories}
    assert rows_of(conn, "department", IndicatorQuery(*window)) == by_hand(
        histories, lambda one: lead[id(one)], *window
    )
    for code in codes.values():
        some = [one for one in histories if lead[id(one)] == code]
        wanted = by_hand(some, places(conn)["street"], *window)
        assert rows_of(conn, "street", IndicatorQuery(*window, department=code)) == wanted


def test_the_histories_hold_what_they_should(town_with_cases: tuple[Connection, list[History]]) -> None:
    """A comparison of zeros would prove nothing."""
    _, histories = town_with_cases
    total = by_hand(histories, lambda _: None, *WINDOWS[-1])[None]
    assert all(value >= 5 for value in asdict(total).values()), total
    moves = Counter(event.move for one in histories for event in one.events)
    assert all(moves[move] >= 5 for move in MOVES if move not in ("recount", "attach"))
    midway = midnight(date(2016, 6, 11))
    late = [one for one in histories if (moves := life(one, midway)) and is_overdue(one, moves, midway)]
    assert len(late) > 10
    assert sum(case_at(one, life(one, midway)).state == "suspended" for one in late) >= 2
    assert sum(one.case.merged_into is not None for one in histories) >= 5


def test_filters(town_with_cases: tuple[Connection, list[History]]) -> None:
    conn, histories = town_with_cases
    window, of = WINDOWS[2], places(conn)
    chaoses = {"event:0501", "event:0505", "event:0102"}
    for query, keep in (
        (IndicatorQuery(*window, exclude="four_chaos"), lambda one: of["category"](one) not in chaoses),
        (IndicatorQuery(*window, ("chaos:any",)), lambda one: of["category"](one) in chaoses),
        (
            IndicatorQuery(*window, ("0505", "event:0101")),
            lambda one: of["category"](one) in ("event:0505", "event:0101"),
        ),
        (
            IndicatorQuery(*window, ("0505", "event:0101"), "four_chaos"),
            lambda one: of["category"](one) == "event:0101",
        ),
        (IndicatorQuery(*window, street="410101001"), lambda one: of["street"](one) == "410101001"),
        (IndicatorQuery(*window, street="410101"), lambda one: of["district"](one) is not None),
    ):
        wanted = by_hand([one for one in histories if keep(one)], of["cell"], *window)
        assert wanted
        assert rows_of(conn, "cell", query) == wanted, query


def test_moves_of_windows_side_by_side_add_up(town_with_cases: tuple[Connection, list[History]]) -> None:
    """Each move counts where it happened first, so ten-day periods add up to their month; what is due does not."""
    conn, _ = town_with_cases
    days = [date(2016, 6, 1), date(2016, 6, 11), date(2016, 6, 21), date(2016, 7, 1)]
    parts = [rows_of(conn, "city", IndicatorQuery(*pair))["4101"] for pair in pairwise(days)]
    month = rows_of(conn, "city", IndicatorQuery(days[0], days[-1]))["4101"]
    for name in ("filed", "dispatched", "closed", "on_time", "rework", "extended"):
        assert sum(getattr(part, name) for part in parts) >= getattr(month, name) > 0
    assert sum(part.closed for part in parts) == month.closed
    assert sum(part.on_time for part in parts) == month.on_time


def test_an_old_window_is_the_same_years_later(conn: Connection, tmp_path: Path) -> None:
    """The same cases, of which one database knows only what happened before the window's end."""
    build_town(conn)
    take_in(conn, write_csv(tmp_path / "r.csv", some_rows(300, seed=8)))
    window = (date(2016, 5, 25), date(2016, 6, 14))
    add_departments(conn)
    known = conn.begin_nested()
    histories = make_histories(conn, 9, datetime(2017, 1, 1, tzinfo=UTC))
    now = {level: rows_of(conn, level, IndicatorQuery(*window)) for level in ("street", "department", "category")}
    known.rollback()
    end = midnight(window[1])
    before = [one for one in histories if life(one, end)]
    ids = {one.id for one in before}
    for one in before:
        kept = [event for event in one.events if event.at < end]
        one.events = [replace(event, other=one.id) if event.other not in ids else event for event in kept]
        one.case = case_at(one, one.events)
    store(conn, before)
    then = {level: rows_of(conn, level, IndicatorQuery(*window)) for level in ("street", "department", "category")}
    assert then == now
    assert summed(now["street"].values()).overdue > 10


# -- one case at a time ------------------------------------------------------------------------------------------------

JUNE = (date(2016, 6, 1), date(2016, 6, 11))
FILED = [("verify", 1), ("accept", 2), ("file", 3)]  # hours after it was found; the limit is 24 hours of the clock
DONE = [("dispatch", 4), ("handle", 5), ("check", 6)]


@pytest.fixture
def june(conn: Connection, tmp_path: Path) -> Callable[..., Counts]:
    """What a case found on 1 June at midnight counts for, by default in the first ten days of June."""
    build_town(conn)
    rows = [(f"r{number}", "113.6055", "34.7052", "2016-06-01T00:00:00", "0505") for number in range(2)]
    take_in(conn, write_csv(tmp_path / "r.csv", rows))
    add_departments(conn)
    department = conn.execute(text("SELECT min(id) FROM departments")).scalar()
    first, other = (dict(row) for row in conn.execute(text("SELECT * FROM reports ORDER BY source_ref")).mappings())

    def counts(*moves: tuple[str, float], window: tuple[date, date] = JUNE, row: tuple = ("city", "4101")) -> Counts:
        attempt = conn.begin_nested()
        histories = []
        for number, (report, done) in enumerate(((other, FILED), (first, moves)), 1):
            events = [Event("open", report["reported_at"], "test", time=timedelta(hours=24))]
            for move, hours in done:
                at = report["reported_at"] + timedelta(hours=hours)
                into = 1 if move == "merge" else None
                events.append(Event(move, at, "test", "because", department, None, timedelta(hours=24), into))
            case = replay(report["reported_at"], "urgent_hours", events, CALENDAR)
            histories.append(History(report, events, case, None, number))
        store(conn, histories)
        conn.execute(text("ALTER TABLE case_events DISABLE TRIGGER append_only"))
        conn.execute(text("DELETE FROM case_events WHERE case_id = 1 AND number > 1"))
        conn.execute(text("UPDATE cases SET accepted_at = NULL, filed_at = NULL WHERE id = 1"))  # only `moves` count
        found = rows_of(conn, row[0], IndicatorQuery(*window)).get(row[1], Counts())
        attempt.rollback()
        return found

    return counts


def test_closed_at_the_due_time_is_on_time_and_a_second_later_it_is_not(june: Callable[..., Counts]) -> None:
    closed = Counts(accepted=1, filed=1, dispatched=1, closed=1, on_time=1)
    assert june(*FILED, *DONE, ("close", 27)) == closed
    assert june(*FILED, *DONE, ("close", 27 + 1 / 3600)) == replace(closed, on_time=0)


def test_past_its_limit_begins_after_the_due_time(june: Callable[..., Counts]) -> None:
    """Due at midnight, with which the window ends: it can still be closed in time at that instant."""
    exactly = [("verify", 1), ("accept", 2), ("file", 9 * 24)]
    assert june(*exactly) == Counts(accepted=1, filed=1)
    assert june(*exactly[:2], ("file", 9 * 24 - 0.001)) == Counts(accepted=1, filed=1, overdue=1)
    assert june(*exactly, window=(JUNE[1], date(2016, 6, 12))) == Counts(overdue=1)
    # The same where it moved on after the window.
    assert june(*exactly, ("dispatch", 500)) == Counts(accepted=1, filed=1)
    assert june(*exactly[:2], ("file", 9 * 24 - 0.001), ("dispatch", 500)) == Counts(accepted=1, filed=1, overdue=1)


def test_a_case_suspended_past_its_limit_stays_past_it(june: Callable[..., Counts]) -> None:
    assert june(*FILED, ("suspend", 27)) == Counts(accepted=1, filed=1)
    assert june(*FILED, ("suspend", 27.001)) == Counts(accepted=1, filed=1, overdue=1)
    assert june(*FILED, ("suspend", 30), ("resume", 31), ("suspend", 31)) == Counts(
        accepted=1, filed=1
    )  # clock at zero
    # Suspended in time before the window's end, resumed and late after it.
    assert june(*FILED, ("suspend", 20), ("resume", 400)) == Counts(accepted=1, filed=1)


def test_merged_counts_nowhere_and_void_for_what_had_happened(june: Callable[..., Counts]) -> None:
    assert june(*FILED, ("merge", 5)) == Counts()
    assert june(*FILED, ("merge", 500)) == Counts(accepted=1, filed=1, overdue=1)  # merged after the window
    assert june(*FILED, ("void", 50)) == Counts(accepted=1, filed=1)
    assert june(*FILED, ("void", 500)) == Counts(accepted=1, filed=1, overdue=1)


def test_a_second_rework_or_dispatch_counts_in_no_later_window(june: Callable[..., Counts]) -> None:
    again = [*FILED, ("extend", 3.5), ("dispatch", 4), ("return", 5), ("dispatch", 6), ("handle", 7), ("rework", 8)]
    late = [("handle", 300), ("rework", 301), ("extend", 302), ("handle", 303), ("check", 304), ("close", 305)]
    assert june(*again, *late) == Counts(accepted=1, filed=1, dispatched=1, rework=1, extended=1, overdue=1)
    assert june(*again, *late, window=(JUNE[1], date(2016, 6, 21))) == Counts(closed=1)


def test_the_department_is_the_lead_at_the_windows_end(june: Callable[..., Counts]) -> None:
    first = [*FILED, ("dispatch", 4)]
    counts = Counts(accepted=1, filed=1, dispatched=1, overdue=1)
    for later in ([], [("return", 300)], [("return", 300), ("dispatch", 301)]):
        assert june(*first, *later, row=("department", "D0")) == counts
    for later in ([], [("dispatch", 300)]):
        assert june(*first, ("return", 5), *later, row=("department", None)) == counts
        assert june(*first, ("return", 5), *later, row=("department", "D0")) == Counts()


def test_governance_counts_cases_that_are_due(june: Callable[..., Counts]) -> None:
    """Persuasion failed: valid once closed with enforcement on the spot; no word on it before it is due."""
    failed = [("arrive", 0.1), ("fail", 0.2)]
    closed = Counts(accepted=1, filed=1, dispatched=1, closed=1, on_time=1)
    done = [*FILED, *DONE, ("close", 20)]
    assert june(*failed, ("enforce", 0.3), *done) == replace(closed, enforcement_needed=1, enforcement_valid=1)
    assert june(*failed, *done) == replace(closed, enforcement_needed=1)
    assert june(("arrive", 0.1), *done) == closed
    assert june(*failed, ("enforce", 0.3), *FILED) == Counts(accepted=1, filed=1, overdue=1, enforcement_needed=1)
    assert june(*failed, ("verify", 220), ("accept", 221), ("file", 222)) == Counts(accepted=1, filed=1)


def test_an_arrival_recorded_late_does_not_change_what_was_due(june: Callable[..., Counts]) -> None:
    """Recorded after an extension, though it happened before: the due time that counts is that of the life-cycle."""
    moves = [("verify", 18), ("accept", 19), ("file", 20), ("extend", 49), ("arrive", 1)]  # due after 44 hours, then 68
    assert june(*moves, window=(date(2016, 6, 1), date(2016, 6, 2))) == Counts(accepted=1, filed=1)
    assert june(*moves, window=(date(2016, 6, 2), date(2016, 6, 3))) == Counts(overdue=1)
    assert june(*moves, window=(date(2016, 6, 3), date(2016, 6, 4))) == Counts(overdue=1, extended=1)
