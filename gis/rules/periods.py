"""Ten-day periods 旬 and months 月: every day of the city lies in exactly one of each (clause 4)."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

FORMS = re.compile(r"(\d{4})-(\d{2})-T([123])|(\d{4})-(\d{2})")
FIRST_DAYS = (1, 11, 21)


@dataclass(frozen=True, order=True)
class Period:
    """Days of the city from `first` (included) to `after` (excluded).

    Parameters
    ----------
    name
        2016-06-T1, -T2, -T3 for a ten-day period, 2016-06 for a month.
    """

    first: date
    after: date
    name: str

    @property
    def days(self) -> int:
        """How many days; a third period has 8 to 11."""
        return (self.after - self.first).days

    @property
    def is_ten_days(self) -> bool:
        """Whether it is a ten-day period and no month."""
        return "T" in self.name

    def __contains__(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.first <= day < self.after

    def following(self) -> Period:
        """The next one of the same kind."""
        return ten_day_period(self.after) if self.is_ten_days else month(self.after)

    def previous(self) -> Period:
        """The one before, of the same kind."""
        last = self.first - timedelta(days=1)
        return ten_day_period(last) if self.is_ten_days else month(last)


def ten_day_periods(period: Period) -> list[Period]:
    """The ten-day periods that a period consists of: itself, or the three of a month."""
    found = [ten_day_period(period.first)]
    while found[-1].after < period.after:
        found.append(found[-1].following())
    return found


def ten_day_period(day: date) -> Period:
    """The ten-day period 旬 that a day lies in: days 1-10, 11-20, 21-end of its month."""
    number = min((day.day - 1) // 10, 2)
    first = day.replace(day=FIRST_DAYS[number])
    after = day.replace(day=FIRST_DAYS[number + 1]) if number < 2 else month(day).after
    return Period(first, after, f"{day:%Y-%m}-T{number + 1}")


def month(day: date) -> Period:
    """The month that a day lies in."""
    first = day.replace(day=1)
    return Period(first, first + timedelta(days=monthrange(day.year, day.month)[1]), f"{day:%Y-%m}")


def parse_period(text: str) -> Period:
    """A ten-day period written 2016-06-T1, -T2 or -T3, or a month written 2016-06.

    Raises
    ------
    ValueError
        Neither of the two; says what would be right.
    """
    found = FORMS.fullmatch(text)
    try:
        if found and found[3]:
            return ten_day_period(date(int(found[1]), int(found[2]), FIRST_DAYS[int(found[3]) - 1]))
        if found:
            return month(date(int(found[4]), int(found[5]), 1))
    except (ValueError, OverflowError):
        pass
    msg = f"{text[:40]!r} is no period; a ten-day period is written 2016-06-T1, -T2 or -T3, a month 2016-06"
    raise ValueError(msg)
