"""GET /healthz, /readyz and /metrics: for those who keep the server running."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import PlainTextResponse

from api.dependencies import Turn
from api.encoding import json_answer
from api.metrics import exposition
from api.parameters import only_known
from gis.city import read_city
from gis.errors import ClusterError
from gis.store.database import current_revision, newest_revision, transaction

router = APIRouter(tags=["operation"], dependencies=[Depends(only_known)])


@router.get("/healthz", summary="Does the process answer?")
async def get_health() -> Response:
    """Answer; asks nobody."""
    return json_answer({"status": "ok"})


@router.get(
    "/readyz",
    summary="Can questions be answered?",
    description="503 where the database cannot be reached or its schema is older or newer than this server.",
    dependencies=[Turn],
)
def get_readiness(request: Request) -> Response:
    """Look at the database, its schema and the city in it."""
    engine = request.app.state.engine
    revision = current_revision(engine)
    if revision != newest_revision():
        msg = f"the schema is at revision {revision}, this server needs {newest_revision()}: finegrid db migrate"
        raise ClusterError(msg)
    with transaction(engine, read_only=True) as conn:
        city = read_city(conn)
    return json_answer({"status": "ready", "city": city.slug, "revision": revision})


@router.get(
    "/metrics",
    summary="Counters and latencies for Prometheus",
    description="Requests by route, method and status, and their duration. With several workers the numbers of all.",
    response_class=PlainTextResponse,
)
async def get_metrics() -> Response:
    """The numbers in Prometheus' text format."""
    body, media_type = exposition()
    return Response(body, media_type=media_type)
