"""Dates and times as Open311 writes them: the W3C profile of ISO 8601, always with an offset; no database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from gis.errors import ParameterError

DAYS = 90
"""Longest window of a question, and the one that is meant where none is said."""
DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+ -]\d{2}:?\d{2})", re.ASCII)
YEARS = (1900, 2100)


@dataclass(frozen=True)
class Window:
    """From an instant to another one, both included, both aware."""

    start: datetime
    end: datetime


def read_instant(name: str, text: str, zone: ZoneInfo, *, last: bool = False) -> datetime:
    """An instant as a client writes it.

    Parameters
    ----------
    name
        Of the parameter, for the error.
    last
        A plain day means its last microsecond instead of its first.

    Raises
    ------
    ParameterError
        It is none, or without offset: nobody can tell which instant it means.
    """
    text = text.strip()
    try:
        if DAY.fullmatch(text):
            day = datetime.fromisoformat(text).date()
            read = datetime.combine(day, time.max if last else time.min, zone)
        elif INSTANT.fullmatch(text):
            # A plus that a client forgot to write as %2B arrives as a space.
            read = datetime.fromisoformat(text.replace(" ", "+"))
        else:
            read = None
        if read is not None and YEARS[0] < read.year < YEARS[1]:
            return read
    except (ValueError, OverflowError):
        pass
    msg = f"{text[:40]!r} is no W3C date and time; 2016-05-03T08:30:00+08:00 or 2016-05-03T00:30:00Z is right"
    raise ParameterError(name, msg)


def write_instant(instant: datetime, zone: ZoneInfo) -> str:
    """An instant to the second, in the city's time and with its offset."""
    return instant.astimezone(zone).isoformat(timespec="seconds")


def window(start_date: str | None, end_date: str | None, zone: ZoneInfo, now: datetime) -> Window:
    """The window that start_date and end_date mean.

    None of them: the last 90 days of the city, today included whole, so that an answer holds for the day. One of them:
    90 days from or up to it.

    Raises
    ------
    ParameterError
        Unreadable, the wrong way round, or longer than 90 days.
    """
    span = timedelta(days=DAYS)
    start = None if start_date is None else read_instant("start_date", start_date, zone)
    end = None if end_date is None else read_instant("end_date", end_date, zone, last=True)
    if start is None and end is None:
        end = datetime.combine(now.astimezone(zone).date(), time.max, zone)
    if start is None:
        assert end is not None  # noqa: S101 - for the type checker
        return Window(end - span, end)
    if end is None:
        return Window(start, start + span)
    if end < start:
        msg = f"{end.isoformat()} lies before start_date {start.isoformat()}"
        raise ParameterError("end_date", msg)
    # A day of grace: the last day may be given whole, and clocks change twice a year.
    if end - start > span + timedelta(days=1):
        msg = f"a window spans at most {DAYS} days, not {(end - start).days}; ask for several, one after the other"
        raise ParameterError("end_date", msg)
    return Window(start, end)
