"""Arithmetic: + - * / ^ % div (OGC 21-065r2 clause 7.12), in double precision.

Numbers of the filter alone are calculated here. With properties the database calculates, and raises an error where a
double overflows, underflows or divides by zero. Division by zero is NULL instead; the others are refused beforehand,
from how large the parts can be (`Span`).
"""

from __future__ import annotations

import math
from typing import Any

from sqlalchemy import ColumnElement, Double, Numeric, cast, func, literal

from gis.cql2.limits import refusal, shown
from gis.cql2.terms import Span, Term, number_term, only

OPERATORS = frozenset("+-*/^%") | {"div"}
LARGEST = 300
"""Decimal exponent that is safe in a double."""
DIGITS = 16
NEGATIVE = -1e-300
"""Nearer to zero than any other negative number here (`LARGEST`); stands for all of them in a power's base."""


def calculate(op: str, left: Term, right: Term) -> Term:
    """Apply one operator.

    Raises
    ------
    ParameterError
        Not numbers, a division by a literal zero, or a result that may be too large or too small for a double.
    """
    for term in (left, right):
        only({"number"}, term, f"{op} calculates with numbers")
    if op in ("/", "div", "%") and right.literal == 0:
        msg = f"{op} divides by zero"
        raise refusal(msg)
    if left.literal is not None and right.literal is not None:
        return number_term(_value(op, left.literal, right.literal))
    span = _power_span(left, right) if op == "^" else _span(op, left, right)
    if span.top > LARGEST or span.grain < -LARGEST:
        msg = f"{left.said} {op} {right.said} may be too large or too small for a number; use fewer or smaller factors"
        raise refusal(msg)
    return Term("number", _sql(op, left, right), "a calculated number", span=span)


def _value(op: str, left: float, right: float) -> float:
    """Calculate literals as the database does: doubles, % and div toward zero."""
    try:
        result = _exactly(op, left, right)
    except (OverflowError, ZeroDivisionError, ValueError):
        result = math.nan
    if isinstance(result, complex) or not math.isfinite(result):
        msg = f"{shown(left)[1:-1]} {op} {shown(right)[1:-1]} is not a number that a double can hold"
        raise refusal(msg)
    return result


def _exactly(op: str, left: float, right: float) -> Any:
    match op:
        case "+":
            return float(left) + float(right)
        case "-":
            return float(left) - float(right)
        case "*":
            return float(left) * float(right)
        case "/":
            return float(left) / float(right)
        case "div":
            return float(math.trunc(float(left) / float(right)))
        case "%":
            return math.fmod(left, right)
        case _:
            return math.pow(left, right)


def _span(op: str, one: Term, other: Term) -> Span:
    left, right = one.span, other.span
    if op == "*" and one.literal == -1:  # how the parser writes a minus sign
        return right
    match op:
        case "+" | "-":
            return Span(max(left.top, right.top) + 1, min(left.grain, right.grain))
        case "*":
            return Span(left.top + right.top, left.grain + right.grain - DIGITS)
        case "/" | "div":
            return Span(left.top - right.grain, left.grain - right.top - DIGITS)
        case _:
            return Span(right.top, min(left.grain, right.grain))


def _power_span(base: Term, exponent: Term) -> Span:
    power = exponent.literal
    if power is None:
        msg = f"^ takes a written exponent, such as 2; {exponent.said} could be any number"
        raise refusal(msg)
    ends = (base.span.top * power, base.span.grain * power)
    return Span(max(*ends, 0), min(ends) - DIGITS)


def _sql(op: str, left: Term, right: Term) -> ColumnElement[Any]:
    one, other = cast(left.sql, Double), cast(right.sql, Double)
    match op:
        case "/":
            return one.op("/", return_type=Double())(func.nullif(other, 0)).self_group()
        case "div":
            return func.trunc(one.op("/", return_type=Double())(func.nullif(other, 0)))
        case "%":
            # PostgreSQL has % for exact numbers only; by way of a double whole numbers would lose their last digits.
            return cast(func.mod(cast(left.sql, Numeric), func.nullif(cast(right.sql, Numeric), 0)), Double)
        case "^":
            return func.power(_base(one, right.literal), other)
        case _:
            return one.op(op, return_type=Double())(other).self_group()


def _base(base: ColumnElement[Any], power: float) -> ColumnElement[Any]:
    """NULL instead of a base that has no such power: zero to a negative one, a negative one to a fraction."""
    if power < 0:
        base = func.nullif(base, literal(0.0, Double))
    if not float(power).is_integer():
        # Without writing the base twice, which would double a nest of powers at each level.
        negative = cast(literal(NEGATIVE, Double), Double)
        base = func.nullif(func.greatest(base, negative), negative)
    return base
