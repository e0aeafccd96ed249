"""Indicators in the words of clause 8, the published week of Zhengzhou among them."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.indicators import RATES, Counts, percent, summed
from tests.worked import published_week

WEEK = published_week()
numbers = st.integers(0, 10**9)


@pytest.mark.parametrize("line", WEEK)
def test_the_published_week_comes_out_to_the_last_digit(line: str) -> None:
    """Filing = filed / accepted; dispatch = dispatched / filed; closure, on time, rework, extension over due."""
    given = dict(WEEK[line]["counts"])
    due = given.pop("due")
    counts = Counts(**given, overdue=due - given["closed"])
    assert counts.due == due
    assert counts.due > counts.filed  # "so due may exceed filed"
    rates = counts.rates()
    assert {name: str(rates[name]) for name in WEEK[line]["rates"]} == WEEK[line]["rates"]


def test_due_is_what_was_closed_and_what_is_open_past_its_limit() -> None:
    assert Counts(closed=3, overdue=4).due == 7


def test_a_zero_denominator_gives_null_and_not_zero() -> None:
    assert set(Counts().rates().values()) == {None}
    assert Counts(accepted=5).rates()["filing_rate"] == Decimal("0.00")
    assert Counts(accepted=5).rates()["dispatch_rate"] is None


def test_governance_is_valid_closed_enforcement_of_the_cases_that_needed_it() -> None:
    assert Counts(enforcement_needed=3, enforcement_valid=2).rates()["governance_rate"] == Decimal("66.67")


@pytest.mark.parametrize(
    ("part", "whole", "said"),
    [(1, 800, "0.13"), (1, 80_000, "0.00"), (1, 20_000, "0.01"), (1, 3, "33.33"), (2, 3, "66.67"), (7, 4, "175.00")],
)
def test_half_a_hundredth_is_rounded_up(part: int, whole: int, said: str) -> None:
    assert str(percent(part, whole)) == said


@given(part=numbers, whole=st.integers(1, 10**9))
def test_percent_is_the_nearest_hundredth(part: int, whole: int) -> None:
    found = percent(part, whole)
    assert found is not None
    assert found.as_tuple().exponent == -2
    away = Fraction(found) - Fraction(100 * part, whole)
    assert -Fraction(1, 200) < away <= Fraction(1, 200)
    if whole in (1, 2, 4, 5, 8, 10):  # where the decimal module is exact
        assert found == (Decimal(100 * part) / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


def test_a_count_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="not negative"):
        percent(-1, 3)


@given(st.lists(st.tuples(*[numbers] * 10), min_size=1, max_size=4))
def test_counts_add_up(rows: list[tuple[int, ...]]) -> None:
    total = summed(Counts(*row) for row in rows)
    assert total == Counts(*map(sum, zip(*rows, strict=True)))
    assert set(total.rates()) == set(RATES)
    assert summed([]) == Counts()
