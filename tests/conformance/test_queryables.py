"""Queryables, and queryables as query parameters (Features Part 3, OGC 19-079r2, clauses 6 and 7)."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient
from jsonschema import Draft202012Validator

from api.conformance import CONFORMS_TO
from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import HERE, REL, features, got, ids, items, links, refused
from tests.conformance.claims import shows, uri_of

SCHEMA = "application/schema+json"
OWN = ("limit", "count", "from", "to", "level", "on", "source", "category")
"""Parameters that mean something else than a property of the same name."""


def equal(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


@shows("features-3/queryables", "get-conformance", "queryables-link")
@shows("features-3/queryables-query-parameters", "get-conformance", "parameters")
@pytest.mark.parametrize("name", ["queryables", "queryables-query-parameters"])
def test_the_class_is_declared(client: TestClient, name: str) -> None:
    assert uri_of(f"features-3/{name}") in got(client, "/conformance")["conformsTo"] == list(CONFORMS_TO)


@shows("features-3/queryables", "get-collection", "queryables-link")
@pytest.mark.parametrize("collection", HERE)
def test_every_collection_links_its_queryables(client: TestClient, collection: str) -> None:
    for document in (
        got(client, f"/collections/{collection}"),
        next(one for one in got(client, "/collections")["collections"] if one["id"] == collection),
    ):
        (link,) = links(document, f"{REL}queryables")
        assert link["href"] == f"http://testserver/collections/{collection}/queryables"
        assert link["type"] == SCHEMA


@shows("features-3/queryables", "get-queryables", "get-queryables-op", "get-queryables-response")
@pytest.mark.parametrize("collection", HERE)
def test_queryables_are_a_json_schema(client: TestClient, collection: str) -> None:
    here = f"http://testserver/collections/{collection}/queryables"
    for accept in (SCHEMA, "application/json", "*/*"):
        answer = client.get(here, headers={"Accept": accept})
        assert answer.status_code == 200
        assert answer.headers["content-type"] == SCHEMA
    schema = answer.json()
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$id"] == here
    assert schema["type"] == "object"
    assert schema["additionalProperties"] is False
    names = [one.name for one in COLLECTIONS[collection].properties]
    assert list(schema["properties"]) == [*names, "geometry"]
    geometry = schema["properties"]["geometry"]
    assert geometry["format"] == f"geometry-{COLLECTIONS[collection].geometry}"
    assert geometry["x-ogc-role"] == "primary-geometry"
    assert all(one["title"] for one in schema["properties"].values())


@shows("features-3/queryables", "get-queryables", "get-queryables-response")
@pytest.mark.parametrize("collection", HERE)
def test_features_are_as_the_queryables_describe_them(client: TestClient, collection: str) -> None:
    schema = got(client, f"/collections/{collection}/queryables")
    judge = Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER)
    for one in features(client, collection):
        said = {name: value for name, value in one["properties"].items() if value is not None}
        assert not list(judge.iter_errors(said)), one["id"]


@shows("features-3/queryables-query-parameters", "parameters")
@pytest.mark.parametrize("collection", HERE)
def test_every_queryable_is_a_parameter_of_equality(client: TestClient, collection: str) -> None:
    found = features(client, collection)
    for one in COLLECTIONS[collection].properties:
        taken = one.name in {part.name for part in COLLECTIONS[collection].parameters} or one.name in OWN[:2]
        values = [row["properties"][one.name] for row in found if row["properties"][one.name] is not None]
        if taken or not values:
            continue
        for value in (values[0], values[-1]):
            expected = [row["id"] for row in found if row["properties"][one.name] == value]
            assert ids(client, collection, **{one.name: equal(value)}) == expected, one.name


@shows("features-3/queryables-query-parameters", "parameters")
def test_parameters_of_equality_hold_together(client: TestClient) -> None:
    found = features(client, "cells")
    expected = [
        one["id"]
        for one in found
        if one["properties"]["tier"] == "key" and one["properties"]["area_code"] == "990101001"
    ]
    assert expected
    assert ids(client, "cells", tier="key", area_code="990101001") == expected
    assert ids(client, "cells", tier="key", area_code="990101001", filter="surveyed = false") == [
        one for one in expected if one.endswith("7")
    ]
    assert ids(client, "cells", code="nothing") == []


@shows("features-3/queryables-query-parameters", "parameters")
@pytest.mark.parametrize("collection", HERE)
def test_the_api_definition_lists_them_with_their_schemas(client: TestClient, collection: str) -> None:
    schema = got(client, f"/collections/{collection}/queryables")["properties"]
    described = got(client, "/openapi.json")["paths"][f"/collections/{collection}/items"]["get"]["parameters"]
    declared = {one["name"]: one["schema"] for one in described}
    for name, queryable in schema.items():
        if name != "geometry":
            assert name in declared
        if name in declared and name not in OWN:
            assert declared[name]["type"] == queryable["type"]
            assert declared[name].get("format") == queryable.get("format")
            assert declared[name].get("enum") == queryable.get("enum")


@shows("features-3/queryables-query-parameters", "parameters")
@pytest.mark.parametrize(
    ("collection", "name", "value"),
    [
        ("cells", "area_km2", "1e999"),
        ("cells", "surveyed", "yes"),
        ("reports", "reported_at", "2016-05-01"),
        ("reports", "day", "1.5.2016"),
        ("density-cells", "count", "many"),
        ("staffing", "gap", "2.5"),
        ("staffing", "gap", "3000000000"),
    ],
)
def test_values_of_another_type_are_refused(client: TestClient, collection: str, name: str, value: str) -> None:
    assert name in refused(items(client, collection, **{name: value}))
