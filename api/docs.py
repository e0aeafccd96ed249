"""GET /docs: the API described for people, from our own server only."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, FastAPI
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse

from api.errors import PROBLEM, PROBLEM_SCHEMA

router = APIRouter(include_in_schema=False)
STATIC = "/static/docs"


@router.get("/docs")
async def get_docs() -> HTMLResponse:
    """Swagger UI, vendored under api/static/docs; it asks no other server for anything."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="finegrid",
        swagger_js_url=f"{STATIC}/swagger-ui-bundle.js",
        swagger_css_url=f"{STATIC}/swagger-ui.css",
        swagger_favicon_url=f"{STATIC}/favicon-32x32.png",
        swagger_ui_parameters={"validatorUrl": None, "defaultModelsExpandDepth": -1},
    )


def describe(app: FastAPI) -> None:
    """Make the app's OpenAPI document tell the truth about errors: problem+json, and 400 where FastAPI says 422."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _openapi(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _openapi(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM_SCHEMA
    components["securitySchemes"] = {"key": {"type": "apiKey", "in": "header", "name": "X-API-Key"}}
    wrong = {
        "description": "What is wrong, as a problem document (RFC 9457); also for 401, 403, 404, 405, 409, 413 and 503",
        "content": {PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = wrong
            if method == "post" and path != "/grid/locate":
                operation["security"] = [{"key": []}]
    return document
