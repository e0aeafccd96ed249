"""The life of a listing, in the words of the rule book."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from gis.errors import Conflict, ParameterError
from gis.rules.policy import POLICIES
from gis.rules.supervision import (
    MOVES,
    STATES,
    Move,
    Supervision,
    decide,
    due_move,
    is_overdue,
    legal_moves,
    overdue_days,
    overdue_days_within,
    overdue_points,
    person_key,
    replay,
)

POLICY = POLICIES[0]
START = date(2016, 6, 11)


def move(name: str, day: int = 0, actor: str = "office", reason: str | None = "because", problems: int = 0) -> Move:
    """A move so many days after the listing."""
    on = START + timedelta(days=day)
    return Move(name, actor, datetime(on.year, on.month, on.day, 1, tzinfo=UTC), on, reason, problems)


def after(*moves: Move) -> Supervision:
    return replay(moves, lambda _: POLICY)


LISTED = (move("propose"), move("list"))
DONE = (*LISTED, move("rectify", 1, "Li"), move("submit", 4, "Li"))
VERIFIED = (*DONE, move("verify", 5, "Wang"))


def test_the_whole_way() -> None:
    states = [after(*VERIFIED[:n]).state for n in range(1, 6)]
    assert states == ["proposed", "listed", "rectifying", "submitted", "verified"]
    end = after(*VERIFIED, move("delist", 16))
    assert (end.state, end.version, overdue_days(end, START + timedelta(days=99))) == ("delisted", 6, 0)
    assert legal_moves(end) == ()


def test_ten_days_to_rectify_the_day_of_listing_not_counted() -> None:
    listed = after(*LISTED)
    assert listed.due_on == date(2016, 6, 21)
    assert not is_overdue(listed, date(2016, 6, 21))
    assert is_overdue(listed, date(2016, 6, 22))
    assert [overdue_days(listed, date(2016, 6, day)) for day in (11, 21, 22, 30)] == [0, 0, 1, 9]


def test_the_verifier_is_not_the_rectifier() -> None:
    for name in ("Li", " li", "LI ", "Ｌｉ"):
        with pytest.raises(Conflict, match="rectified this place, so somebody else"):
            after(*DONE, move("verify", 5, name))
    assert after(*DONE, move("verify", 5, "Li Wei")).state == "verified"
    # Whoever began the work counts as well as whoever said that it is done.
    for name in ("Zhao", "Li"):
        with pytest.raises(Conflict, match="somebody else"):
            after(*LISTED, move("rectify", 1, "Zhao"), move("submit", 2, "Li"), move("verify", 3, name))
    with pytest.raises(Conflict, match="somebody else"):
        after(*DONE, move("reject", 5, "Li"))


def test_names_are_compared_without_case_width_and_spaces() -> None:
    assert person_key("  Ｗａｎｇ   Wei ") == person_key("wang wei") == "wang wei"
    assert person_key("王伟") != person_key("王 伟")


def test_rejected_work_goes_back_and_its_days_count_after_all() -> None:
    late = (*LISTED, move("rectify", 1, "Li"), move("submit", 8, "Li"))
    waiting = after(*late)
    assert overdue_days(waiting, START + timedelta(days=14)) == 0  # the verifier's delay is not the rectifier's
    back = after(*late, move("reject", 14, "Wang"))
    assert (back.state, back.submitted_on) == ("rectifying", None)
    assert overdue_days(back, START + timedelta(days=14)) == 4


def test_late_work_is_late_by_the_day_it_was_submitted() -> None:
    done = after(*LISTED, move("rectify", 1, "Li"), move("submit", 13, "Li"), move("verify", 20, "Wang"))
    assert overdue_days(done, START + timedelta(days=50)) == 3
    assert overdue_points(3, POLICY) == 3
    assert overdue_points(3, replace(POLICY, overdue_points_per_day=2)) == 6


def test_delisted_only_after_the_hold_and_without_a_new_problem() -> None:
    held = after(*VERIFIED)
    assert held.hold_until == date(2016, 6, 26)
    with pytest.raises(Conflict, match="the hold lasts until the end of 2016-06-26"):
        after(*VERIFIED, move("delist", 15))
    with pytest.raises(Conflict, match="2 new problems"):
        after(*VERIFIED, move("delist", 16, problems=2))
    assert after(*VERIFIED, move("delist", 16)).state == "delisted"


def test_a_new_problem_in_the_hold_puts_it_back_with_a_new_deadline() -> None:
    back = after(*VERIFIED, move("put_back", 9))
    assert (back.state, back.due_on, back.verifier, back.hold_until) == ("rectifying", date(2016, 6, 30), None, None)
    with pytest.raises(Conflict, match="the hold ended on 2016-06-26"):
        after(*VERIFIED, move("put_back", 16))
    assert after(*VERIFIED, move("put_back", 18, problems=1)).state == "rectifying"


def test_days_late_before_a_new_deadline_stay() -> None:
    first = (*LISTED, move("rectify", 1, "Li"), move("submit", 13, "Li"), move("verify", 14, "Wang"))
    again = after(*first, move("put_back", 20))
    assert overdue_days(again, START + timedelta(days=30)) == 3
    assert overdue_days(again, START + timedelta(days=32)) == 5


def test_overdue_days_fall_into_the_periods_in_which_they_lie() -> None:
    listed = after(*LISTED)
    today = date(2016, 7, 4)
    periods = [date(2016, 6, 21), date(2016, 7, 1), date(2016, 7, 11)]
    assert overdue_days_within(listed, periods[0], periods[1], today) == 9
    assert overdue_days_within(listed, periods[1], periods[2], today) == 4
    assert overdue_days(listed, today) == 13


def test_a_passed_deadline_is_noted_once() -> None:
    with pytest.raises(Conflict, match="it is in time: its deadline is the end of 2016-06-21"):
        after(*LISTED, move("escalate", 10))
    noted = after(*LISTED, move("escalate", 11))
    assert (noted.state, noted.escalated) == ("listed", True)
    with pytest.raises(Conflict, match="noted already"):
        after(*LISTED, move("escalate", 11), move("escalate", 12))
    assert "escalate" not in legal_moves(noted)
    late = (
        *LISTED,
        move("escalate", 11),
        move("rectify", 12, "Li"),
        move("submit", 13, "Li"),
        move("verify", 14, "Wang"),
    )
    again = (*late, move("put_back", 15))
    assert not after(*again).escalated
    assert after(*again, move("escalate", 26)).escalated


def test_what_the_calendar_does() -> None:
    day = START + timedelta(days=11)
    assert due_move(after(*LISTED), day - timedelta(days=1), 0) is None
    assert due_move(after(*LISTED), day, 0) == "escalate"
    assert due_move(after(*LISTED, move("escalate", 11)), day, 0) is None
    assert due_move(after(*VERIFIED), START + timedelta(days=15), 0) is None
    assert due_move(after(*VERIFIED), START + timedelta(days=15), 1) == "put_back"
    assert due_move(after(*VERIFIED), START + timedelta(days=16), 0) == "delist"
    assert due_move(after(LISTED[0]), day, 0) is None


@pytest.mark.parametrize("state", [None, *STATES])
@pytest.mark.parametrize("name", MOVES)
def test_only_the_drawn_moves_are_legal(state: str | None, name: str) -> None:
    drawn = {
        None: {"propose", "list"},
        "proposed": {"list", "dismiss"},
        "listed": {"rectify", "escalate"},
        "rectifying": {"submit", "escalate"},
        "submitted": {"verify", "reject", "escalate"},
        "verified": {"put_back", "delist"},
        "delisted": set(),
        "dismissed": set(),
    }
    listing = Supervision(state=state, due_on=START, hold_until=START)
    if name in drawn[state]:
        assert decide(listing, move(name, 5, "Wang", problems=name == "put_back"), POLICY).version == 1
    else:
        with pytest.raises(Conflict, match=r"now legal: |nothing more"):
            decide(listing, move(name, 5, "Wang"), POLICY)


@pytest.mark.parametrize(
    ("wrong", "parameter"),
    [
        (move("sweep"), "move"),
        (move("list", actor=" "), "actor"),
        (replace(move("list"), at=datetime(2016, 6, 11, 9)), "at"),  # noqa: DTZ001
        (replace(move("list", -1)), "at"),
        (move("dismiss", reason="  "), "reason"),
        (move("dismiss", reason=None), "reason"),
    ],
)
def test_a_move_that_says_too_little(wrong: Move, parameter: str) -> None:
    with pytest.raises(ParameterError) as refused:
        after(LISTED[0], wrong)
    assert refused.value.parameter == parameter
