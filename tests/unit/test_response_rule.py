"""Double ten in the words of clause 7: ten minutes each, the last second included; missing is not on time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.policy import POLICIES
from gis.rules.response import VERDICTS, Response, Step, on_time_share, step

FOUND = datetime(2016, 5, 3, 0, 30, tzinfo=UTC)
LIMIT = POLICIES[-1].response_limit_s
CAR = Response(FOUND, chaos=True)
LAMP = Response(FOUND, chaos=False)


def at(seconds: float) -> datetime:
    return FOUND + timedelta(seconds=seconds)


def verdict(case: Response, number: int, now: float) -> str:
    return step(case, number, at(now), LIMIT).verdict


def test_the_limit_is_ten_minutes() -> None:
    assert LIMIT == 600


@pytest.mark.parametrize(("seconds", "said"), [(0, "on_time"), (600, "on_time"), (600.000001, "late"), (4000, "late")])
def test_found_then_the_responsible_person_within_ten_minutes(seconds: float, said: str) -> None:
    found = step(replace(CAR, arrived_at=at(seconds)), 1, at(9000), LIMIT)
    assert found == Step(1, said, FOUND, at(600), seconds)


@pytest.mark.parametrize(("seconds", "said"), [(0, "on_time"), (600, "on_time"), (601, "late")])
def test_persuasion_failed_then_enforcement_within_ten_minutes_of_the_failure(seconds: float, said: str) -> None:
    case = replace(CAR, arrived_at=at(100), failed_at=at(5000), enforced_at=at(5000 + seconds))
    assert step(case, 2, at(9000), LIMIT) == Step(2, said, at(5000), at(5600), seconds)


def test_enforcement_is_not_required_unless_persuasion_failed() -> None:
    assert step(replace(CAR, arrived_at=at(100)), 2, at(9000), LIMIT) == Step(2, "not_required")


@pytest.mark.parametrize(("now", "said"), [(0, "pending"), (600, "pending"), (600.000001, "missing")])
def test_pending_inside_the_limit_then_missing(now: float, said: str) -> None:
    assert verdict(CAR, 1, now) == said
    assert verdict(replace(CAR, arrived_at=at(10), failed_at=at(1000)), 2, now + 1000) == said


def test_a_case_that_ended_without_an_arrival_is_missing_at_once() -> None:
    assert verdict(replace(CAR, ended_at=at(300)), 1, 299) == "pending"
    assert verdict(replace(CAR, ended_at=at(300)), 1, 300) == "missing"


def test_only_the_four_chaoses_need_step_one_unless_somebody_came() -> None:
    assert verdict(LAMP, 1, 9000) == "not_required"
    assert verdict(replace(LAMP, arrived_at=at(700)), 1, 9000) == "late"
    assert verdict(replace(LAMP, arrived_at=at(700)), 1, 699) == "not_required"
    assert verdict(replace(LAMP, arrived_at=at(7), failed_at=at(10)), 2, 9000) == "missing"


def test_a_merged_case_requires_nothing() -> None:
    merged = replace(CAR, ended_at=at(3000), void=True, merged=True)
    assert verdict(merged, 1, 9000) == "not_required"
    assert verdict(replace(merged, arrived_at=at(2000)), 1, 9000) == "not_required"
    assert verdict(merged, 1, 2999) == "missing"  # it was not merged yet


def test_voiding_cannot_undo_a_missing_arrival() -> None:
    assert verdict(replace(CAR, ended_at=at(600), void=True), 1, 9000) == "not_required"
    assert verdict(replace(CAR, ended_at=at(601), void=True), 1, 9000) == "missing"


def test_what_happened_later_does_not_count() -> None:
    case = replace(CAR, arrived_at=at(500), failed_at=at(900), enforced_at=at(1000))
    assert [verdict(case, 1, now) for now in (499, 500)] == ["pending", "on_time"]
    assert [verdict(case, 2, now) for now in (899, 900, 999, 1000)] == ["not_required", "pending", "pending", "on_time"]


def test_missing_is_not_on_time() -> None:
    assert on_time_share(3, 1, 2) == 0.5
    assert on_time_share(0, 0, 4) == 0
    assert on_time_share(0, 0, 0) is None


moments = st.none() | st.integers(0, 2000).map(at)


@given(st.booleans(), moments, moments, moments, moments, st.booleans(), st.booleans(), st.integers(0, 2500))
def test_a_step_once_judged_stays_judged(chaos, arrived, failed, enforced, ended, void, merged, now) -> None:
    case = Response(FOUND, chaos, arrived, failed, enforced, ended, void or merged, merged)
    for number in (1, 2):
        before, later = (step(case, number, at(when), LIMIT) for when in (now, now + 700))
        assert before.verdict in VERDICTS
        assert (before.seconds is not None) == (before.verdict in ("on_time", "late"))
        assert later.verdict != "pending" or number == 2  # persuasion may have failed meanwhile
        if before.verdict in ("on_time", "late") and not merged:
            assert later == before
