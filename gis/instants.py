"""Instants as people write them, and days as instants, in a city's time zone."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

from gis.errors import ParameterError
from gis.report_times import EARLIEST_US, LATEST_US, read_times

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# A day later and earlier than the instants that are read, as a day begins earlier or later in other time zones.
FIRST_DAY = (EPOCH + timedelta(microseconds=EARLIEST_US)).date() + timedelta(days=1)
LAST_DAY = (EPOCH + timedelta(microseconds=LATEST_US)).date() - timedelta(days=1)


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
        return EPOCH + timedelta(microseconds=int(times.instant_us[0]))
    msg = f"{text[:60]!r} is no time; 2016-05-03 is, 2016-05-03T08:30:00 (of the city), or 2016-05-03T08:30:00+08:00"
    raise ParameterError(name, msg)


def midnight(name: str, day: date, zone: ZoneInfo) -> datetime:
    """The first instant of a day of the city.

    Raises
    ------
    ParameterError
        Long before or after anything that is kept here.
    """
    if not FIRST_DAY <= day <= LAST_DAY:
        raise ParameterError(name, f"{day} lies outside {FIRST_DAY} to {LAST_DAY}")
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
