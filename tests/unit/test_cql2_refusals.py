"""Wrong and hostile filters: each is a ParameterError that teaches, at once, and never a crash."""

from __future__ import annotations

import json
import time

import pytest
from sqlalchemy import TIMESTAMP, BigInteger, Boolean, Date, Double, String, column
from sqlalchemy.dialects import postgresql

from gis.cql2 import limits
from gis.cql2.queryables import CRS84, FilterCrs, Queryable
from gis.cql2.translate import to_sql
from gis.errors import ParameterError

QUERYABLES = {
    "count": Queryable(column("count", BigInteger), "integer"),
    "km2": Queryable(column("km2", Double), "number"),
    "name": Queryable(column("name", String), "string"),
    "day": Queryable(column("day", Date), "date"),
    "opened": Queryable(column("opened", TIMESTAMP(timezone=True)), "date-time"),
    "closed": Queryable(column("closed", TIMESTAMP(timezone=True)), "date-time"),
    "synthetic": Queryable(column("synthetic", Boolean), "boolean"),
    "geometry": Queryable(column("geom"), "geometry"),
}
SECONDS = 2.0


def refused(expression: object, lang: str = "cql2-text", crs: FilterCrs = CRS84) -> str:
    began = time.perf_counter()
    with pytest.raises(ParameterError) as caught:
        to_sql(expression, lang, QUERYABLES, crs=crs)
    assert time.perf_counter() - began < SECONDS
    assert caught.value.parameter == "filter"
    message = str(caught.value)
    assert len(message) < 700
    assert "\ue000" not in message
    return message


def statement(expression: str, lang: str = "cql2-text") -> str:
    return str(to_sql(expression, lang, QUERYABLES).compile(dialect=postgresql.dialect()))


@pytest.mark.parametrize(
    ("expression", "teaches"),
    [
        ("nam = 'x'", "did you mean 'name'"),
        ("colour = 'x'", "there are closed, count"),
        ("name = 1", "property 'name' is text"),
        ("count = '1'", "property 'count' is a number, but the text '1' is text"),
        ("'1' = count", "property 'count' is a number, but the text '1' is text"),
        ("day = '2016-06-01'", "DATE('2016-06-01')"),
        ("opened > '2016-06-01T00:00:00Z'", "TIMESTAMP('2016-06-01T08:00:00Z')"),
        ("synthetic = 'true'", "write it as true"),
        ("name = count", "is a number"),
        ("count IN (1, 'x')", "the text 'x' is text"),
        ("count BETWEEN 'a' AND 'b'", "property 'count' is a number"),
        ("synthetic BETWEEN true AND false", "BETWEEN takes numbers"),
        ("name = null", "IS NULL"),
        ("count LIKE '1%'", "LIKE matches text"),
        ("name LIKE 5", "LIKE takes a pattern in quotes"),
        ("name LIKE name", "LIKE takes a pattern in quotes"),
        ("name LIKE CASEI(name)", "LIKE takes a pattern in quotes"),
        (r"name LIKE 'a\'", r"written \\"),
        ("CASEI(count) = 'x'", "CASEI takes text"),
        ("ACCENTI(day) = 'x'", "ACCENTI takes text"),
        ("name + 1 = 2", "calculates with numbers"),
        ("opened - opened = 0", "calculates with numbers"),
        ("count / 0 = 1", "divides by zero"),
        ("count % 0 = 1", "divides by zero"),
        ("count = 2 ^ 5000", "a double can hold"),
        ("count = (0 - 8) ^ 0.5", "a double can hold"),
        ("count ^ 1000 = 1", "too large"),
        ("2 ^ count = 1", "written exponent"),
        ("count*count*count*count*count*count*count*count*count = 1", "too large"),
        ("count = 1e400", "a double can hold"),
        ("count = 9007199254740993", "cql2-json"),
        ("name", "a filter is a condition"),
        ("count + 1", "a filter is a condition"),
        ("POINT(1 2)", "a filter is a condition"),
        ("NOT name", "NOT takes conditions"),
        ("count AND synthetic", "AND takes conditions"),
        ("buffer(geometry, 1) = 1", "there is no function 'buffer'"),
        ("s_intersect(geometry, POINT(1 2))", "did you mean 's_intersects'"),
        ("CASEI(name, name) = 'x'", "takes 1 argument, not 2"),
        ("S_INTERSECTS(geometry)", "takes 2 arguments, not 1"),
        ("S_INTERSECTS(geometry, name)", "property 'name' is text"),
        ("geometry = POINT(1 2)", "S_INTERSECTS"),
        ("geometry = geometry", "S_EQUALS"),
        ("S_INTERSECTS(geometry, POINT(181 2))", "out of range"),
        ("S_INTERSECTS(geometry, POINT(34 91))", "longitude, latitude"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 1 1)))", "not closed"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 0, 0 0)))", "at least four"),
        ("S_INTERSECTS(geometry, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "Self-intersection"),
        ("S_INTERSECTS(geometry, LINESTRING(0 0))", "at least two"),
        ("S_INTERSECTS(geometry, LINESTRING(0 0, 0 0))", "not valid"),
        ("S_INTERSECTS(geometry, POINT EMPTY)", "not CQL2 text"),
        ("S_INTERSECTS(geometry, MULTIPOLYGON EMPTY)", "no coordinates"),
        ("S_INTERSECTS(geometry, BBOX(1, 2, 3))", "four numbers"),
        ("S_INTERSECTS(geometry, BBOX(1, 5, 3, 2))", "south"),
        ("S_TOUCHES(geometry, GEOMETRYCOLLECTION(POINT(1 2), LINESTRING(0 0, 1 1)))", "GEOMETRYCOLLECTION"),
        ("T_AFTER(name, DATE('2016-06-01'))", "property 'name' is text"),
        ("T_AFTER(geometry, DATE('2016-06-01'))", "is a geometry"),
        ("T_DURING(opened, INTERVAL('2016-06-01', '..'))", "relates intervals"),
        ("T_AFTER(opened, INTERVAL('2016-06-02', '2016-06-01'))", "ends before it starts"),
        ("T_AFTER(opened, INTERVAL('2016-06', '..'))", "no end of an interval"),
        ("T_AFTER(opened, INTERVAL(name, '..'))", "property 'name' is text"),
        ("day = DATE('2016-13-01')", "is not a day"),
        ("day = DATE('2016-02-30')", "is not a day"),
        ("opened = TIMESTAMP('2016-06-01T25:00:00Z')", "is not a time"),
        ("opened = TIMESTAMP('2016-06-01')", "is not a time"),
        ("opened = INTERVAL('2016-06-01', '..')", "T_INTERSECTS"),
        ("A_CONTAINS((), (1))", "not CQL2 text"),
        ("A_CONTAINS((count + 1, 2), (1))", "nothing calculated"),
        ("name IN ()", "not CQL2 text"),
        ("", "is empty"),
        ("   ", "is empty"),
        ("name = 'x", "no meaning here"),
        (r"name = 'it\'s'", "write '' for a quote"),
        ("name = 'x'; DROP TABLE reports", "';' at character 11"),
        ("name = 'x' --", "not CQL2 text"),
        ("(name = 'x'", "never closed"),
        ("name = 'x')", "without its '('"),
        ("name == 'x'", "not CQL2 text near"),
        ("name = 'x' AND", "not CQL2 text after"),
        ("count = 1 AND (name = 'x' OR = 3)", "near"),
        ("name = 'a\0b'", "NUL"),
        ("name = '\ud800'", "surrogate"),
        ('"\ue0000" = 1', "there is no property"),
    ],
)
def test_a_wrong_text_is_refused_with_what_would_be_right(expression: str, teaches: str) -> None:
    assert teaches in refused(expression)


@pytest.mark.parametrize(
    ("expression", "teaches"),
    [
        ("{", "not JSON"),
        ("name = 'x'", "filter-lang=cql2-text"),
        ("{}", "not CQL2"),
        ("[]", "a list stands only"),
        ("null", "IS NULL"),
        ('{"op": "=", "args": [{"property": "count"}, NaN]}', "NaN"),
        ('{"op": "=", "args": [{"property": "count"}, 1e999]}', "a double can hold"),
        ('{"op": "=", "args": [{"property": "count"}, ' + "9" * 400 + "]}", "a double can hold"),
        ('{"op": "=", "args": [{"property": "count"}, ' + "9" * 5000 + "]}", "not JSON"),
        ('{"op": "=", "args": [{"property": ["count"]}, 1]}', "there is no property"),
        ('{"op": ["="], "args": [1, 1]}', "not CQL2"),
        ('{"op": "=", "args": [1]}', "takes 2 arguments"),
        ('{"op": "and", "args": []}', "AND joins"),
        ('{"op": "in", "args": [{"property": "count"}, []]}', "at least one value"),
        ('{"op": "in", "args": [{"property": "count"}, 1]}', "IN takes a list"),
        ('{"op": "=", "args": [{"property": "name"}, "\\u0000"]}', "NUL"),
        ('{"op": "=", "args": [{"property": "name"}, "\\ud800"]}', "surrogate"),
        ('{"op": "=", "args": [{"casei": {"property": "name"}}, "x"]}', "not CQL2"),
        ('{"op": "=", "args": [{"date": 5}, {"property": "day"}]}', "is not a day"),
        ('{"op": "t_after", "args": [{"property": "opened"}, {"interval": ["2016-06-01"]}]}', "interval of two"),
        ('{"op": "s_intersects", "args": [{"property": "geometry"}, {"bbox": [1, 2, "3", 4]}]}', "four numbers"),
        ('{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Curve"}]}', "no geometry"),
        ('{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point"}]}', "no position"),
        (
            '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [true, 1]}]}',
            "no position",
        ),
        (
            '{"op": "s_intersects", "args": [{"property": "geometry"}, {"type": "Point", "coordinates": [1e999, 1]}]}',
            "no position",
        ),
    ],
)
def test_a_wrong_json_is_refused_with_what_would_be_right(expression: str, teaches: str) -> None:
    assert teaches in refused(expression, "cql2-json")


DEEP = 100_000


@pytest.mark.parametrize(
    "expression",
    [
        "(" * DEEP,
        "(" * 10_000 + "count = 1" + ")" * 10_000,
        "((((((((((((((((((((((((((((((",
        "(" * 60 + "count =" + ")" * 60,
        "count IN " + "(" * 30 + "1+" + ")" * 30,
        "S_INTERSECTS(geometry, POLYGON(" + "(" * 30 + "1" + ")" * 30 + "))",
        "A_EQUALS(name, " + "(" * 30 + "1, 2" + ", 3)" * 30 + ")",
        "S_INTERSECTS(geometry, " + "GEOMETRYCOLLECTION(" * 500 + "POINT(1 2)" + ")" * 500 + ")",
        "CASEI(" * 1000 + "name" + ")" * 1000 + " = 'x'",
        "NOT " * 8000 + "count = 1",
        "count = " + "-" * 30_000 + "1",
        "count = " + "1+" * 10_000 + "1",
        "count = " + "2^" * 10_000 + "1",
        "name" + " LIKE 'x'" * 3000,
        "count = " * 3000 + "1",
        "count IN (" + "1," * 10_000 + "1)",
        "count = 1 OR " * 2000 + "count = 2",
        "name = '" + "x" * limits.TEXT_BYTES + "'",
        "'" * 9999,
        '"' * 9999,
    ],
    ids=lambda expression: expression[:40],
)
def test_a_monstrous_text_is_refused_at_once(expression: str) -> None:
    refused(expression)


@pytest.mark.parametrize(
    "expression",
    [
        "[" * DEEP,
        '{"a":' * DEEP,
        '{"op":"not","args":[' * 5000 + "true" + "]}" * 5000,
        json.dumps({"op": "in", "args": [{"property": "count"}, list(range(3000))]}),
        json.dumps({"op": "and", "args": [True] * 3000}),
        '"' + "x" * limits.JSON_BYTES + '"',
        json.dumps(
            {
                "op": "s_intersects",
                "args": [{"property": "geometry"}, {"type": "MultiPoint", "coordinates": [[1, 2]] * 20_001}],
            }
        ),
        json.dumps({"op": "a_equals", "args": [list(range(100)), list(range(100))]}),
    ],
    ids=lambda expression: expression[:40],
)
def test_a_monstrous_json_is_refused_at_once(expression: str) -> None:
    refused(expression, "cql2-json")


def test_what_json_parsers_can_make_is_refused_too() -> None:
    assert "is JSON" in refused({"op": "=", "args": [1, 1]}, "cql2-text")
    for made in (None, 5, [], {1: 2}, {"op": "=", "args": (1, 1)}, {"op": "=", "args": [b"x", 1]}):
        refused(made, "cql2-json")


def test_a_filter_at_the_limits_is_taken() -> None:
    nested = "count = 1"
    for level in range(limits.NESTING // 2 - 2):
        nested = f"NOT (name = 'x' {'AND' if level % 2 else 'OR'} {nested})"
    assert statement(nested)
    assert statement("(" * limits.NESTING + "count = 1" + ")" * limits.NESTING)
    assert statement("count IN (" + ", ".join(str(number) for number in range(1900)) + ")")
    assert statement(" OR ".join(f"count = {number}" for number in range(300)))
    assert statement("count = " + "-" * 60 + "km2")
    assert statement("count = " + "1^" * 60 + "1")


@pytest.mark.parametrize(
    "attack", ["x' OR '1'='1", "'; DROP TABLE reports; --", "%(param_1)s", ":name", "\\", '"', "$$", "{0}", "x\n--"]
)
def test_values_are_bound_and_names_are_listed(attack: str) -> None:
    quoted = attack.replace("'", "''")
    condition = to_sql(f"name = '{quoted}'", "cql2-text", QUERYABLES).compile(dialect=postgresql.dialect())
    assert str(condition) == "(name = %(param_1)s::VARCHAR)"
    assert condition.params == {"param_1": attack}
    escaped = attack.replace('"', '""')
    assert "there is no property" in refused(f"\"{escaped}\" = 'x'")
    assert "there is no property" in refused({"op": "isNull", "args": [{"property": attack}]}, "cql2-json")
    assert "there is no function" in refused({"op": attack, "args": [1]}, "cql2-json")


def test_the_axis_order_is_named_where_a_coordinate_is_out_of_range() -> None:
    message = refused("S_INTERSECTS(geometry, POINT(113.6 34.7))", crs=FilterCrs(4326, northing_first=True))
    assert "(113.6 34.7) is out of range: degrees as latitude, longitude" in message
    assert "EPSG has no coordinate reference system 999999" in refused(
        "S_INTERSECTS(geometry, POINT(1 2))", crs=FilterCrs(999999)
    )
    assert "beyond where" in refused("S_INTERSECTS(geometry, POINT(999999999 999999999))", crs=FilterCrs(4547))
    assert "out of range" in refused("S_INTERSECTS(geometry, POINT(1e300 1))", crs=FilterCrs(3857))
    assert "only degrees" in refused("S_INTERSECTS(geometry, BBOX(5, 1, 2, 3))", crs=FilterCrs(3857))
