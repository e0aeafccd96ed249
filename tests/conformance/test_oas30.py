"""The API definition (Features Part 1, clause 9; Common): valid OpenAPI 3.0, whole, and true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from openapi_schema_validator import OAS30Validator
from openapi_spec_validator import OpenAPIV30SpecValidator

from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import HERE, got, items, refused
from tests.conformance.claims import shows

PROBLEM = "application/problem+json"
OWN_DOOR = {"/docs", "/openapi.json"}
"""Not described: they are the description."""
FILLED = {
    "collectionId": "cells",
    "layer": "cells",
    "featureId": "990101001001",
    "case_id": "1",
    "listing_id": "1",
    "level": "street",
    "period": "2016-05-T1",
    "area_code": "990101001",
    "tileMatrixSetId": "WebMercatorQuad",
    "tileMatrix": "12",
    "tileRow": "1617",
    "tileCol": "3340",
    "z": "12",
    "x": "3340",
    "y": "1617",
    "source": "patrol",
    "source_ref": "T0000",
    "import_id": "1",
    "code": "FORUM",
    "ref": "M1",
    "form": "json",
    "service_code": "event:0505",
    "service_request_id": "patrol:T0000",
    "token": "patrol:T0000",
}
NEEDED = {
    "/grid/locate": {"lon": 113.6005, "lat": 34.7005},
    "/density": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/hotspots": {"level": "street"},
    "/roads/density": {"from": "2016-05-01", "to": "2016-05-21"},
    "/indicators": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/response": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/listings/worst": {"period": "2016-05-T1"},
    "/reports": {"from": "2016-05-01", "to": "2016-05-21"},
    "/duty/vacancies": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/duty/handovers": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/reconciliation": {"from": "2016-05-01", "to": "2016-05-21"},
    "/goal": {
        "level": "street",
        "base_from": "2016-05-01",
        "base_to": "2016-05-11",
        "from": "2016-05-11",
        "to": "2016-05-21",
    },
    "/series": {"level": "street", "code": "990101001", "from": "2016-05-01", "to": "2016-05-21"},
    "/measures/effects": {"kind": "barrier"},
    "/facilities/growth": {"level": "street", "from": "2016-05-01", "to": "2016-05-21"},
    "/collections/{collectionId}/export": {"f": "geojson"},
}
# Values of a parameter that say nothing special, by its name.
SAID: dict[str, Any] = {
    "period": "2016-05-T1",
    "area_code": "990101001",
    "bbox": "113.6,34.7,113.61,34.71",
    "bbox-crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "filter-crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    "crs": "http://www.opengis.net/def/crs/EPSG/0/4326",
    "datetime": "2016-05-01/2016-05-21",
    "filter": "true",
    "filter-lang": "cql2-text",
    "properties": "",
    "category": "chaos:any",
    "from": None,
    "to": None,
    "after": None,
    "sortby": None,
    "lang": "en",
}
BY_TYPE = {"integer": "1", "number": "1.5", "boolean": "true", "array": "x", "string": "x"}
BY_FORMAT = {"date": "2016-05-03", "date-time": "2016-05-03T08:30:00Z"}


@pytest.fixture(scope="module")
def document(client: TestClient) -> dict[str, Any]:
    return dict(got(client, "/openapi.json"))


def whole(schema: Any, document: dict[str, Any]) -> Any:
    """A schema with its references resolved; ours do not refer to themselves."""
    if isinstance(schema, list):
        return [whole(one, document) for one in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        found: Any = document
        for part in schema["$ref"].removeprefix("#/").split("/"):
            found = found[part]
        return whole(found, document)
    return {name: whole(value, document) for name, value in schema.items()}


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield path, method, operation


@shows("features-1/oas30", "oas-definition-2", "oas-definition-2")
@shows("common-1/oas30", "oas-definition-2", "oas-definition-2")
def test_the_definition_is_valid_openapi_3_0(document: dict[str, Any]) -> None:
    assert re.fullmatch(r"3\.0\.\d", document["openapi"])
    OpenAPIV30SpecValidator(document).validate()
    assert not re.search(r"'(const|examples|contentMediaType|prefixItems)':", str(document))
    names = [operation["operationId"] for _, _, operation in operations(document) if "operationId" in operation]
    assert len(set(names)) == len(names)


@shows("features-1/oas30", "oas-definition-1")
@shows("common-1/oas30", "oas-definition-1")
def test_the_definition_comes_under_its_own_media_type(client: TestClient) -> None:
    for accept in ("application/vnd.oai.openapi+json;version=3.0", "*/*", "application/json"):
        answer = client.get("/openapi.json", headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/vnd.oai.openapi+json;version=3.0"
    assert client.get("/docs").headers["content-type"].startswith("text/html")


@shows("features-1/oas30", "completeness")
@shows("common-1/oas30", "completeness")
@shows("tiles-1/oas30", "completeness")
def test_every_route_is_described(client: TestClient, document: dict[str, Any]) -> None:
    described = {re.sub(r"\{\w+\}", "{}", path): set(methods) for path, methods in document["paths"].items()}
    for pattern, methods in client.app.state.methods.items():  # type: ignore[attr-defined]
        path = re.sub(r"\(\?P<\w+>[^)]*\)", "{}", pattern).strip("^$").replace("\\.", ".").replace("\\", "")
        if path in OWN_DOOR:
            continue
        told = path.replace("/tiles/WebMercatorQuad/{}", "/tiles/{}/{}")
        paths = [f"/collections/{one}/items" for one in COLLECTIONS] if told == "/collections/{}/items" else [told]
        for one in paths:
            assert described[one] == {method.lower() for method in methods}, one


@shows("features-1/oas30", "completeness oas-impl", "completeness", "oas-impl")
@shows("common-1/oas30", "completeness oas-impl", "completeness", "oas-impl")
def test_every_get_answers_as_described(client: TestClient, document: dict[str, Any]) -> None:
    asked = 0
    for path, method, operation in operations(document):
        if method != "get" or "security" in operation or "/communities/" in path or "-communities/" in path:
            continue
        answer = client.get(path.format(**FILLED), params=NEEDED.get(path))
        assert str(answer.status_code) in operation["responses"], (path, answer.text[:300])
        assert answer.status_code == 200, (path, answer.text[:300])
        content = operation["responses"]["200"].get("content", {})
        media = answer.headers["content-type"].partition(";")[0]
        assert media in {name.partition(";")[0] for name in content}, path
        if "json" in media:
            judge = OAS30Validator(whole(content[media].get("schema", {}), document))
            assert not [fault.message for fault in judge.iter_errors(answer.json())], path
        asked += 1
    assert asked > 30


@shows("features-1/oas30", "exception-codes")
@shows("common-1/oas30", "exception-codes")
def test_errors_are_described_and_as_described(client: TestClient, document: dict[str, Any]) -> None:
    for path, _, operation in operations(document):
        # Clients of Open311 read errors in that standard's own form; tests/api/test_open311_refusals.py has them.
        forms = {"application/json", "text/xml"} if path.startswith("/open311/") else {PROBLEM}
        assert set(operation["responses"]["default"]["content"]) == forms, path
    judge = OAS30Validator(whole(document["components"]["schemas"]["Problem"], document))
    for answer, status in (
        (client.get("/collections/cells/items", params={"limit": "x"}), 400),
        (client.get("/collections/cells/items", params={"filter": "x"}), 400),
        (client.get("/collections/nothing"), 404),
        (client.post("/collections"), 405),
        (client.get("/density"), 400),
    ):
        refused(answer, status)
        assert not list(judge.iter_errors(answer.json()))
        assert answer.json()["status"] == status


@shows("common-1/oas30", "security")
def test_what_needs_a_key_says_so(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["key"]["name"] == "X-API-Key"
    for path, method, operation in operations(document):
        writes = method != "get" and path != "/grid/locate"
        assert ("security" in operation) == (writes or path.startswith("/webhooks")), path


def parameters(document: dict[str, Any], path: str) -> dict[str, dict[str, Any]]:
    return {one["name"]: whole(one, document) for one in document["paths"][path]["get"]["parameters"]}


def sample(parameter: dict[str, Any]) -> str | None:
    name, schema = parameter["name"], parameter["schema"]
    if name in SAID:
        value: str | None = SAID[name]
        return value
    if schema.get("enum"):
        return str(schema["enum"][0])
    return BY_FORMAT.get(schema.get("format", ""), BY_TYPE[schema["type"]])


@shows("features-1/oas30", "completeness oas-impl", "oas-impl")
@shows("features-1/core", "query-param-unknown", "query-param-unknown")
@pytest.mark.parametrize("collection", HERE)
def test_declared_parameters_are_those_that_are_taken(
    client: TestClient, document: dict[str, Any], collection: str
) -> None:
    declared = parameters(document, f"/collections/{collection}/items")
    taken = {
        *("limit", "bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs", "crs"),
        *("properties", "sortby", "after", "count", "f", "lang"),
        *(one.name for one in COLLECTIONS[collection].parameters),
        *(one.name for one in COLLECTIONS[collection].properties),
    }
    assert set(declared) == taken
    for one in declared.values():
        value = sample(one)
        if value is not None and not (one["name"] == "source" and one["schema"]["type"] == "array"):
            assert items(client, collection, **{one["name"]: value}).status_code == 200, one["name"]


@shows("features-1/core", "fc-limit-definition fc-bbox-definition fc-time-definition", "fc-limit-definition")
@shows("features-2/crs", "bbox-crs-parameter crs-parameter", "fc-bbox-crs-definition", "fc-crs-definition")
@pytest.mark.parametrize("collection", HERE)
def test_the_standard_parameters_are_defined_as_it_says(document: dict[str, Any], collection: str) -> None:
    declared = parameters(document, f"/collections/{collection}/items")
    for name in ("limit", "bbox", "datetime", "bbox-crs", "crs", "filter", "filter-lang", "filter-crs"):
        assert declared[name]["in"] == "query"
        assert declared[name]["required"] is False
    limit = declared["limit"]["schema"]
    assert limit == {"type": "integer", "minimum": 1, "maximum": 10_000, "default": 100}
    box = declared["bbox"]
    assert (box["style"], box["explode"], box["schema"]["type"]) == ("form", False, "array")
    assert box["schema"]["items"] == {"type": "number"}
    assert [(one["minItems"], one["maxItems"]) for one in box["schema"]["oneOf"]] == [(4, 4), (6, 6)]
    when = declared["datetime"]
    assert (when["style"], when["explode"], when["schema"]["type"]) == ("form", False, "string")
    for name in ("bbox-crs", "crs", "filter-crs"):
        assert declared[name]["schema"] == {"type": "string", "format": "uri"}


@shows("tiles-1/oas30", "operation-id")
def test_tile_operations_are_found_by_their_identifiers(document: dict[str, Any]) -> None:
    named = {
        operation["operationId"]: path for path, _, operation in operations(document) if "operationId" in operation
    }
    tiles = "/collections/{collectionId}/tiles"
    for ending, path in {
        ".collection.vector.getTileSetsList": tiles,
        ".collection.vector.getTileSet": f"{tiles}/{{tileMatrixSetId}}",
        ".collection.vector.getTile": f"{tiles}/{{tileMatrixSetId}}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}",
        "getTileMatrixSetsList": "/tileMatrixSets",
        "getTileMatrixSet": "/tileMatrixSets/{tileMatrixSetId}",
    }.items():
        assert [where for name, where in named.items() if name.endswith(ending)] == [path]
