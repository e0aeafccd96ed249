"""Every day of the city lies in exactly one ten-day period and one month; three of the one are the other (clause 4)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.periods import month, parse_period, ten_day_period, ten_day_periods

DAYS = st.dates(date(1900, 1, 31), date(2200, 1, 1))


@given(DAYS)
def test_every_day_lies_in_exactly_one_period_of_each_kind(day: date) -> None:
    for period in (ten_day_period(day), month(day)):
        around = [period.previous(), period, period.following()]
        assert [day in one for one in around] == [False, True, False]
        assert around[0].after == period.first
        assert around[2].first == period.after
        assert parse_period(period.name) == period


@given(DAYS)
def test_three_ten_day_periods_are_the_month(day: date) -> None:
    whole = month(day)
    parts = ten_day_periods(whole)
    assert [one.name for one in parts] == [f"{whole.name}-T{number}" for number in (1, 2, 3)]
    assert sum(one.days for one in parts) == whole.days
    assert (parts[0].days, parts[1].days, 8 <= parts[2].days <= 11) == (10, 10, True)
    held = [one for one in parts if day in one]
    assert held == [ten_day_period(day)]


def test_no_day_of_a_century_is_left_out_or_counted_twice() -> None:
    day, period = date(1999, 12, 21), ten_day_period(date(1999, 12, 21))
    while day < date(2100, 1, 1):
        if day == period.after:
            period = period.following()
        assert day in period
        day += timedelta(days=1)


@pytest.mark.parametrize("text", ["2016-06-T4", "2016-13", "2016-6-T1", "2016-06-T", "", "2016-00-T1", "0000-01"])
def test_what_is_no_period_is_told_how_one_is_written(text: str) -> None:
    with pytest.raises(ValueError, match="2016-06-T1"):
        parse_period(text)
