"""Comparisons: = <> < <= > >=, BETWEEN, IN, IS NULL (OGC 21-065r2 clauses 6.6 and 7.2)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Date, and_, cast, func, or_

from gis.cql2.limits import refusal
from gis.cql2.terms import HOW_TO_WRITE, Term

COMPARISONS: Mapping[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
CODE_POINTS = "C"
"""Collation by which text is ordered and matched: by code point, whatever the database was made with."""
TEMPORAL = ("date", "date-time")


def compare(op: str, left: Term, right: Term, zone: str) -> ColumnElement[bool]:
    """Compare two scalars of one type.

    A date and a timestamp are compared by day, the timestamp's day being that of the time zone `zone`: dates are
    local and have no zone of their own (clause 6.3.1), and the standard leaves the cast to the server (clause 6.3.3).

    Raises
    ------
    ParameterError
        They are not of one type.
    """
    _comparable(op, left, right)
    one, other = left.sql, right.sql
    if left.kind != right.kind:
        one, other = (_day(term, zone) for term in (left, right))
    elif left.kind == "string" and (op not in ("=", "<>") or (left.literal is None and right.literal is None)):
        # Equality with a literal stays as it is, so that an index of any collation serves it.
        one, other = one.collate(CODE_POINTS), other.collate(CODE_POINTS)
    return COMPARISONS[op](one, other)


def between(value: Term, low: Term, high: Term, zone: str) -> ColumnElement[bool]:
    """BETWEEN, both ends included (clause 7.2); of numbers, and beyond the standard of text and times.

    Raises
    ------
    ParameterError
        The three are not of one type, or of one without an order.
    """
    if value.kind == "boolean":
        msg = f"BETWEEN takes numbers, texts, dates or timestamps; {value}"
        raise refusal(msg)
    return and_(compare(">=", value, low, zone), compare("<=", value, high, zone))


def within(value: Term, choices: Sequence[Term], zone: str) -> ColumnElement[bool]:
    """IN: equal to one of a list (clause 7.2).

    Raises
    ------
    ParameterError
        The list is empty or holds another type.
    """
    if not choices:
        msg = "IN needs at least one value in its list"
        raise refusal(msg)
    for choice in choices:
        _comparable("IN", value, choice)
    if any(choice.kind != value.kind for choice in choices):
        return or_(*(compare("=", value, choice, zone) for choice in choices))
    if value.kind == "string" and any(choice.literal is None for choice in choices):
        return value.sql.collate(CODE_POINTS).in_([choice.sql.collate(CODE_POINTS) for choice in choices])
    return value.sql.in_([choice.sql for choice in choices])


def is_null(term: Term) -> ColumnElement[bool]:
    """IS NULL, of anything (clause 6.6)."""
    return term.sql.is_(None)


def _comparable(op: str, left: Term, right: Term) -> None:
    if "geometry" in (left.kind, right.kind):
        msg = f"{op} does not compare geometries; use S_EQUALS or S_INTERSECTS"
        raise refusal(msg)
    if left.kind == right.kind or (left.kind in TEMPORAL and right.kind in TEMPORAL):
        return
    # The one that the data fixes is right, the literal is to be written otherwise.
    fixed, wrong = (right, left) if right.literal is None and left.literal is not None else (left, right)
    msg = f"{op} compares values of one type; {fixed}, but {wrong}: write it as {HOW_TO_WRITE[fixed.kind]}"
    raise refusal(msg)


def _day(term: Term, zone: str) -> ColumnElement[Any]:
    return term.sql if term.kind == "date" else cast(func.timezone(zone, term.sql), Date)
