"""Time limits: clocks that run round the clock or in office hours only, and stand while a case is suspended (clause 8).

Time is exact to the microsecond and instants are aware, so what clocks show at each stop adds up to what they showed in
all.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

UNITS = ("urgent_hours", "work_hours", "work_days", "calendar_days")
ROUND_THE_CLOCK = ("urgent_hours", "calendar_days")
SPAN = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)")
FARTHEST_DAYS = 20 * 366
SATURDAY = 5
NOTHING = timedelta(0)


@dataclass(frozen=True)
class WorkCalendar:
    """When the offices work.

    Parameters
    ----------
    zone
        The city's time zone.
    hours
        Begin and end of work on a work day, ascending, in local time.
    holidays
        Days off that are none by their weekday.
    workdays
        Saturdays and Sundays on which the offices work.
    """

    zone: ZoneInfo
    hours: tuple[tuple[time, time], ...]
    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()

    @property
    def day_length(self) -> timedelta:
        """Work time of one work day."""
        on = date(2000, 1, 1)
        return sum((datetime.combine(on, stop) - datetime.combine(on, start) for start, stop in self.hours), NOTHING)

    def is_work_day(self, day: date) -> bool:
        """Whether the offices work on a day of the city."""
        return day in self.workdays or (day.weekday() < SATURDAY and day not in self.holidays)

    def spans(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Work time of a day as instants (UTC); nothing on a day off."""
        if self.is_work_day(day):
            for start, stop in self.hours:
                yield tuple(  # type: ignore[misc]
                    datetime.combine(day, at, self.zone).astimezone(UTC) for at in (start, stop)
                )

    def worked(self, start: datetime, stop: datetime) -> timedelta:
        """Work time between two instants; nothing where `stop` is not after `start`."""
        total, day = NOTHING, start.astimezone(self.zone).date()
        last = stop.astimezone(self.zone).date()
        while day <= last:
            for opens, closes in self.spans(day):
                total += max(min(closes, stop) - max(opens, start), NOTHING)
            day += timedelta(days=1)
        return total

    def after(self, start: datetime, work: timedelta) -> datetime:
        """The first instant by which so much work time has passed since `start`.

        Raises
        ------
        ValueError
            The offices do not work so much in the next twenty years.
        """
        if work <= NOTHING:
            return start
        first = start.astimezone(self.zone).date()
        for number in range(FARTHEST_DAYS):
            for opens, closes in self.spans(first + timedelta(days=number)):
                there = max(closes - max(opens, start), NOTHING)
                if work <= there:
                    return max(opens, start) + work
                work -= there
        msg = f"the calendar has no {work} more of work time in the twenty years after {start}"
        raise ValueError(msg)


def office_hours(text: str) -> tuple[tuple[time, time], ...]:
    """Begin and end of work as the policy writes them: 08:30-12:00,13:30-18:00.

    Raises
    ------
    ValueError
        Another form, or spans that are empty or not ascending.
    """
    spans = []
    for part in text.split(","):
        found = SPAN.fullmatch(part.strip())
        if found is None:
            msg = f"{text!r} are no office hours; 08:30-12:00,13:30-18:00 would be"
            raise ValueError(msg)
        numbers = [int(number) for number in found.groups()]
        spans.append((time(numbers[0], numbers[1]), time(numbers[2], numbers[3])))
    times = [at for span in spans for at in span]
    if any(later <= earlier for earlier, later in pairwise(times)):
        msg = f"{text!r}: each time must be after the one before"
        raise ValueError(msg)
    return tuple(spans)


@dataclass(frozen=True)
class Limit:
    """How long something may take.

    Parameters
    ----------
    unit
        urgent_hours and calendar_days run round the clock; work_hours and work_days in office hours. A work day is as
        much work time as one day of the calendar has, so that a limit of one work day ends at the same time of the
        next work day.
    length
        Of that time.
    """

    unit: str
    length: timedelta


def limit_of(amount: int, unit: str, calendar: WorkCalendar) -> Limit:
    """A limit as people say it: 2 work_days, 4 urgent_hours.

    Raises
    ------
    ValueError
        An unknown unit, or less than one.
    """
    if unit not in UNITS:
        msg = f"the unit {unit!r} is none of {', '.join(UNITS)}"
        raise ValueError(msg)
    if amount < 1:
        msg = f"a limit of {amount} {unit} leaves no time; 1 is the least"
        raise ValueError(msg)
    one = {"calendar_days": timedelta(days=1), "work_days": calendar.day_length}.get(unit, timedelta(hours=1))
    return Limit(unit, amount * one)


def passed(unit: str, start: datetime, stop: datetime, calendar: WorkCalendar) -> timedelta:
    """Time between two instants as a clock of this unit shows it."""
    return stop - start if unit in ROUND_THE_CLOCK else calendar.worked(start, stop)


def due(unit: str, start: datetime, left: timedelta, calendar: WorkCalendar) -> datetime:
    """When a clock of this unit, begun at `start`, has run for `left`; at once where nothing is left."""
    left = max(left, NOTHING)
    return start + left if unit in ROUND_THE_CLOCK else calendar.after(start, left)
