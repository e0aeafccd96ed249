"""Typed terms: what a part of a filter is, so that types are judged here and not by the database."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, ColumnElement, Double, Numeric, String, literal

from gis.cql2.limits import nearest, refusal, shown
from gis.cql2.queryables import Queryable

Kind = Literal["string", "number", "boolean", "date", "date-time", "geometry"]
KIND_WORDS: Mapping[str, str] = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "date-time": "a timestamp",
    "geometry": "a geometry",
}
HOW_TO_WRITE: Mapping[str, str] = {
    "string": "'text'",
    "number": "12.5",
    "boolean": "true",
    "date": "DATE('2016-06-01')",
    "date-time": "TIMESTAMP('2016-06-01T08:00:00Z')",
    "geometry": "POINT(113.6 34.7)",
}
INT8 = 2**63
EXACT = 2**53
"""Whole numbers up to here are exact in a double, in which the text parser keeps them."""


@dataclass(frozen=True)
class Span:
    """Decimal exponents within which a number stays: |x| <= 10^top, and x is a multiple of 10^grain.

    Kept through arithmetic so that what could overflow or underflow a double, which is an error in PostgreSQL, is
    refused beforehand.
    """

    top: float
    grain: float


PROPERTY_SPAN = Span(20, -28)
"""Numbers that properties hold: up to int8, and 16 digits of anything from 1e-12 on."""


@dataclass(frozen=True)
class Term:
    """A scalar or a geometry property.

    Parameters
    ----------
    kind
        Integers are numbers.
    sql
        Its value in the database.
    said
        How messages call it.
    literal
        The value where the filter gives it: str, int, float, bool, date, datetime; None where the database does.
    pattern
        The text on which a chain of CASEI and ACCENTI stands, where that is a literal; then it can be a LIKE pattern.
    span
        Of a number.
    srid
        Of a geometry.
    """

    kind: Kind
    sql: ColumnElement[Any]
    said: str
    literal: Any = None
    pattern: str | None = None
    span: Span = PROPERTY_SPAN
    srid: int = 0

    def __str__(self) -> str:
        """Read in a message: `count` is a number."""
        return f"{self.said} is {KIND_WORDS[self.kind]}"

    def calculated(self, **changes: Any) -> Term:
        """The result of an operation on this term."""
        return replace(self, **changes)


def property_term(name: Any, queryables: Mapping[str, Queryable]) -> Term:
    """Name a property (clause 6.5); only what the collection declares can be named.

    Raises
    ------
    ParameterError
        There is no such property.
    """
    queryable = queryables.get(name) if isinstance(name, str) else None
    if queryable is None:
        msg = f"there is no property {shown(name)[1:-1]!r}{nearest(str(name), queryables)}"
        raise refusal(msg)
    kind = "number" if queryable.kind == "integer" else queryable.kind
    return Term(kind, queryable.column, f"property {name!r}", srid=queryable.srid)


def scalar_term(value: str | bool | float) -> Term:
    """Literal text, number, true or false.

    Raises
    ------
    ParameterError
        A number that is not finite.
    """
    if isinstance(value, str):
        return Term("string", literal(value, String), f"the text {shown(value)}", value, value)
    if isinstance(value, bool):
        # Not SQLAlchemy's true(), which it folds away in AND and refuses to compare by order.
        return Term("boolean", literal(value, Boolean), str(value).lower(), value)
    return number_term(value)


def number_term(value: float) -> Term:
    """Literal number, as an integer of the database where it is whole and so can be, so that indexes can be used."""
    try:
        size = abs(float(value))
    except OverflowError:
        size = math.inf
    if not math.isfinite(size):
        msg = f"{shown(value)} is not a number that a double can hold (up to 1.8e308)"
        raise refusal(msg)
    if isinstance(value, float) and value.is_integer() and size <= EXACT:
        value = int(value)
    if isinstance(value, float):
        sql: ColumnElement[Any] = literal(value, Double)
    else:
        sql = literal(value, BigInteger if -INT8 <= value < INT8 else Numeric)
    top = math.log10(size) if size else 0.0
    return Term("number", sql, f"the number {shown(value)[1:-1]}", value, span=Span(top, top - 16 if size else 0.0))


def truth_term(condition: ColumnElement[bool]) -> Term:
    """What a comparison answers."""
    return Term("boolean", condition.self_group(), "a condition")


def only(kinds: Iterable[str], term: Term, wanted: str) -> Term:
    """Hold a term to the kinds that an operator takes.

    Raises
    ------
    ParameterError
        It is of another kind; `wanted` says what the operator takes.
    """
    if term.kind not in kinds:
        msg = f"{wanted}; {term}"
        raise refusal(msg)
    return term
