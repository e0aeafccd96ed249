"""Random and damaged filters: each is refused with a message or taken by the database; there is no third way."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import cql2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, func, select

from gis.cql2.translate import to_sql
from gis.errors import ParameterError
from tests.db.test_cql2_suite import PLACES, PREDICATES, World, make_world

SHARED = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(scope="module")
def world(make_database: Callable[..., str]) -> Iterator[World]:
    world = make_world(make_database)
    yield world
    world.engine.dispose()


@pytest.fixture(scope="module")
def conn(world: World) -> Iterator[Connection]:
    with world.engine.connect() as conn:
        yield conn


def runs(world: World, conn: Connection, expression: Any, lang: str, collection: str = PLACES) -> None:
    """Translate a filter and, unless it is refused, have the database answer it."""
    try:
        condition = to_sql(expression, lang, world.queryables(collection))
    except ParameterError:
        return
    # Not even DataError, which the API would answer with 400: to_sql refuses beforehand.
    conn.execute(select(func.count()).select_from(world.tables[collection]).where(condition)).scalar_one()


# fmt: off
WORDS = st.sampled_from(
    [
        "name", "pop_max", "pop_other", "date", "start", "end", "boolean", "geom", "AND", "OR", "NOT", "LIKE",
        "BETWEEN", "IN", "IS", "NULL", "TRUE", "false", "(", ")", ",", "= ", "<>", "<", "<=", ">", ">=", "+", "-",
        "*", "/", "^", "%", "div", "'a'", "'%'", "'\\'", "''", "0", "1", "2", ".5", "1e308", "1e-308", "5e-324",
        "9223372036854775807", "9223372036854775808", "casei(", "accenti(", "s_intersects(geom,", "s_touches(",
        "bbox(0,0,1,1)", "point(1 2)", "linestring(0 0,1 1)", "polygon((0 0,1 0,1 1,0 0))",
        "geometrycollection(point(1 2),linestring(0 0,1 1))", "t_after(", "t_during(", "interval(",
        "interval(start,end)", "interval('..','..')", "date('2022-04-16')", "timestamp('2022-04-16T10:13:19Z')",
        "date('0001-01-01')", "date('9999-12-31')", "a_equals(", "a_overlaps(", "((1,2),('a',name))",
        "'2022-04-16'", "'..'", '"name"', "foo(", "é", ";", "\\", '"', "'", ":", ".",
    ]
)
# fmt: on
LITERALS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=5),
    st.sampled_from(["2022-04-16", "..", "2022-04-16T10:13:19Z", "\\", "%"]),
    st.sampled_from(["name", "adm1name", "pop_max", "pop_min", "date", "start", "end", "boolean", "geom"]).map(
        lambda name: {"property": name}
    ),
    st.sampled_from(["2022-04-16", "0001-01-01", "9999-12-31", "x"]).map(lambda day: {"date": day}),
    st.sampled_from(["2022-04-16T10:13:19Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z"]).map(
        lambda at: {"timestamp": at}
    ),
    st.lists(st.floats(-200, 200) | st.integers(-200, 200), min_size=3, max_size=6).map(lambda box: {"bbox": box}),
    st.lists(st.tuples(st.floats(-181, 181), st.floats(-91, 91)).map(list), max_size=5).flatmap(
        lambda line: st.sampled_from(
            [
                {"type": "LineString", "coordinates": line},
                {"type": "MultiPoint", "coordinates": line},
                {"type": "Polygon", "coordinates": [line + line[:1]]},
                {"type": "GeometryCollection", "geometries": [{"type": "LineString", "coordinates": line}]},
            ]
        )
    ),
)
# fmt: off
OPS = st.sampled_from(
    [
        "and", "or", "not", "=", "<>", "<", "<=", ">", ">=", "between", "in", "like", "isNull", "+", "-", "*", "/",
        "^", "%", "div", "casei", "accenti", "s_intersects", "s_equals", "s_touches", "s_within", "s_contains",
        "s_overlaps", "s_crosses", "s_disjoint", "t_after", "t_before", "t_intersects", "t_equals", "t_during",
        "t_contains", "t_meets", "t_overlaps", "t_starts", "t_finishes", "a_equals", "a_contains", "a_containedBy",
        "a_overlaps", "foo",
    ]
)
# fmt: on
TREES = st.recursive(
    LITERALS,
    lambda inner: (
        st.builds(lambda op, args: {"op": op, "args": args}, OPS, st.lists(inner, min_size=1, max_size=3))
        | st.lists(inner, min_size=2, max_size=2).map(lambda ends: {"interval": ends})
        | st.lists(inner, max_size=3)
    ),
    max_leaves=8,
)


@settings(SHARED, max_examples=300)
@given(st.lists(WORDS, min_size=1, max_size=14).map(" ".join) | st.text(max_size=40))
def test_no_text_is_an_error_of_ours(world: World, conn: Connection, expression: str) -> None:
    runs(world, conn, expression, "cql2-text")


@settings(SHARED, max_examples=300)
@given(TREES)
def test_no_json_is_an_error_of_ours(world: World, conn: Connection, tree: Any) -> None:
    runs(world, conn, tree, "cql2-json")
    runs(world, conn, json.dumps(tree), "cql2-json")


@settings(SHARED, max_examples=200)
@given(st.sampled_from(PREDICATES), st.data())
def test_a_damaged_predicate_is_no_error_of_ours(
    world: World, conn: Connection, case: dict, data: st.DataObject
) -> None:
    """Predicates of the standard with a piece taken out or put in come nearer to sense than random words."""
    predicate = case["predicate"]
    at = data.draw(st.integers(0, len(predicate)))
    upto = data.draw(st.integers(at, min(at + 8, len(predicate))))
    damaged = predicate[:at] + data.draw(WORDS | st.just("")) + predicate[upto:]
    runs(world, conn, damaged, "cql2-text", case["collection"])


@settings(SHARED, max_examples=200)
@given(st.sampled_from(PREDICATES), st.data())
def test_an_exchanged_part_is_no_error_of_ours(world: World, conn: Connection, case: dict, data: st.DataObject) -> None:
    """The standard's predicates in JSON with one part exchanged for another one, mostly of another type."""
    tree = cql2.parse_text(case["predicate"]).to_json()
    parts = [(args, at) for args in argument_lists(tree) for at in range(len(args))]
    args, at = data.draw(st.sampled_from(parts))
    args[at] = data.draw(LITERALS | TREES)
    runs(world, conn, tree, "cql2-json", case["collection"])


def argument_lists(node: Any) -> list[list[Any]]:
    if not isinstance(node, dict) or "args" not in node:
        return []
    return [node["args"], *(found for one in node["args"] for found in argument_lists(one))]
