"""Dates and timestamps as literals (OGC 21-065r2 clause 6.3.1; RFC 3339 full-date and date-time)."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, Date, literal

from gis.cql2.limits import refusal, shown
from gis.cql2.terms import Term

TIMESTAMPTZ = TIMESTAMP(timezone=True)
FULL_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
DATE_TIME = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def date_term(text: Any) -> Term:
    """DATE('2016-06-01').

    Raises
    ------
    ParameterError
        Not a day of the calendar.
    """
    day = _read(text, FULL_DATE, date.fromisoformat)
    if day is None:
        msg = f"{shown(text)} is not a day; write DATE('2016-06-01')"
        raise refusal(msg)
    return Term("date", literal(day, Date), f"DATE({shown(text)})", day)


def timestamp_term(text: Any) -> Term:
    """TIMESTAMP('2016-06-01T08:00:00Z'); other offsets than Z are taken too.

    Raises
    ------
    ParameterError
        Not a time of the calendar, or without its offset.
    """
    moment = _read(text, DATE_TIME, lambda words: datetime.fromisoformat(words.upper()).astimezone(UTC))
    if moment is None:
        msg = f"{shown(text)} is not a time; write TIMESTAMP('2016-06-01T08:00:00Z'), Z for UTC"
        raise refusal(msg)
    return Term("date-time", literal(moment, TIMESTAMPTZ), f"TIMESTAMP({shown(text)})", moment)


def instant_term(text: str) -> Term:
    """An end of an interval, which is a date or a timestamp by its form.

    Raises
    ------
    ParameterError
        Neither.
    """
    if FULL_DATE.fullmatch(text):
        return date_term(text)
    if DATE_TIME.fullmatch(text):
        return timestamp_term(text)
    msg = f"{shown(text)} is no end of an interval; write '2016-06-01', '2016-06-01T08:00:00Z', '..' or a property"
    raise refusal(msg)


def _read(text: Any, form: re.Pattern[str], parse: Any) -> Any:
    if not isinstance(text, str) or not form.fullmatch(text):
        return None
    try:
        return parse(text)
    except (ValueError, OverflowError):
        return None
