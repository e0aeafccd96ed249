"""GET /docs: the API described for people, from our own server only."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse

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
