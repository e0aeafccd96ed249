"""CQL2 (OGC 21-065r2) on our own collections: what the database answers against what Python says of all features.

The standard's own predicates, over its own data and in both languages, are in tests/db/test_cql2_suite.py.
"""

from __future__ import annotations

import json
import operator
import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

import cql2
import pytest
from fastapi.testclient import TestClient

from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import HERE, features, got, ids, items, refused
from tests.conformance.claims import SPEC, shows
from tests.conformance.conftest import AWKWARD
from tests.conformance.cql2_predicates import SAMPLES
from tests.db.test_cql2_suite import CONTRADICTED, PREDICATES

SUITE_CLASSES = (
    "basic-cql2",
    "advanced-comparison-operators",
    "case-insensitive-comparison",
    "basic-spatial-functions",
    "basic-spatial-functions-plus",
    "spatial-functions",
    "temporal-functions",
    "property-property",
    "arithmetic",
)
KINDS_OF_ALL = ("cells", "reports", "coordinators", "staffing")
"""Collections with every type of property, with nulls and without."""
OPERATORS = {
    "=": operator.eq,
    "<>": operator.ne,
    ">": operator.gt,
    "<": operator.lt,
    ">=": operator.ge,
    "<=": operator.le,
}
# Property kind -> literal in CQL2 and in Python.
LITERALS: dict[str, tuple[str, Any]] = {
    "string": ("'foo'", "foo"),
    "boolean": ("true", True),
    "number": ("3.14", 3.14),
    "integer": ("1", 1),
    "date-time": ("TIMESTAMP('2016-05-11T14:48:46Z')", datetime.fromisoformat("2016-05-11T14:48:46Z")),
    "date": ("DATE('2016-05-11')", "2016-05-11"),
}
TRUE, FALSE, UNKNOWN = True, False, None


def value_of(feature: dict[str, Any], name: str, kind: str) -> Any:
    value = feature["properties"][name]
    return datetime.fromisoformat(value) if kind == "date-time" and value is not None else value


def holding(found: list[dict[str, Any]], name: str, kind: str, test: Callable[[Any], bool]) -> list[str]:
    """Features of which it is true; nothing is true of a value that is not there."""
    return [one["id"] for one in found if (value := value_of(one, name, kind)) is not None and test(value)]


@shows("cql2/basic-cql2", "basic-test", "property")
@pytest.mark.parametrize("collection", HERE)
def test_every_queryable_says_its_type(client: TestClient, collection: str) -> None:
    schema = got(client, f"/collections/{collection}/queryables")["properties"]
    scalar = [one for one in schema.values() if one.get("type") in ("string", "number", "integer", "boolean")]
    assert scalar
    assert all("type" in one or one["format"].startswith("geometry-") for one in schema.values())


@shows("cql2/basic-cql2", "comparison", "cql2-filter", "property", "binary-comparison-predicate")
@shows("cql2/property-property", "comparison-value-property", "withdraw-permissions")
@pytest.mark.parametrize("turned", [False, True], ids=["property-value", "value-property"])
@pytest.mark.parametrize("collection", KINDS_OF_ALL)
def test_comparisons_of_every_queryable_with_a_value(client: TestClient, collection: str, turned: bool) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        text, value = LITERALS[one.kind]
        answers = {}
        for sign, compare in OPERATORS.items():
            expression = f'{text} {sign} "{one.name}"' if turned else f'"{one.name}" {sign} {text}'
            answers[sign] = ids(client, collection, filter=expression)

            def said(there: Any, compare: Any = compare, value: Any = value) -> bool:
                return bool(compare(value, there) if turned else compare(there, value))

            assert answers[sign] == holding(found, one.name, one.kind, said), expression
        for sign, opposite in (("=", "<>"), (">", "<="), ("<", ">=")):
            assert not set(answers[sign]) & set(answers[opposite])


@shows("cql2/basic-cql2", "is-null", "cql2-filter", "property", "null-predicate")
@pytest.mark.parametrize("collection", HERE)
def test_is_null_of_every_queryable(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        null = ids(client, collection, filter=f'"{one.name}" IS NULL')
        other = ids(client, collection, filter=f'"{one.name}" is not null')
        assert null == [row["id"] for row in found if row["properties"][one.name] is None]
        assert sorted(null + other) == sorted(row["id"] for row in found)
    null = ids(client, collection, filter="geometry IS NULL")
    assert null == [row["id"] for row in found if row["geometry"] is None]


@shows("cql2/basic-cql2", "boolean", "cql2-filter")
@pytest.mark.parametrize("collection", HERE)
def test_true_and_false_are_filters(client: TestClient, collection: str) -> None:
    assert ids(client, collection, filter="true") == ids(client, collection)
    assert ids(client, collection, filter="false") == []


@shows("cql2/property-property", "comparison-property-property", "withdraw-permissions")
@pytest.mark.parametrize("collection", ["cells", "staffing", "coordinators"])
def test_a_property_compared_with_itself(client: TestClient, collection: str) -> None:
    for one in COLLECTIONS[collection].properties:
        there = ids(client, collection, filter=f'"{one.name}" IS NOT NULL')
        for sign in OPERATORS:
            expected = there if sign in ("=", ">=", "<=") else []
            assert ids(client, collection, filter=f'"{one.name}" {sign} "{one.name}"') == expected


@shows("cql2/property-property", "comparison-value-value", "withdraw-permissions")
@pytest.mark.parametrize("kind", LITERALS)
def test_a_value_compared_with_itself(client: TestClient, kind: str) -> None:
    text, _ = LITERALS[kind]
    every = ids(client, "cells")
    for sign in OPERATORS:
        expected = every if sign in ("=", ">=", "<=") else []
        assert ids(client, "cells", filter=f"{text} {sign} {text}") == expected


@shows("cql2/advanced-comparison-operators", "like", "like-predicate")
@pytest.mark.parametrize("collection", KINDS_OF_ALL)
def test_like_with_every_text(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        if one.kind == "string":
            there = holding(found, one.name, "string", lambda _: True)
            for pattern, test in {
                "%": lambda _: True,
                "%%": lambda _: True,
                "_%": lambda text: len(text) >= 1,
                "": lambda text: not text,
                r"\%\_": lambda text: text == "%_",
            }.items():
                expected = holding(found, one.name, "string", test)
                assert ids(client, collection, filter=f"\"{one.name}\" LIKE '{pattern}'") == expected
                rest = [name for name in there if name not in expected]
                assert ids(client, collection, filter=f"\"{one.name}\" NOT LIKE '{pattern}'") == rest


@shows("cql2/advanced-comparison-operators", "between in", "between-predicate", "in-predicate")
@pytest.mark.parametrize("collection", KINDS_OF_ALL)
def test_between_and_in_with_every_queryable(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        values = holding_values(found, one.name)[:2]
        if one.kind in ("integer", "number"):
            between = ids(client, collection, filter=f'"{one.name}" BETWEEN 0 AND 100')
            assert between == holding(found, one.name, one.kind, lambda value: 0 <= value <= 100)
            assert ids(client, collection, filter=f'"{one.name}" between 100.0 and 1.0') == []
        if not values:
            continue
        listed = ", ".join(literal(value, one.kind) for value in values)
        wanted = [row["id"] for row in found if row["properties"][one.name] in values]
        assert ids(client, collection, filter=f'"{one.name}" IN ({listed})') == wanted, listed
        others = [row["id"] for row in found if row["properties"][one.name] not in [*values, None]]
        assert ids(client, collection, filter=f'"{one.name}" NOT IN ({listed})') == others


def holding_values(found: list[dict[str, Any]], name: str) -> list[Any]:
    return list(dict.fromkeys(row["properties"][name] for row in found if row["properties"][name] is not None))


def literal(value: Any, kind: str) -> str:
    if kind == "date":
        return f"DATE('{value}')"
    if kind == "date-time":
        return f"TIMESTAMP('{value.replace('+00:00', 'Z')}')"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if kind in ("integer", "number") else "'" + value.replace("'", "''") + "'"


@shows("cql2/case-insensitive-comparison", "casei casei-like", "casei-function")
@pytest.mark.parametrize("collection", ["streets", "reports", "coordinators"])
def test_casei_with_every_text(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in [part for part in COLLECTIONS[collection].properties if part.kind == "string"]:
        for value in ["foo", *holding_values(found, one.name)[:1]]:
            same = holding(found, one.name, "string", lambda text, value=value: text.casefold() == value.casefold())
            for spelt in (value.upper(), value.swapcase()):
                quoted = literal(spelt, "string")
                assert ids(client, collection, filter=f"CASEI({one.name}) = casei({quoted})") == same
                unlike = ids(client, collection, filter=f"CASEI({one.name}) <> casei({quoted})")
                assert not set(unlike) & set(same)
        lower, upper = (ids(client, collection, filter=f"CASEI({one.name}) LIKE casei('{p}%')") for p in ("p", "P"))
        assert lower == upper == holding(found, one.name, "string", lambda text: text.casefold().startswith("p"))


@shows("cql2/arithmetic", "arithmetic")
@pytest.mark.parametrize(
    ("collection", "expression", "said"),
    [
        ("density-cells", "count * 2 + 1 > 9", lambda row: row["count"] * 2 + 1 > 9),
        ("density-cells", "count % 3 = 1", lambda row: row["count"] % 3 == 1),
        ("density-cells", "count div 4 = 1", lambda row: row["count"] // 4 == 1),
        ("density-cells", "count / 4 > 1", lambda row: row["count"] / 4 > 1),
        ("density-cells", "count ^ 2 - 1 < 100", lambda row: row["count"] ** 2 - 1 < 100),
        ("density-cells", "per_km2 > 1.5 * 20 * per_km2_per_day - 1e-6", lambda row: row["per_km2"] <= 1e-6),
        ("staffing", "gap = on_post - required", lambda row: row["gap"] == row["on_post"] - row["required"]),
        ("staffing", "required - 2 * on_post > 0", lambda row: row["required"] - 2 * row["on_post"] > 0),
        ("staffing", "area_km2 / required < 0.04", lambda row: row["area_km2"] / row["required"] < 0.04),
        ("cells", "area_km2 * 1e6 BETWEEN 1 AND 10163.4 + 0.1", lambda row: row["area_km2"] <= 0.0101635),
    ],
)  # fmt: skip
def test_arithmetic_on_real_properties(client: TestClient, collection: str, expression: str, said: Any) -> None:
    wanted = []
    for one in features(client, collection):
        row = one["properties"]
        if all(row[name] is not None for name in row if name in expression) and said(row):
            wanted.append(one["id"])
    assert ids(client, collection, filter=expression) == wanted


@shows("cql2/cql2-text", "escaping")
def test_texts_with_quotes_and_line_ends(client: TestClient) -> None:
    assert ids(client, "reports", filter=f"description = {literal(AWKWARD, 'string')}") == ["patrol:H1"]
    equal = {"op": "=", "args": [{"property": "description"}, AWKWARD]}
    assert ids(client, "reports", filter=json.dumps(equal), filter_lang="cql2-json") == ["patrol:H1"]
    assert ids(client, "reports", filter=r"description LIKE '%100 \%%of\_all%'") == ["patrol:H1"]


@shows("cql2/cql2-text", "validate", "*")
@shows("cql2/cql2-json", "validate", "*")
@pytest.mark.parametrize(("collection", "predicates"), SAMPLES.items(), ids=list(SAMPLES))
def test_both_languages_say_the_same(client: TestClient, collection: str, predicates: dict[str, list[str]]) -> None:
    for expression in [one for several in predicates.values() for one in several]:
        as_json = json.dumps(cql2.parse_text(expression).to_json())
        found = ids(client, collection, filter=expression)
        assert ids(client, collection, filter=as_json, filter_lang="cql2-json") == found, expression
    refused(items(client, collection, filter='{"op": "nothing", "args": []}', filter_lang="cql2-json"))


def truths(client: TestClient, collection: str, expression: str) -> dict[str, bool | None]:
    """What each feature answers: true, false, or nothing."""
    yes, no = (set(ids(client, collection, filter=text)) for text in (expression, f"NOT ({expression})"))
    assert not yes & no
    every = ids(client, collection)
    return {one: TRUE if one in yes else FALSE if one in no else UNKNOWN for one in every}


def both(one: bool | None, other: bool | None) -> bool | None:
    return FALSE if FALSE in (one, other) else UNKNOWN if UNKNOWN in (one, other) else TRUE


def either(one: bool | None, other: bool | None) -> bool | None:
    return TRUE if TRUE in (one, other) else UNKNOWN if UNKNOWN in (one, other) else FALSE


def opposite(one: bool | None) -> bool | None:
    return None if one is None else not one


@shows("cql2/basic-cql2", "logical", "cql2-filter")
@shows("cql2/advanced-comparison-operators", "logical", "like-predicate", "between-predicate", "in-predicate")
@shows("cql2/case-insensitive-comparison", "logical", "casei-function")
@shows("cql2/basic-spatial-functions", "logical", "spatial-functions")
@shows("cql2/spatial-functions", "logical", "spatial-functions")
@shows("cql2/temporal-functions", "logical", "temporal-functions")
@shows("cql2/property-property", "logical", "withdraw-permissions")
@shows("cql2/arithmetic", "logical", "arithmetic")
@pytest.mark.parametrize("collection", SAMPLES)
def test_conditions_joined_with_and_or_not(client: TestClient, collection: str) -> None:
    """Ten times four of the predicates, drawn; true, false and unknown joined as table 1 of the standard says."""
    draw = random.Random(f"{collection} 21-065r2")
    pool = [one for several in SAMPLES[collection].values() for one in several]
    known: dict[str, dict[str, bool | None]] = {}
    for _ in range(10):
        p1, p2, p3, p4 = draw.sample(pool, 4)
        a, b, c, d = (known.setdefault(one, truths(client, collection, one)) for one in (p1, p2, p3, p4))
        expression = f"((NOT ({p1}) AND {p2}) OR ({p3} and NOT ({p4})) or not ({p1} AND {p4}))"
        wanted = []
        for one in a:
            first, second = both(opposite(a[one]), b[one]), both(c[one], opposite(d[one]))
            if either(either(first, second), opposite(both(a[one], d[one]))):
                wanted.append(one)
        assert ids(client, collection, filter=expression) == wanted, expression


@shows("cql2/basic-cql2", "test-data", "*")
@shows("cql2/advanced-comparison-operators", "test-data", "*")
@shows("cql2/case-insensitive-comparison", "test-data", "*")
@shows("cql2/basic-spatial-functions", "test-data", "*")
@shows("cql2/basic-spatial-functions-plus", "test-data", "*")
@shows("cql2/spatial-functions", "test-data", "*")
@shows("cql2/temporal-functions", "test-data", "*")
@shows("cql2/property-property", "test-data", "*")
@shows("cql2/arithmetic", "test-data", "*")
def test_declared_are_the_classes_whose_predicates_all_answer_as_expected(client: TestClient) -> None:
    """tests/db/test_cql2_suite.py runs them; a class with one that its own data contradicts is not declared."""
    contradicted = {one["test_class"] for one in PREDICATES if one["predicate"] in CONTRADICTED}
    whole = {one["test_class"] for one in PREDICATES} - contradicted
    prefix = f"{SPEC}cql2/1.0/conf/"
    declared = {one.removeprefix(prefix) for one in got(client, "/conformance")["conformsTo"] if one.startswith(prefix)}
    assert contradicted == {"accent-insensitive-comparison"}
    assert declared == whole | {"cql2-text", "cql2-json"}
    assert whole == set(SUITE_CLASSES)
