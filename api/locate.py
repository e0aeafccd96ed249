"""GET and POST /grid/locate: which cell is at a coordinate.

Answered from the process's own picture of the ground. While the picture is leased (gis.live) no database is asked and
no thread is changed; otherwise the answer goes through the thread pool and compares data versions first.
"""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.points import WGS84, check_query, is_csv, one_point, points_of_csv, points_of_json, read_body
from gis.errors import NotFound, TooLarge
from gis.geometry.datum import to_wgs84
from gis.live import LiveGround, Picture
from gis.located import Located
from gis.settings import settings

router = APIRouter(tags=["grid"])

JSON = "application/json"
CSV = "text/csv; charset=utf-8"

LOCATED = {
    "code": "410102001002017",
    "community": {"code": "410102001002", "name": "碧沙岗社区", "responsible": None},
    "street": {
        "code": "410102001",
        "name": "林山寨街道",
        "responsible": {"ref": "P0301", "name": "街道负责人", "phone": "0371-00000000"},
    },
    "district": {"code": "410102", "name": "中原区", "responsible": None},
    "tier": "key",
    "area_km2": 0.01,
    "responsible": {"ref": "P0001", "name": "责任人", "phone": None},
    "segment": {"code": "ZR000001", "name": "建设路", "class": "main"},
    "distance_m": 12.34,
}


class LocateService:
    """The answers of a worker, over whatever picture is true now."""

    def __init__(self, live: LiveGround) -> None:
        self._live = live
        self._answers: Located | None = None

    def certain(self) -> Located | None:
        """Answers over the leased picture, or None where the database must be asked first."""
        picture = self._live.leased
        return None if picture is None else self._over(picture)

    def checked(self) -> Located:
        """Answers over the picture after comparing it with the database."""
        return self._over(self._live.checked())

    def _over(self, picture: Picture) -> Located:
        answers = self._answers
        if answers is None or answers.picture is not picture:
            answers = self._answers = Located(picture)
        return answers


POINT_PARAMETERS: list[dict[str, Any]] = [
    {"name": name, "in": "query", "required": True, "schema": {"type": "number"}, "description": "degrees"}
    for name in ("lon", "lat")
] + [
    {
        "name": "datum",
        "in": "query",
        "schema": {"type": "string", "enum": ["wgs84", "cgcs2000", "gcj02", "bd09"], "default": "wgs84"},
        "description": "What the coordinate means; never guessed",
    },
]


@router.get(
    "/grid/locate",
    summary="The cell at a coordinate",
    description="On a shared edge or corner: the lowest code. 404 where no cell covers the point. `responsible` is who "
    "answers at this instant for the cell, and within each level for that area; null: nobody does.",
    responses={200: {"content": {JSON: {"example": LOCATED}}}},
    openapi_extra={"parameters": POINT_PARAMETERS},
)
async def locate(request: Request) -> Response:
    """Answer one point."""
    lon, lat, crs = one_point(request)
    if crs is not WGS84:
        lon, lat = (float(value) for value in to_wgs84(lon, lat, crs))
    service: LocateService = request.app.state.locate
    answers = service.certain()
    if answers is None:
        answers = await run_in_threadpool(service.checked)
    answer = answers.one(lon, lat)
    if answer is None:
        msg = f"no cell covers longitude {lon:.6f}, latitude {lat:.6f} (WGS 84)"
        raise NotFound(msg)
    return Response(answer, media_type=JSON)


@router.post(
    "/grid/locate",
    summary="The cells at many coordinates",
    description="Answers in input order, null outside all cells. CSV answers with `Accept: text/csv`.",
    responses={200: {"content": {JSON: {"example": {"answers": [LOCATED, None]}}}}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {
                        "type": "object",
                        "required": ["points"],
                        "properties": {
                            "datum": {"type": "string", "default": "wgs84"},
                            "points": {
                                "type": "array",
                                "items": {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
                            },
                        },
                    },
                    "example": {"datum": "gcj02", "points": [[113.65, 34.76]]},
                },
                "text/csv": {"schema": {"type": "string"}, "example": "lon,lat\n113.65,34.76\n"},
            },
        },
        "parameters": [{**POINT_PARAMETERS[2], "description": "What the coordinates of CSV mean; JSON says it inside"}],
    },
)
async def locate_many(request: Request) -> Response:
    """Answer many points."""
    check_query(request)
    limit = settings().batch_limit
    body = await read_body(request, limit * 64)
    (lon, lat), crs = points_of_csv(request, body) if is_csv(request) else points_of_json(body)
    if len(lon) > limit:
        msg = f"{len(lon)} points are more than the {limit} that one request may ask for"
        raise TooLarge(msg)
    service: LocateService = request.app.state.locate

    def answer() -> Response:
        answers = service.certain() or service.checked()
        x, y = (lon, lat) if crs is WGS84 else to_wgs84(lon, lat, crs)
        if "text/csv" in request.headers.get("accept", ""):
            return Response(answers.table(x, y), media_type=CSV)
        return Response(b'{"answers":' + answers.many(x, y) + b"}", media_type=JSON)

    return await run_in_threadpool(answer)
