"""What problems, late steps, overdue places and missing enforcement cost, in the words of the rule."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gis.rules.deductions import (
    UNITS,
    Problem,
    base_units,
    dust_units,
    exposure_units,
    governance_units,
    overdue_units,
    points,
    problem_units,
    repeat_multiplier,
    step_units,
    times_noticed,
)
from gis.rules.policy import POLICIES
from gis.rules.response import VERDICTS

POLICY = POLICIES[0]


def test_a_problem_deducts_its_base_by_category_and_source() -> None:
    assert points(base_units("parking", "patrol", POLICY)) == Decimal("0.1")
    assert points(base_units("", "patrol", POLICY)) == Decimal("0.05")
    assert points(base_units("rubbish", "sensor", POLICY)) == Decimal("0.05")


def test_repeats_deduct_1_3_6_then_3_more_each_at_most_12_times() -> None:
    assert [repeat_multiplier(times, POLICY) for times in range(1, 9)] == [1, 3, 6, 9, 12, 12, 12, 12]
    with pytest.raises(ValueError, match="at least once"):
        repeat_multiplier(0, POLICY)


def test_a_repeat_advances_where_the_road_was_surveyed_and_stays_where_it_was_not() -> None:
    assert [times_noticed(before, surveyed=True) for before in range(4)] == [1, 2, 3, 4]
    assert [times_noticed(before, surveyed=False) for before in range(4)] == [1, 1, 2, 3]
    with pytest.raises(ValueError, match="not negative"):
        times_noticed(-1, surveyed=True)


def test_base_times_repeat_times_media() -> None:
    plain = Problem("trading", "patrol", exposed=False, before=0, surveyed=True)
    assert points(problem_units(plain, POLICY)) == Decimal("0.1")
    assert points(problem_units(replace(plain, before=1), POLICY)) == Decimal("0.3")
    assert points(problem_units(replace(plain, before=2, exposed=True), POLICY)) == Decimal("1.2")
    assert points(problem_units(replace(plain, before=1, surveyed=False), POLICY)) == Decimal("0.1")


def test_an_exposure_without_a_report_deducts_by_count() -> None:
    assert points(exposure_units("", POLICY)) == Decimal("0.1")
    assert points(exposure_units("rubbish", POLICY)) == Decimal("0.2")


def test_missing_is_not_on_time() -> None:
    assert {verdict: points(step_units(verdict, POLICY)) for verdict in VERDICTS} == {
        "on_time": 0,
        "late": Decimal("0.1"),
        "missing": Decimal("0.2"),
        "pending": 0,
        "not_required": 0,
    }


def test_each_overdue_day_costs_a_point() -> None:
    assert points(overdue_units(7, POLICY)) == 7


@pytest.mark.parametrize(
    ("valid", "needed", "expected"),
    [(0, 0, 0), (9, 10, 0), (89, 100, "0.1"), (8, 10, 1), (0, 10, 9), (899, 1000, "0.1"), (10, 10, 0), (0, 9, 0)],
)
def test_each_started_percentage_point_of_the_governance_rate(valid: int, needed: int, expected: object) -> None:
    assert points(governance_units(valid, needed, POLICY)) == Decimal(str(expected))


def test_more_valid_than_needed_is_refused() -> None:
    with pytest.raises(ValueError, match="between none and all"):
        governance_units(3, 2, POLICY)


def test_dust_points_are_whole_units() -> None:
    assert dust_units(Decimal("2.5")) == 2 * UNITS + UNITS // 2
    with pytest.raises(ValueError, match="whole number"):
        dust_units(Decimal("0.000001"))


def test_points_are_written_without_zeros_at_the_end() -> None:
    assert [f"{points(units):f}" for units in (0, 10_000, 100_000, 1_000_000, 123_456)] == [
        "0",
        "0.1",
        "1",
        "10",
        "1.23456",
    ]
