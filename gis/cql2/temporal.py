"""Temporal functions (OGC 21-065r2 clause 7.8, tables 7 and 8) over instants and intervals.

Every relation is a condition on the starts and ends of its two operands; intervals are closed at both. Where dates
meet timestamps, a date is the whole day in the time zone of the city: from its midnight to the last microsecond before
the next. An end that is NULL is unknown, and so is the relation, unless the other end decides it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import TIMESTAMP, ColumnElement, Date, Interval, String, and_, cast, func, literal, or_

from gis.cql2.instants import TIMESTAMPTZ
from gis.cql2.limits import refusal
from gis.cql2.terms import Term

MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """Time from `start` to `end`, both included; None for an end that is open (`..`)."""

    start: Term | None
    end: Term | None
    instant: bool = False

    def __str__(self) -> str:
        """Read in a message."""
        if self.instant:
            return str(self.start)
        ends = ("'..'" if end is None else end.said for end in (self.start, self.end))
        return f"INTERVAL({', '.join(ends)})"

    @property
    def timed(self) -> bool:
        """Whether an end is a timestamp."""
        return any(end is not None and end.kind == "date-time" for end in (self.start, self.end))


@dataclass(frozen=True)
class Ends:
    """A period in the database, in the granularity that both operands share."""

    start: ColumnElement[Any]
    end: ColumnElement[Any]


Relation = Callable[[Ends, Ends], ColumnElement[bool]]


def _after(one: Ends, other: Ends) -> ColumnElement[bool]:
    return one.start > other.end


def _before(one: Ends, other: Ends) -> ColumnElement[bool]:
    return one.end < other.start


def _disjoint(one: Ends, other: Ends) -> ColumnElement[bool]:
    return or_(_before(one, other), _after(one, other))


def _intersects(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start <= other.end, one.end >= other.start)


def _equals(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start == other.start, one.end == other.end)


def _during(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start > other.start, one.end < other.end)


def _finishes(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start > other.start, one.end == other.end)


def _starts(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start == other.start, one.end < other.end)


def _meets(one: Ends, other: Ends) -> ColumnElement[bool]:
    return one.end == other.start


def _overlaps(one: Ends, other: Ends) -> ColumnElement[bool]:
    return and_(one.start < other.start, one.end > other.start, one.end < other.end)


def _turned(relation: Relation) -> Relation:
    return lambda one, other: relation(other, one)


ANY_PERIODS: Mapping[str, Relation] = {
    "t_after": _after,
    "t_before": _before,
    "t_disjoint": _disjoint,
    "t_equals": _equals,
    "t_intersects": _intersects,
}
INTERVALS_ONLY: Mapping[str, Relation] = {
    "t_contains": _turned(_during),
    "t_during": _during,
    "t_finishedby": _turned(_finishes),
    "t_finishes": _finishes,
    "t_meets": _meets,
    "t_metby": _turned(_meets),
    "t_overlappedby": _turned(_overlaps),
    "t_overlaps": _overlaps,
    "t_startedby": _turned(_starts),
    "t_starts": _starts,
}
RELATIONS: Mapping[str, Relation] = {**ANY_PERIODS, **INTERVALS_ONLY}


def instant(term: Term) -> Period:
    """A date or a timestamp as an operand.

    Raises
    ------
    ParameterError
        Not a time.
    """
    if term.kind not in ("date", "date-time"):
        msg = (
            "temporal functions take a date, a timestamp or an interval, such as DATE('2016-06-01') or "
            f"INTERVAL('2016-06-01', '..'); {term}"
        )
        raise refusal(msg)
    return Period(term, term, instant=True)


def interval(start: Term | None, end: Term | None) -> Period:
    """INTERVAL(start, end).

    Raises
    ------
    ParameterError
        An end is not a time, or the written ends are in the wrong order.
    """
    for side in (start, end):
        if side is not None:
            instant(side)
    if start is not None and end is not None and _backwards(start, end):
        msg = f"INTERVAL({start.said}, {end.said}) ends before it starts"
        raise refusal(msg)
    return Period(start, end)


def _backwards(start: Term, end: Term) -> bool:
    """Whether both ends are written, in the wrong order."""
    written = start.literal is not None and end.literal is not None
    return written and start.kind == end.kind and start.literal > end.literal


def relate(name: str, one: Period, other: Period, zone: str) -> ColumnElement[bool]:
    """Apply a temporal function.

    Raises
    ------
    ParameterError
        It is for intervals only and an operand is an instant (clause 7.8.2).
    """
    if name in INTERVALS_ONLY:
        for period in (one, other):
            if period.instant:
                msg = f"{name.upper()} relates intervals, such as INTERVAL('2016-06-01', '2016-06-30'); {period}"
                raise refusal(msg)
    timed = one.timed or other.timed
    return RELATIONS[name](_ends(one, timed, zone), _ends(other, timed, zone))


def _ends(period: Period, timed: bool, zone: str) -> Ends:
    start = _open("-infinity", timed) if period.start is None else _start(period.start, timed, zone)
    end = _open("infinity", timed) if period.end is None else _end(period.end, timed, zone)
    return Ends(start, end)


def _open(infinity: str, timed: bool) -> ColumnElement[Any]:
    return cast(literal(infinity, String), TIMESTAMPTZ if timed else Date)


def _start(term: Term, timed: bool, zone: str) -> ColumnElement[Any]:
    if term.kind == "date-time" or not timed:
        return term.sql
    if term.literal is not None:
        return literal(datetime.combine(term.literal, time.min, ZoneInfo(zone)), TIMESTAMPTZ)
    return func.timezone(zone, cast(term.sql, TIMESTAMP))


def _end(term: Term, timed: bool, zone: str) -> ColumnElement[Any]:
    if term.kind == "date-time" or not timed:
        return term.sql
    if term.literal is not None:
        return literal(datetime.combine(term.literal, time.max, ZoneInfo(zone)), TIMESTAMPTZ)
    return func.timezone(zone, cast(term.sql + 1, TIMESTAMP)) - cast(literal(MICROSECOND, Interval), Interval)
