"""Random filters: the database finds what Python finds in the same rows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import cql2
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection

from gis.cql2.parse import read
from gis.errors import ParameterError
from tests.db.test_cql2_suite import PLACES, World, make_world

Row = dict[str, Any]


@dataclass(frozen=True)
class Filter:
    """A filter as text, and what it answers of a row: True, False or None."""

    text: str
    holds: Callable[[Row], bool | None]


NUMBERS = ("pop_max", "pop_min", "pop_other")
TEXTS = ("name", "nameascii", "adm1name", "capin")
NAMES = ["Berlin", "København", "Athens", "Chișinău", "Île", "ß", "", "A", "é", "Ş", "O'Brien", "100%", "a_b", "\\"]
WHOLE = st.integers(-(10**7), 4 * 10**7) | st.sampled_from([0, 1, 1038288, 4000000])
PARTS = st.sampled_from(["%", "_", "a", "e", "B", "ø", "S", "er", r"\%", r"\_", " ", ".", "*", "["])
COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda one, other: one == other,
    "<>": lambda one, other: one != other,
    "<": lambda one, other: one < other,
    "<=": lambda one, other: one <= other,
    ">": lambda one, other: one > other,
    ">=": lambda one, other: one >= other,
}


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def known(*values: Any) -> bool:
    return all(value is not None for value in values)


def compared(op: str, left: tuple, right: tuple) -> Filter:
    def holds(row: Row) -> bool | None:
        one, other = left[1](row), right[1](row)
        return COMPARISONS[op](one, other) if known(one, other) else None

    return Filter(f"{left[0]} {op} {right[0]}", holds)


def of_property(name: str) -> tuple:
    return f'"{name}"', lambda row: row[name]


def of_value(text: str, value: Any) -> tuple:
    return text, lambda _row: value


def calculated(op: str, left: tuple, right: tuple) -> tuple:
    def value(row: Row) -> float | None:
        one, other = left[1](row), right[1](row)
        if not known(one, other) or (op in "/%" and other == 0):
            return None
        match op:
            case "+":
                return float(one) + float(other)
            case "-":
                return float(one) - float(other)
            case "*":
                return float(one) * float(other)
            case "/":
                return float(one) / float(other)
            case _:
                return math.fmod(one, other)

    return f"({left[0]} {op} {right[0]})", value


NUMBER_LEAVES = st.sampled_from(NUMBERS).map(of_property) | WHOLE.map(lambda number: of_value(str(number), number))
# The database calculates % in exact decimals, so here only of whole numbers.
CALCULATED = st.recursive(
    NUMBER_LEAVES
    | st.builds(calculated, st.just("%"), NUMBER_LEAVES, st.integers(1, 99).map(lambda n: of_value(str(n), n))),
    lambda inner: st.builds(calculated, st.sampled_from("+-*/"), inner, inner),
    max_leaves=4,
)
TEXT_LEAVES = st.sampled_from(TEXTS).map(of_property) | st.sampled_from(NAMES).map(
    lambda one: of_value(quoted(one), one)
)
FOLDED = TEXT_LEAVES.map(
    lambda leaf: (f"CASEI({leaf[0]})", lambda row: None if leaf[1](row) is None else leaf[1](row).casefold())
)
DAYS = st.dates(date(2021, 4, 1), date(2023, 5, 1)) | st.sampled_from([date(2021, 4, 16), date(2022, 4, 16)])
DAY_LEAVES = st.just(of_property("date")) | DAYS.map(lambda day: of_value(f"DATE('{day}')", day))
MOMENTS = st.sampled_from([(2022, 4, 16, 10, 13, 19), (2022, 4, 16, 10, 15, 10)]).map(
    lambda parts: datetime(*parts, tzinfo=UTC)
) | st.integers(0, 66_000_000).map(lambda seconds: datetime(2021, 4, 1, tzinfo=UTC) + timedelta(seconds=seconds))
MOMENT_LEAVES = st.sampled_from(["start", "end"]).map(of_property) | MOMENTS.map(
    lambda at: of_value(f"TIMESTAMP('{at.isoformat().replace('+00:00', 'Z')}')", at)
)
OPERATORS = st.sampled_from(list(COMPARISONS))


def between(value: tuple, low: tuple, high: tuple) -> Filter:
    above, below = compared(">=", value, low), compared("<=", value, high)
    return Filter(
        f"{value[0]} BETWEEN {low[0]} AND {high[0]}", lambda row: conjunction(above.holds(row), below.holds(row))
    )


def chosen(value: tuple, choices: list[tuple]) -> Filter:
    def holds(row: Row) -> bool | None:
        return disjunction(*(compared("=", value, choice).holds(row) for choice in choices))

    return Filter(f"{value[0]} IN ({', '.join(choice[0] for choice in choices)})", holds)


def liked(value: tuple, parts: list[str]) -> Filter:
    wild = {"%": ".*", "_": "."}
    pattern = re.compile("".join(wild.get(part) or re.escape(part.removeprefix("\\")) for part in parts), re.DOTALL)

    def holds(row: Row) -> bool | None:
        text = value[1](row)
        return None if text is None else pattern.fullmatch(text) is not None

    return Filter(f"{value[0]} LIKE {quoted(''.join(parts))}", holds)


def boxed(corner: tuple[int, int], size: tuple[int, int]) -> Filter:
    (west, south), (width, height) = corner, size
    east, north = min(west + width, 180), min(south + height, 90)
    return Filter(
        f"S_INTERSECTS(geom, BBOX({west}, {south}, {east}, {north}))",
        lambda row: west <= row["geom"].x <= east and south <= row["geom"].y <= north,
    )


def nothing(name: str) -> Filter:
    return Filter(f'"{name}" IS NULL', lambda row: row[name] is None)


def conjunction(*answers: bool | None) -> bool | None:
    return False if False in answers else None if None in answers else True


def disjunction(*answers: bool | None) -> bool | None:
    return True if True in answers else None if None in answers else False


def joined(word: str, one: Filter, other: Filter) -> Filter:
    rule = conjunction if word == "AND" else disjunction
    return Filter(f"({one.text}) {word} ({other.text})", lambda row: rule(one.holds(row), other.holds(row)))


def negated(one: Filter) -> Filter:
    return Filter(f"NOT ({one.text})", lambda row: None if one.holds(row) is None else not one.holds(row))


PREDICATE = st.one_of(
    st.builds(compared, OPERATORS, CALCULATED, CALCULATED),
    st.builds(compared, OPERATORS, TEXT_LEAVES, TEXT_LEAVES),
    st.builds(compared, st.sampled_from(["=", "<>"]), FOLDED, FOLDED),
    st.builds(compared, OPERATORS, DAY_LEAVES, DAY_LEAVES),
    st.builds(compared, OPERATORS, MOMENT_LEAVES, MOMENT_LEAVES),
    st.builds(between, NUMBER_LEAVES, NUMBER_LEAVES, NUMBER_LEAVES),
    st.builds(chosen, TEXT_LEAVES, st.lists(TEXT_LEAVES, min_size=1, max_size=4)),
    st.builds(chosen, NUMBER_LEAVES, st.lists(NUMBER_LEAVES, min_size=1, max_size=4)),
    st.builds(liked, TEXT_LEAVES, st.lists(PARTS, max_size=5)),
    st.builds(
        boxed,
        st.tuples(st.integers(-180, 180), st.integers(-90, 90)),
        st.tuples(st.integers(0, 90), st.integers(0, 60)),
    ),
    st.sampled_from(["name", "adm1name", "capin", "start", "boolean"]).map(nothing),
    st.just(Filter('"boolean"', lambda row: row["boolean"])),
)
FILTERS = st.recursive(
    PREDICATE,
    lambda inner: st.builds(joined, st.sampled_from(["AND", "OR"]), inner, inner) | inner.map(negated),
    max_leaves=5,
)


@pytest.fixture(scope="module")
def world(make_database: Callable[..., str]) -> Iterator[World]:
    world = make_world(make_database)
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def conn(world: World) -> Iterator[Connection]:
    with world.engine.connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def rows(world: World) -> list[Row]:
    """The places as Python sees them, without the database."""
    rows = []
    for record in world.frames[PLACES].to_dict("records"):
        row = {name: None if value is None or value != value else value for name, value in record.items()}
        row["geom"] = record["geometry"]
        for name in ("start", "end"):
            row[name] = row[name] and row[name].tz_localize("UTC").to_pydatetime()
        row["date"] = row["date"] and row["date"].date()
        row["boolean"] = None if row["boolean"] is None else bool(row["boolean"])
        rows.append(row)
    return rows


SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@settings(SHARED, max_examples=300)
@given(FILTERS)
def test_the_database_finds_what_python_finds(world: World, conn: Connection, rows: list[Row], filter_: Filter) -> None:
    expected = sorted(row["name"] for row in rows if filter_.holds(row))
    try:
        found = world.names(conn, filter_.text)
    except ParameterError as problem:
        # The one thing that is refused though it has types and means something: a zero that the filter itself writes.
        assume("divides by zero" not in str(problem))
        raise
    assert found == expected, filter_.text
    as_json = json.dumps(cql2.parse_text(filter_.text).to_json())
    assert world.names(conn, as_json, "cql2-json") == expected, filter_.text


def flat(node: Any) -> Any:
    """A tree with a AND (b AND c) as one AND of three, as the parser has it without parentheses."""
    if isinstance(node, list):
        return [flat(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {name: flat(value) for name, value in node.items()}
    if node.get("op") in ("and", "or"):
        inner = [
            one["args"] if isinstance(one, dict) and one.get("op") == node["op"] else [one] for one in node["args"]
        ]
        node["args"] = [one for args in inner for one in args]
    return node


@settings(SHARED, max_examples=100)
@given(FILTERS)
def test_pieces_are_read_as_the_whole(filter_: Filter) -> None:
    """Text is parsed in pieces, to be safe; nothing else may come of it than of the whole."""
    whole = cql2.parse_text(filter_.text).to_json()
    assert flat(read(filter_.text, "cql2-text")) == flat(whole)
