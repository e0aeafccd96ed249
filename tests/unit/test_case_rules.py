"""The life-cycle in the words of the rule (clauses 7 and 8)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gis.rules.cases import MOVES, Case, Event, after, open_case_of, replay, why_not
from gis.rules.deadlines import WorkCalendar, office_hours

CALENDAR = WorkCalendar(ZoneInfo("Asia/Shanghai"), office_hours("08:30-12:00,13:30-18:00"))
FOUND = datetime(2016, 6, 1, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)


def event(move: str, hours: float, **more: object) -> Event:
    return Event(move, FOUND + hours * HOUR, "centre", "because", **more)  # type: ignore[arg-type]


def walk(*events: Event, unit: str = "urgent_hours", limit: timedelta = 2 * HOUR) -> Case:
    return replay(FOUND, unit, [Event("open", FOUND, "centre", time=limit), *events], CALENDAR)


FILED = (event("verify", 0), event("accept", 0), event("file", 1))
DISPATCHED = (*FILED, event("dispatch", 1, department=1))
CHECKED = (*DISPATCHED, event("handle", 1.5), event("check", 1.6))


def test_the_way_of_every_case() -> None:
    way = ("reported", "verified", "accepted", "filed", "dispatched", "handled", "checked", "closed")
    moves = ("open", "verify", "accept", "file", "dispatch", "handle", "check", "close")
    assert tuple(MOVES[move].after for move in moves) == way
    assert all(MOVES[move].before == (state,) for move, state in zip(moves[1:], way, strict=False))


def test_the_last_instant_of_the_limit_is_in_time() -> None:
    assert walk(*CHECKED, event("close", 3)).on_time is True
    late = after(walk(*CHECKED), Event("close", FOUND + 3 * HOUR + timedelta(microseconds=1), "centre"), CALENDAR)
    assert late.on_time is False


def test_the_clock_starts_at_filing_and_stands_while_suspended() -> None:
    assert walk(*FILED[:2]).due_at is None
    assert walk(*FILED).due_at == FOUND + 3 * HOUR
    suspended = walk(*DISPATCHED, event("suspend", 1.5))
    assert (suspended.due_at, suspended.used) == (None, HOUR / 2)
    resumed = after(suspended, event("resume", 100), CALENDAR)
    assert (resumed.state, resumed.due_at) == ("dispatched", FOUND + 101.5 * HOUR)


def test_an_extension_adds_to_the_limit_and_is_counted() -> None:
    case = walk(*DISPATCHED, event("extend", 1.2, time=HOUR))
    assert (case.due_at, case.extensions, case.state) == (FOUND + 4 * HOUR, 1, "dispatched")
    assert "adds nothing" in why_not(case, event("extend", 2, time=timedelta(0)))


def test_a_department_may_send_a_case_back() -> None:
    case = walk(*DISPATCHED, event("return", 1.1))
    assert (case.state, case.department, case.returns) == ("filed", None, 1)
    assert case.due_at == FOUND + 3 * HOUR  # the clock does not care


def test_rework_takes_the_confirmation_back() -> None:
    case = walk(*CHECKED, event("confirm", 1.7, department=1), event("rework", 1.8))
    assert (case.state, case.reworks, case.confirmed) == ("dispatched", 1, False)


def test_a_new_task_takes_the_confirmation_back() -> None:
    handled = walk(*CHECKED[:-1], event("confirm", 1.55, department=1))
    asked = after(handled, event("ask", 1.56, department=2, task=1), CALENDAR)
    assert asked.confirmed is False
    assert "next task is number 2" in why_not(asked, event("ask", 1.6, department=2, task=1))


def test_a_case_without_tasks_needs_no_confirmation() -> None:
    assert why_not(walk(*CHECKED), event("close", 2)) is None


@pytest.mark.parametrize(
    ("moves", "wrong"),
    [
        ((("fail", 0.2),), "fail comes after arrive, which is not recorded yet"),
        ((("arrive", -0.1),), "lies before found"),
        ((("arrive", 0.1), ("arrive", 0.2)), "arrive is recorded already"),
        ((("arrive", 0.2), ("fail", 0.1)), "lies before arrive"),
        ((("arrive", 0.1), ("fail", 0.2), ("enforce", 0.15)), "lies before fail"),
    ],
)
def test_double_ten_is_recorded_in_order(moves: tuple[tuple[str, float], ...], wrong: str) -> None:
    with pytest.raises(ValueError, match=wrong):
        walk(*(event(*move) for move in moves))


def test_double_ten_may_be_recorded_late_and_changes_no_state() -> None:
    case = walk(*DISPATCHED, event("arrive", 0.1), event("fail", 0.2), event("enforce", 0.3))
    assert (case.state, case.arrived_at, case.last_at) == ("dispatched", FOUND + 0.1 * HOUR, FOUND + HOUR)


def test_a_history_says_which_event_is_wrong() -> None:
    with pytest.raises(ValueError, match="event 3: close is not legal in the state verified"):
        walk(event("verify", 0), event("close", 1))
    with pytest.raises(ValueError, match="without events"):
        replay(FOUND, "urgent_hours", [], CALENDAR)
    with pytest.raises(ValueError, match="begins with open"):
        replay(FOUND, "urgent_hours", [event("verify", 0)], CALENDAR)
    with pytest.raises(ValueError, match="before it was found"):
        open_case_of(FOUND, "urgent_hours", Event("open", FOUND - HOUR, "centre", time=HOUR))
