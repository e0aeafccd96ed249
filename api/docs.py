"""GET /docs and /openapi.json: the API described for people and for programs, from our own server only."""

from __future__ import annotations

import hashlib

from fastapi import APIRouter, Request, Response
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

from api.ogc_documents import OPENAPI
from api.validators import NotModified, Validators
from gis.encoding import to_json

router = APIRouter(include_in_schema=False)
STATIC = "/static/docs"


@router.get("/openapi.json")
async def get_openapi(request: Request) -> Response:
    """The definition, under the media type by which the landing page links it (/req/oas30/oas-definition-1)."""
    body = to_json(request.app.openapi()) + b"\n"
    validators = Validators(f'W/"{hashlib.blake2b(body, digest_size=9).hexdigest()}"')
    if validators.still_hold(request):
        raise NotModified(validators)
    return Response(body, headers=validators.headers(), media_type=OPENAPI)


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
