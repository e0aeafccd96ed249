"""Random histories of listings: whatever is tried, what comes out is legal, adds up, and can be replayed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gis.errors import Conflict, ParameterError
from gis.rules.policy import POLICIES
from gis.rules.supervision import (
    DUE,
    MOVES,
    Move,
    Supervision,
    decide,
    due_move,
    legal_moves,
    overdue_days,
    overdue_days_within,
    person_key,
    replay,
)

POLICY = POLICIES[0]
START = datetime(2016, 1, 1, 9, tzinfo=UTC)

tries = st.lists(
    st.tuples(
        st.sampled_from([*MOVES, "tick"]),
        st.integers(0, 14),
        st.sampled_from(["Li", "li ", "Wang", "Zhao", " "]),
        st.sampled_from([None, "why"]),
        st.integers(0, 2),
    ),
    max_size=60,
)


def played(attempts: list) -> tuple[list[Move], Supervision, date]:
    """What became of attempts; the illegal ones are refused and leave no trace."""
    kept: list[Move] = []
    now, at = Supervision(), START
    for name, days, actor, reason, problems in attempts:
        at += timedelta(days=days, minutes=1)
        move = due_move(now, at.date(), problems) if name == "tick" else name
        if move is None:
            continue
        one = Move(move, "finegrid" if name == "tick" else actor, at, at.date(), reason or "calendar", problems)
        try:
            after = decide(now, one, POLICY)
        except (Conflict, ParameterError):
            continue
        assert move in legal_moves(now)
        assert after.version == now.version + 1
        now = after
        kept.append(one)
    return kept, now, at.date()


@given(tries)
def test_replaying_a_history_gives_the_state(attempts: list) -> None:
    kept, now, _ = played(attempts)
    assert replay(kept, lambda _: POLICY) == now
    assert now.version == len(kept)


@given(tries)
def test_the_calendar_comes_to_rest(attempts: list) -> None:
    _, now, today = played(attempts)
    at = datetime(today.year, today.month, today.day, 23, tzinfo=UTC)
    for _ in range(2):
        move = due_move(now, today, 0)
        if move is None:
            break
        now = decide(now, Move(move, "finegrid", at, today, "calendar"), POLICY)
    assert due_move(now, today, 0) is None


@given(tries)
def test_nobody_verifies_what_he_rectified(attempts: list) -> None:
    kept, now, _ = played(attempts)
    rectifiers: set[str] = set()
    for move in kept:
        if move.move in ("rectify", "submit"):
            rectifiers.add(person_key(move.actor))
        if move.move in ("verify", "reject"):
            assert person_key(move.actor) not in rectifiers
    assert set(now.rectifiers) == rectifiers
    assert now.verifier not in rectifiers


def counted(kept: list[Move], today: date) -> int:
    """Overdue days a second way: every day by itself, judged by what was known when the history ended."""
    days = 0
    at = {move: number for number, move in enumerate(kept)}
    for offset in range(1000):
        day = START.date() + timedelta(days=offset)
        if day > today:
            break
        # The deadline in force at the end of that day, and whether work lay submitted that was not rejected later.
        due, clock_stood = None, False
        past = [move for move in kept if move.day <= day]
        for move in past:
            later = kept[at[move] + 1 :]
            if move.move in ("list", "put_back"):
                due, clock_stood = move.day + timedelta(days=POLICY.listing_days), False
            if move.move == "submit" and move.day < day:
                following = next((one.move for one in later if one.move in ("verify", "reject")), "verify")
                clock_stood = following == "verify"
            if move.move == "reject":
                clock_stood = False
        last_put_back = next((move for move in reversed(past) if move.move == "put_back" and move.day == day), None)
        days += due is not None and day > due and not clock_stood and last_put_back is None
    return days


@given(tries)
def test_overdue_days_are_those_that_a_calendar_counts(attempts: list) -> None:
    kept, now, today = played(attempts)
    assert overdue_days(now, today) == counted(kept, today)


@given(tries, st.integers(1, 40))
def test_overdue_days_of_periods_add_up(attempts: list, width: int) -> None:
    _, now, today = played(attempts)
    days, first = 0, START.date()
    while first <= today:
        days += overdue_days_within(now, first, first + timedelta(days=width), today)
        first += timedelta(days=width)
    assert days == overdue_days(now, today)


@given(tries)
def test_what_a_state_promises(attempts: list) -> None:
    _, now, _ = played(attempts)
    assert (now.due_on is None) == (now.state in (None, "proposed", "dismissed"))
    assert (now.submitted_on is not None) == (now.state in ("submitted", "verified", "delisted"))
    assert (now.verified_at is not None) == (now.state in ("verified", "delisted"))
    assert (now.verified_at is None) == (now.hold_until is None) == (now.verifier is None)
    assert not (now.escalated and now.state not in (*DUE, "verified", "delisted"))
