"""The product's server with one route more, which does nothing."""

from __future__ import annotations

from fastapi import Response

from api.server import app


@app.get("/noop", include_in_schema=False)
async def noop() -> Response:
    """Do nothing, the fastest way this server can."""
    return Response(b"{}", media_type="application/json")
