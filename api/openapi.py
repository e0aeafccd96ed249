"""The API definition as OpenAPI 3.0, which the OGC standards ask for: FastAPI's own, said in 3.0, and our part."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from api import openapi_collections, openapi_tiles
from api.errors import PROBLEM, PROBLEM_SCHEMA
from api.open311_answers import ERRORS_SCHEMA, ours

VERSION = "3.0.3"
NO_KEY_NEEDED = {"/grid/locate"}
NOT_FOR_EVERYBODY = ("/webhooks",)


def describe(app: FastAPI) -> None:
    """Make the app's OpenAPI document tell the truth about errors: problem+json, and 400 where FastAPI says 422."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _openapi(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _openapi(app: FastAPI) -> dict[str, Any]:
    document: dict[str, Any] = as_3_0(
        get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    )
    document["openapi"] = VERSION
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    schemas["Open311Errors"] = ERRORS_SCHEMA
    schemas.update(openapi_collections.SCHEMAS)
    document["paths"].update(openapi_collections.paths() | openapi_tiles.paths())
    # QGIS looks here, and only here, for how many features it may ask for at once.
    components["parameters"] = {"limit": openapi_collections.LIMIT_PARAMETER}
    components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    wrong = {
        "description": "What is wrong, a problem document (RFC 9457); also for 401, 403, 404, 405, 409, 413, 501, 503",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    refused = {
        "description": "What is wrong, as Open311 says it; also for 403, 404 and 405",
        "content": {
            "application/json": {"schema": {"$ref": "#/components/schemas/Open311Errors"}},
            "text/xml": {"schema": {"type": "string"}},
        },
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = refused if ours(path) else wrong
            if (method != "get" and path not in NO_KEY_NEEDED) or path.startswith(NOT_FOR_EVERYBODY):
                operation["security"] = [{"key": []}]
    return document


def as_3_0(node: Any) -> Any:
    """A piece of OpenAPI 3.1 in the words of 3.0: no type null, no const, one example, exclusive bounds as flags."""
    if isinstance(node, list):
        return [as_3_0(one) for one in node]
    if not isinstance(node, dict):
        return node
    found = {name: as_3_0(value) for name, value in node.items()}
    for choice in ("anyOf", "oneOf"):
        if isinstance(options := found.get(choice), list) and {"type": "null"} in options:
            rest = [one for one in options if one != {"type": "null"}]
            del found[choice]
            found |= {**rest[0], "nullable": True} if len(rest) == 1 else {choice: rest, "nullable": True}
    if "const" in found:
        found["enum"] = [found.pop("const")]
    if isinstance(found.get("examples"), list):
        found["example"] = found.pop("examples")[0]
    for bound, plain in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if isinstance(found.get(bound), int | float) and not isinstance(found[bound], bool):
            found[plain], found[bound] = found[bound], True
    if found.pop("contentMediaType", None):
        found["format"] = "binary"
    return found
