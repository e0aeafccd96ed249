"""Random histories of cases: only legal ones arise, clocks add up, and replaying a history gives the case."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.rules.cases import ENDED, MOVES, RUNNING, Case, Event, after, open_case_of, replay, why_not
from gis.rules.deadlines import ROUND_THE_CLOCK, UNITS, WorkCalendar, limit_of, office_hours
from gis.store.schema_cases import STATES

ZONE = ZoneInfo("Asia/Shanghai")
START = datetime(2016, 9, 28, tzinfo=ZONE)
CALENDAR = WorkCalendar(
    ZONE,
    office_hours("08:30-12:00,13:30-18:00"),
    frozenset(date(2016, 10, day) for day in range(1, 8)),
    frozenset({date(2016, 10, 8), date(2016, 10, 9)}),
)
DAYS = 60


def office_minutes() -> np.ndarray:
    """1 for each minute since START in which the offices work, made without the calendar's own arithmetic."""
    minutes = np.zeros(DAYS * 24 * 60, int)
    for number in range(DAYS):
        day = date(2016, 9, 28) + timedelta(days=number)
        off = (day.month, day.day) in {(10, n) for n in range(1, 8)}
        on = (day.month, day.day) in {(10, 8), (10, 9)}
        if on or (day.isoweekday() <= 5 and not off):
            first = number * 24 * 60
            minutes[first + 510 : first + 720] = 1
            minutes[first + 810 : first + 1080] = 1
    return minutes


WORK = np.concatenate([[0], np.cumsum(office_minutes())])


def minute(at: datetime) -> int:
    return round((at - START) / timedelta(minutes=1))


def shown(unit: str, start: int, stop: int) -> int:
    """Minutes that a clock shows between two minutes since START."""
    return stop - start if unit in ROUND_THE_CLOCK else int(WORK[stop] - WORK[start])


attempts = st.lists(
    st.tuples(
        st.integers(0, 999),
        st.integers(0, 600),
        st.integers(1, 3),
        st.integers(1, 3),
        st.sampled_from([True, True, True, False]),
    ),
    min_size=5,
    max_size=60,
)
RARE = ("void", "merge")
"""Moves that end a history early."""


def chosen_move(case: Case, number: int) -> str:
    """Mostly one of those that the state has, so that walks come far; every tenth is any."""
    every = sorted(MOVES)
    legal = [move for move in every if case.state in MOVES[move].before and move not in RARE]
    return every[number % len(every)] if number % 10 == 0 or not legal else legal[number // 10 % len(legal)]


def attempt(case: Case, drawn: tuple, minutes: int) -> Event:
    move, _, department, task, complete = drawn
    move = chosen_move(case, move) if isinstance(move, int) else move
    number = len(case.tasks) + 1 if move == "ask" and complete else task
    time = timedelta(minutes=30 * task) if move == "extend" else None
    other = 7 if move == "merge" else None
    return Event(
        move, START + timedelta(minutes=minutes), "x", "r" if complete else None, department, number, time, other
    )


class SecondClock:
    """The clock of a case again, by counting minutes."""

    def __init__(self, unit: str, allowed: timedelta) -> None:
        self.unit, self.allowed = unit, round(allowed / timedelta(minutes=1))
        self.ran, self.since = 0, None

    def note(self, event: Event, state: str) -> None:
        now = minute(event.at)
        if event.move == "extend":
            self.allowed += round(event.time / timedelta(minutes=1))
        if state in RUNNING and self.since is None:
            self.since = now
        elif state not in RUNNING and self.since is not None:
            self.ran, self.since = self.ran + shown(self.unit, self.since, now), None

    def agrees(self, case: Case) -> None:
        assert (case.clock_since is None) == (case.due_at is None) == (self.since is None)
        assert case.used == timedelta(minutes=self.ran)
        assert case.allowed == timedelta(minutes=self.allowed)
        if self.since is None:
            return
        due, left = minute(case.due_at), self.allowed - self.ran
        assert shown(self.unit, self.since, due) == max(left, 0)
        # The first minute by which the clock shows all that was allowed.
        assert due == self.since or shown(self.unit, self.since, due - 1) < left


def holds_together(case: Case, history: list[Event]) -> None:
    assert case.state in STATES
    assert case.events == len(history)
    assert (case.before_suspension is not None) == (case.state == "suspended")
    assert (case.ended_at is not None) == (case.state in ENDED)
    assert (case.on_time is not None) == (case.state == "closed")
    assert case.state != "closed" or not case.tasks or (case.confirmed and not case.open_tasks)
    steps = [at for at in (case.found_at, case.arrived_at, case.failed_at, case.enforced_at) if at is not None]
    assert steps == sorted(steps)


@given(attempts, st.sampled_from(UNITS), st.integers(1, 5))
@settings(max_examples=400, deadline=None)
def test_every_history_is_legal_and_clocks_add_up(drawn: list, unit: str, amount: int) -> None:
    opened = Event("open", START, "x", time=limit_of(amount, unit, CALENDAR).length)
    case, history, minutes = open_case_of(START, unit, opened), [opened], 0
    clock = SecondClock(unit, opened.time)
    for one in drawn:
        minutes += one[1]
        event = attempt(case, one, minutes)
        if why_not(case, event) is not None:
            with pytest.raises(ValueError, match=re.escape(why_not(case, event))):
                after(case, event, CALENDAR)
            continue
        assert case.state in MOVES[event.move].before
        before, case = case, after(case, event, CALENDAR)
        history.append(event)
        clock.note(event, case.state)
        clock.agrees(case)
        holds_together(case, history)
        if case.state == "closed":
            assert case.on_time == (event.at <= before.due_at)
    assert replay(START, unit, history, CALENDAR) == case
    if case.state in ENDED:
        assert all(why_not(case, Event(move, START, "x", "r", 1, 1, timedelta(1), 1)) for move in MOVES)


def test_the_walk_reaches_every_state_and_move() -> None:
    """Else the test above would show little."""
    rng = np.random.default_rng(3)
    moves, states = set(), set()
    for _ in range(3000):
        opened = Event("open", START, "x", time=timedelta(hours=2))
        case, minutes = open_case_of(START, "urgent_hours", opened), 0
        for _ in range(40):
            minutes += int(rng.integers(0, 60))
            legal = [
                move for move, rule in MOVES.items() if case.state in rule.before and move not in ("void", "merge")
            ]
            if not legal or rng.random() < 0.01:
                legal = ["void", "merge"]
            move = str(rng.choice(legal))
            event = attempt(case, (move, 0, int(rng.integers(1, 4)), int(rng.integers(1, 3)), True), minutes)
            if why_not(case, event) is None:
                case = after(case, event, CALENDAR)
                moves.add(move)
                states.add(case.state)
    assert moves == set(MOVES) - {"open"}
    assert states == set(STATES)
