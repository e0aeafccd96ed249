"""Clocks of cases, in the words of the rule (clause 8)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import holidays
import pytest

from gis.rules.deadlines import WorkCalendar, due, limit_of, office_hours, passed

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOURS = office_hours("08:30-12:00,13:30-18:00")


def china(year: int) -> WorkCalendar:
    known = holidays.country_holidays("CN", years=year)
    return WorkCalendar(SHANGHAI, HOURS, frozenset(known), frozenset(known.weekend_workdays))


def local(text: str, zone: ZoneInfo = SHANGHAI) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("unit", "amount", "start", "ends"),
    [
        # urgent hours run round the clock, also through a night and a feast
        ("urgent_hours", 2, "2016-09-30T23:00", "2016-10-01T01:00"),
        ("calendar_days", 7, "2016-09-30T17:00", "2016-10-07T17:00"),
        # work hours stand at noon, in the evening and on days off
        ("work_hours", 2, "2016-06-01T11:00", "2016-06-01T14:30"),
        ("work_hours", 4, "2016-06-01T16:00", "2016-06-02T10:30"),
        ("work_hours", 1, "2016-06-01T20:00", "2016-06-02T09:30"),
        # what ends with the office hours ends then, not when they begin again
        ("work_hours", 2, "2016-06-01T16:00", "2016-06-01T18:00"),
        # a work day ends at the same time of the next work day
        ("work_days", 1, "2016-06-01T10:00", "2016-06-02T10:00"),
        ("work_days", 1, "2016-06-03T10:00", "2016-06-06T10:00"),
        # National Day 2016: 1-7 October off, Saturday 8 and Sunday 9 October worked
        ("work_days", 1, "2016-09-30T16:00", "2016-10-08T16:00"),
        ("work_days", 2, "2016-09-30T16:00", "2016-10-09T16:00"),
        ("work_days", 3, "2016-09-30T16:00", "2016-10-10T16:00"),
        # Dragon Boat 2016: 9-11 June off, Sunday 12 June worked
        ("work_days", 1, "2016-06-08T16:00", "2016-06-12T16:00"),
    ],
)
def test_limits_end_when_the_rule_says(unit: str, amount: int, start: str, ends: str) -> None:
    calendar = china(2016)
    limit = limit_of(amount, unit, calendar)
    assert due(unit, local(start), limit.length, calendar) == local(ends)
    assert passed(unit, local(start), local(ends), calendar) == limit.length


def test_a_day_of_daylight_saving_has_its_own_length() -> None:
    boston = ZoneInfo("America/New_York")
    calendar = WorkCalendar(boston, ((time(0, 0), time(23, 59)),), workdays=frozenset({date(2015, 3, 8)}))
    # The clocks go from 2 to 3 on 8 March 2015, so that day has an hour less.
    assert calendar.worked(local("2015-03-08T00:00", boston), local("2015-03-09T00:00", boston)) == timedelta(
        hours=22, minutes=59
    )


def test_nothing_left_is_due_at_once() -> None:
    assert due("work_hours", local("2016-06-04T10:00"), timedelta(0), china(2016)) == local("2016-06-04T10:00")


def test_offices_that_never_work_are_told() -> None:
    calendar = WorkCalendar(SHANGHAI, ())
    with pytest.raises(ValueError, match="no 1:00:00 more of work time in the twenty years"):
        due("work_hours", local("2016-06-01T10:00"), timedelta(hours=1), calendar)


@pytest.mark.parametrize("text", ["8:30-12:00", "12:00-08:30", "08:30-12:00,11:00-18:00", "all day", ""])
def test_office_hours_that_cannot_be(text: str) -> None:
    with pytest.raises(ValueError, match=r"office hours|after the one before"):
        office_hours(text)


@pytest.mark.parametrize(("amount", "unit"), [(0, "work_days"), (1, "weeks")])
def test_limits_that_cannot_be(amount: int, unit: str) -> None:
    with pytest.raises(ValueError, match=r"leaves no time|none of"):
        limit_of(amount, unit, china(2016))
