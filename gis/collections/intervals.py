"""The `datetime` parameter: an instant or an interval (OGC 17-069r4, 7.15.4)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gis.errors import ParameterError

INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}([Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2}))?", re.ASCII)
OPEN = ("", "..")


@dataclass(frozen=True)
class Interval:
    """From `start` on and before `end`; None: open.

    A moment with its time of day is the microsecond that begins with it; a day is all of it, in the city's time zone.
    """

    start: datetime | None
    end: datetime | None

    def days(self, zone: ZoneInfo) -> tuple[date | None, date | None]:
        """The days of the city that it touches, the end exclusive."""
        last = None
        if self.end is not None:
            last = (self.end.astimezone(zone) - timedelta(microseconds=1)).date() + timedelta(days=1)
        return None if self.start is None else self.start.astimezone(zone).date(), last


def parse_interval(text: str, zone: ZoneInfo) -> Interval:
    """Read a `datetime` parameter.

    Parameters
    ----------
    text
        2016-06-01, 2016-06-01T08:00:00Z, or two of these with / between, of which one may be `..`.
    zone
        In which a day without time of day is meant.

    Raises
    ------
    ParameterError
        It is neither, or ends before it begins.
    """
    parts = text.split("/")
    if len(parts) > 2 or all(part in OPEN for part in parts):
        raise _wrong(text)
    if len(parts) == 1:
        return Interval(*_instant(parts[0], zone, text))
    start = None if parts[0] in OPEN else _instant(parts[0], zone, text)[0]
    end = None if parts[1] in OPEN else _instant(parts[1], zone, text)[1]
    if start is not None and end is not None and end <= start:
        raise ParameterError("datetime", f"{text[:80]!r} ends before it begins")
    return Interval(start, end)


def _instant(text: str, zone: ZoneInfo, whole: str) -> tuple[datetime, datetime]:
    """The first moment that it stands for, and the first after it."""
    if not INSTANT.fullmatch(text):
        raise _wrong(whole)
    try:
        if len(text) == 10:
            day = date.fromisoformat(text)
            return datetime.combine(day, time(), zone), datetime.combine(day + timedelta(days=1), time(), zone)
        # Python keeps microseconds; leap seconds do not exist in its calendar, nor in PostgreSQL's.
        moment = datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper().replace(" ", "T")))
        return moment, moment + timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise _wrong(whole) from None


def _wrong(text: str) -> ParameterError:
    return ParameterError(
        "datetime",
        f"{text[:80]!r} is no date-time; 2016-06-01, 2016-06-01T08:00:00Z, 2016-06-01/2016-06-30 or"
        " 2016-06-01T00:00:00Z/.. are right",
    )
