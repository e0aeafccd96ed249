"""Array functions (OGC 21-065r2 clause 7.9) over lists written in the filter; no property of a collection is a list."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Boolean, ColumnElement, and_, literal, or_

from gis.cql2.comparison import TEMPORAL, compare
from gis.cql2.limits import NODES, refusal
from gis.cql2.terms import Term, truth_term

Array = Sequence[Term]


def _same(one: Term, other: Term, zone: str) -> ColumnElement[bool]:
    """Whether two members are one; lists may mix types, so members of different types are just not the same."""
    comparable = one.kind == other.kind or (one.kind in TEMPORAL and other.kind in TEMPORAL)
    return compare("=", one, other, zone) if comparable else literal(False, Boolean)


def _contains(one: Array, other: Array, zone: str) -> ColumnElement[bool]:
    return and_(*(or_(*(_same(term, member, zone) for member in one)) for term in other))


def _overlaps(one: Array, other: Array, zone: str) -> ColumnElement[bool]:
    return or_(*(_same(term, member, zone) for member in one for term in other))


def _contained(one: Array, other: Array, zone: str) -> ColumnElement[bool]:
    return _contains(other, one, zone)


def _equals(one: Array, other: Array, zone: str) -> ColumnElement[bool]:
    return and_(_contains(one, other, zone), _contains(other, one, zone))


FUNCTIONS: Mapping[str, Callable[[Array, Array, str], ColumnElement[bool]]] = {
    "a_contains": _contains,
    "a_containedby": _contained,
    "a_equals": _equals,
    "a_overlaps": _overlaps,
}
"""As sets, without order (requirement /req/array-functions/array-predicates)."""


def relate(name: str, one: Array, other: Array, zone: str) -> Term:
    """Apply an array function.

    Raises
    ------
    ParameterError
        A list is empty, holds a geometry, or there are too many pairs of members.
    """
    if not one or not other:
        msg = f"{name.upper()} takes two lists with members, such as (1, 2)"
        raise refusal(msg)
    if len(one) * len(other) > NODES:
        msg = f"{name.upper()} compares each member with each, {len(one)} x {len(other)} here; at most {NODES} pairs"
        raise refusal(msg)
    return truth_term(FUNCTIONS[name](one, other, zone))
