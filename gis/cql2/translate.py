"""A filter in CQL2 (OGC 21-065r2) as a condition of the database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, not_, or_

from gis.cql2 import arithmetic, arrays, spatial, temporal
from gis.cql2.characters import accenti, casei, like
from gis.cql2.comparison import COMPARISONS, between, compare, is_null, within
from gis.cql2.geometries import box_literal, geometry_literal
from gis.cql2.instants import date_term, instant_term, timestamp_term
from gis.cql2.limits import nearest, refusal, shown
from gis.cql2.parse import Lang, read
from gis.cql2.queryables import CRS84, FilterCrs, Queryable
from gis.cql2.spatial import Shape
from gis.cql2.temporal import Period
from gis.cql2.terms import Term, only, property_term, scalar_term, truth_term

Value = Term | Period | Shape
LOGICAL = ("and", "or", "not")
PREDICATES = ("like", "between", "in", "isnull")
TEXT_FUNCTIONS: Mapping[str, Callable[[Term], Term]] = {"casei": casei, "accenti": accenti}
NAMES = (*TEXT_FUNCTIONS, *spatial.FUNCTIONS, *temporal.RELATIONS, *arrays.FUNCTIONS)
"""Functions that a filter may call; custom ones (clause 7.11) are not offered."""


def to_sql(
    expression: str | Mapping[str, Any],
    lang: Lang,
    queryables: Mapping[str, Queryable],
    *,
    crs: FilterCrs = CRS84,
    zone: str = "UTC",
) -> ColumnElement[bool]:
    """Translate a filter into a condition.

    Parameters
    ----------
    expression
        The filter; in cql2-json as text or as what a JSON parser made of it.
    lang
        Which of the two encodings it is in.
    queryables
        The properties it may name.
    crs
        Coordinate reference system and axis order of its geometries.
    zone
        Time zone whose days dates are, where they meet timestamps.

    Returns
    -------
    ColumnElement[bool]
        True, false or NULL of a row (clause 6.2, table 1); all values in it are bound.

    Raises
    ------
    ParameterError
        Anything that is wrong with the filter; the message says what would be right.
    """
    tree = read(expression, lang)
    answer = Translation(queryables, crs, zone).value(tree)
    if not isinstance(answer, Term) or answer.kind != "boolean":
        said = answer if isinstance(answer, Term | Period) else "it is a geometry"
        msg = f"a filter is a condition, such as name = 'x'; {said}"
        raise refusal(msg)
    return answer.sql


class Translation:
    """One filter on its way; recursion is safe because `read` bounds the depth."""

    def __init__(self, queryables: Mapping[str, Queryable], crs: FilterCrs, zone: str) -> None:
        self.queryables = queryables
        self.crs = crs
        self.zone = zone

    def value(self, node: Any) -> Value:
        """Translate any part of a filter.

        Raises
        ------
        ParameterError
            It is not CQL2.
        """
        if isinstance(node, str | bool | int | float):
            return scalar_term(node)
        if isinstance(node, Mapping):
            return self.object(dict(node))
        msg = "a list stands only after IN and in the A_ functions"
        if node is None:
            msg = "null is no value to compare with; write name IS NULL"
        raise refusal(msg)

    def object(self, node: dict[str, Any]) -> Value:
        """Translate what is neither text nor number.

        Raises
        ------
        ParameterError
            It is not CQL2.
        """
        match node:
            case {"op": str(op), "args": list(args)}:
                return self.operation(op, args)
            case {"property": name}:
                return property_term(name, self.queryables)
            case {"date": text}:
                return date_term(text)
            case {"timestamp": text}:
                return timestamp_term(text)
            case {"interval": [start, end]}:
                return temporal.interval(self.end(start), self.end(end))
            case {"bbox": numbers}:
                return Shape(box_literal(numbers, self.crs), box=True)
            case {"type": _}:
                return Shape(geometry_literal(node, self.crs))
        msg = (
            f"not CQL2: {shown(node)}; JSON has op with args, property, date, timestamp, interval of two, or a geometry"
        )
        raise refusal(msg)

    def operation(self, name: str, args: Sequence[Any]) -> Term:
        """Translate an operator or a function with its arguments.

        Raises
        ------
        ParameterError
            There is none of that name, or it takes other arguments.
        """
        op = name.lower()
        if op in LOGICAL:
            return truth_term(self.logical(op, args))
        if op in COMPARISONS:
            left, right = self.terms(op, args, 2)
            return truth_term(compare(op, left, right, self.zone))
        if op in PREDICATES:
            return truth_term(self.predicate(op, args))
        if op in arithmetic.OPERATORS:
            left, right = self.terms(op, args, 2)
            return arithmetic.calculate(op, left, right)
        if op in TEXT_FUNCTIONS:
            (text,) = self.terms(op, args, 1)
            return TEXT_FUNCTIONS[op](text)
        if op in spatial.FUNCTIONS:
            this_shape, that_shape = [self.shape(op, arg) for arg in _counted(op, args, 2)]
            return truth_term(spatial.relate(op, this_shape, that_shape, self.crs))
        if op in temporal.RELATIONS:
            this_period, that_period = [self.period(arg) for arg in _counted(op, args, 2)]
            return truth_term(temporal.relate(op, this_period, that_period, self.zone))
        if op in arrays.FUNCTIONS:
            this_list, that_list = [self.members(op, arg) for arg in _counted(op, args, 2)]
            return arrays.relate(op, this_list, that_list, self.zone)
        msg = f"there is no function {shown(name)}{nearest(name, NAMES)}"
        raise refusal(msg)

    def logical(self, op: str, args: Sequence[Any]) -> ColumnElement[bool]:
        """Translate AND, OR and NOT."""
        if op == "not":
            _counted(op, args, 1)
        elif not args:
            msg = f"{op.upper()} joins at least two conditions"
            raise refusal(msg)
        wanted = f"{op.upper()} takes conditions, such as name = 'x'"
        conditions = [only({"boolean"}, self.term(op, arg), wanted).sql for arg in args]
        if op == "not":
            return not_(conditions[0])
        return and_(*conditions) if op == "and" else or_(*conditions)

    def predicate(self, op: str, args: Sequence[Any]) -> ColumnElement[bool]:
        """Translate LIKE, BETWEEN, IN and IS NULL."""
        match op:
            case "like":
                return like(*self.terms(op, args, 2))
            case "between":
                value, low, high = self.terms(op, args, 3)
                return between(value, low, high, self.zone)
            case "isnull":
                return is_null(*self.terms(op, args, 1))
        chosen, choices = _counted(op, args, 2)
        if not isinstance(choices, list):
            msg = "IN takes a list, such as ('a', 'b')"
            raise refusal(msg)
        return within(self.term(op, chosen), [self.term(op, choice) for choice in choices], self.zone)

    def terms(self, op: str, args: Sequence[Any], count: int) -> list[Term]:
        """Translate arguments that must be scalars or properties."""
        return [self.term(op, arg) for arg in _counted(op, args, count)]

    def term(self, op: str, node: Any) -> Term:
        """Translate one argument that must be a scalar or a property."""
        return _scalar(op, self.value(node))

    def shape(self, op: str, node: Any) -> Term | Shape:
        """Translate an argument of a spatial function."""
        value = self.value(node)
        return value if isinstance(value, Shape) else _scalar(op, value)

    def period(self, node: Any) -> Period:
        """Translate an argument of a temporal function."""
        value = self.value(node)
        if isinstance(value, Shape):
            msg = "temporal functions take no geometry"
            raise refusal(msg)
        return value if isinstance(value, Period) else temporal.instant(value)

    def end(self, node: Any) -> Term | None:
        """Translate an end of an interval, None for an open one."""
        if node == "..":
            return None
        return instant_term(node) if isinstance(node, str) else self.term("interval", node)

    def members(self, op: str, node: Any) -> list[Term]:
        """Translate a list; text of one member in parentheses reads as that member."""
        nodes = node if isinstance(node, list) else [node]
        # A member stands in every pair of the condition, so it must be small.
        if any(isinstance(one, Mapping) and "op" in one for one in nodes):
            msg = f"{op.upper()} takes values and properties in its lists, nothing calculated"
            raise refusal(msg)
        return [self.term(op, one) for one in nodes]


def _scalar(op: str, value: Value) -> Term:
    if isinstance(value, Period):
        msg = f"{op.upper()} takes no interval; use a temporal function such as T_INTERSECTS({value}, ...)"
        raise refusal(msg)
    if isinstance(value, Shape):
        msg = f"{op.upper()} takes no geometry; use a spatial function such as S_INTERSECTS"
        raise refusal(msg)
    return value


def _counted(op: str, args: Sequence[Any], count: int) -> Sequence[Any]:
    if len(args) != count:
        msg = f"{op.upper()} takes {count} argument{'s' * (count > 1)}, not {len(args)}"
        raise refusal(msg)
    return args
