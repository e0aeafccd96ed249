"""Instants as people write them, and days as instants, in a city's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from gis.errors import ParameterError
from gis.report_times import read_times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FIRST_YEAR, LAST_YEAR = 1000, 9000
"""Beyond these, an instant in another time zone may have a year that no calendar here can write."""


def read_instant(name: str, text: str, zone: ZoneInfo) -> datetime:
    """An instant written in ISO 8601; a day alone is its midnight.

    Parameters
    ----------
    name
        Of the parameter, for the message.
    zone
        Of texts that name none. A local time that daylight saving makes ambiguous is the earlier instant, one that it
        skips the first instant after the gap.

    Raises
    ------
    ParameterError
        It is none.
    """
    times = read_times(pa.array([text], pa.string()), str(zone))
    if times.readable[0]:
        # Beyond what datetime can hold there is no need to be precise about what is refused.
        try:
            at = EPOCH + timedelta(microseconds=int(times.instant_us[0]))
        except OverflowError:
            at = EPOCH.replace(year=1)
        if FIRST_YEAR <= at.year <= LAST_YEAR:
            return at
    msg = f"{text[:60]!r} is no time; 2016-05-03 is, 2016-05-03T08:30:00 (of the city), or 2016-05-03T08:30:00+08:00"
    raise ParameterError(name, msg)


def midnight(name: str, day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day of the city.

    Raises
    ------
    ParameterError
        No day of our calendar's usual years.
    """
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise ParameterError(name, f"{day} is no day that anything here can be asked about; 2016-06-01 is")
    return datetime.combine(day, time(), zone).astimezone(UTC)


def instants_of_days(from_day: date, to_day: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """A window of days as instants, half-open.

    Raises
    ------
    ParameterError
        It ends before it begins.
    """
    if to_day <= from_day:
        msg = f"must be after from={from_day}; it is exclusive, so one day is from=2016-06-01 and to=2016-06-02"
        raise ParameterError("to", msg)
    return midnight("from", from_day, zone), midnight("to", to_day, zone)
