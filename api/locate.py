"""GET and POST /grid/locate: which cell is at a coordinate.

Answered from the process's own picture of the ground. While the picture is leased (gis.live) no database is asked and
no thread is changed; otherwise the answer goes through the thread pool and compares data versions first.
"""

from __future__ import annotations

import csv
import io
import time
from typing import Any

import numpy as np
import orjson
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from numpy.typing import NDArray

from api.points import WGS84, is_csv, one_point, points_of_csv, points_of_json, read_body
from gis.errors import NotFound, TooLarge
from gis.geometry.datum import to_wgs84
from gis.live import LiveGround, Picture
from gis.settings import settings

router = APIRouter(tags=["grid"])

JSON = "application/json"
CSV = "text/csv; charset=utf-8"
CSV_COLUMNS = (
    "lon",
    "lat",
    "code",
    "community",
    "street",
    "district",
    "tier",
    "area_km2",
    "responsible",
    "segment",
    "distance_m",
)

LOCATED = {
    "code": "410102001002017",
    "community": {"code": "410102001002", "name": "碧沙岗社区"},
    "street": {"code": "410102001", "name": "林山寨街道"},
    "district": {"code": "410102", "name": "中原区"},
    "tier": "key",
    "area_km2": 0.01,
    "responsible": {"ref": "P0001", "name": "责任人", "phone": None},
    "segment": {"code": "ZR000001", "name": "建设路", "class": "main"},
    "distance_m": 12.34,
}
NO_SEGMENT = b'null,"distance_m":null}'


class Answers:
    """Answers over one picture, as bytes; what does not depend on the point is encoded once."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self._cells: list[tuple[float, bytes] | None] = [None] * len(picture.ground.cell_ids)
        self._segments: list[bytes | None] = [None] * len(picture.ground.segment_ids)

    def cell_facts(self, rank: int, now: float) -> tuple[dict[str, Any], float]:
        """What is known of a cell now, and until when (epoch seconds) that stays right."""
        ground = self.picture.ground
        area_id = int(ground.cell_areas[rank])
        holder, until = self.picture.holders.at_cell(int(ground.cell_ids[rank]), now)
        facts: dict[str, Any] = {"code": ground.cell_codes[rank]}
        for level in reversed(ground.city.area_levels):
            area = ground.area_of(area_id, level)
            facts[level] = None if area is None else {"code": area.code, "name": area.name}
        facts["tier"] = ground.cell_tiers[rank]
        facts["area_km2"] = int(ground.cell_dm2[rank]) / 1e8
        facts["responsible"] = (
            None if holder is None else {"ref": holder.ref, "name": holder.name, "phone": holder.phone}
        )
        return facts, until

    def segment_facts(self, rank: int) -> dict[str, Any] | None:
        """What is known of a segment; None for none."""
        if rank < 0:
            return None
        ground = self.picture.ground
        return {
            "code": ground.segment_codes[rank],
            "name": ground.segment_names[rank],
            "class": ground.segment_classes[rank],
        }

    def _cell_json(self, cell: int, now: float) -> tuple[float, bytes]:
        facts, until = self.cell_facts(cell, now)
        known = self._cells[cell] = (until, orjson.dumps(facts)[:-1] + b',"segment":')
        return known

    def _segment_json(self, segment: int) -> bytes:
        named = self._segments[segment] = orjson.dumps(self.segment_facts(segment)) + b',"distance_m":'
        return named

    def encode(self, cell: int, segment: int, distance_m: float, now: float) -> bytes:
        """One answer as JSON."""
        known = self._cells[cell]
        if known is None or known[0] <= now:
            known = self._cell_json(cell, now)
        if segment < 0:
            return known[1] + NO_SEGMENT
        return b"%b%b%.2f}" % (known[1], self._segments[segment] or self._segment_json(segment), distance_m)

    def one(self, lon: float, lat: float) -> bytes | None:
        """The answer for a point in WGS 84 degrees; None outside all cells."""
        locator = self.picture.locator
        cell = locator.cell_index.locate_one(lon, lat)
        if cell < 0:
            return None
        segment, distance_m = locator.segment_index.nearest_one(*locator.to_metric.transform(lon, lat))
        return self.encode(cell, segment, distance_m, time.time())

    def many(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> bytes:
        """A JSON array of answers in input order, null outside all cells."""
        placed = self.picture.locator.place(lon, lat)
        now, cells, segments = time.time(), self._cells, self._segments
        answers: list[bytes] = []
        say = answers.append
        # Ten thousand turns of this loop are most of the work, so nothing in it is called that need not be.
        for cell, segment, distance_m in zip(
            placed.cell.tolist(), placed.segment.tolist(), placed.distance_m.tolist(), strict=True
        ):
            if cell < 0:
                say(b"null")
                continue
            known = cells[cell]
            if known is None or known[0] <= now:
                known = self._cell_json(cell, now)
            if segment < 0:
                say(known[1] + NO_SEGMENT)
            else:
                say(b"%b%b%.2f}" % (known[1], segments[segment] or self._segment_json(segment), distance_m))
        return b"[" + b",".join(answers) + b"]"

    def table(self, lon: NDArray[np.float64], lat: NDArray[np.float64]) -> str:
        """A CSV table of answers in input order, empty fields outside all cells."""
        placed = self.picture.locator.place(lon, lat)
        now = time.time()
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CSV_COLUMNS)
        for at, cell in enumerate(placed.cell.tolist()):
            row: list[Any] = [float(lon[at]), float(lat[at])]
            if cell >= 0:
                facts, _ = self.cell_facts(cell, now)
                named = self.segment_facts(int(placed.segment[at])) or {}
                row.append(facts["code"])
                row += [(facts.get(level) or {}).get("code") for level in ("community", "street", "district")]
                row += [facts["tier"], facts["area_km2"], (facts["responsible"] or {}).get("ref"), named.get("code")]
                row.append(f"{placed.distance_m[at]:.2f}" if named else None)
            writer.writerow(row)
        return out.getvalue()


class LocateService:
    """The answers of a worker, over whatever picture is true now."""

    def __init__(self, live: LiveGround) -> None:
        self._live = live
        self._answers: Answers | None = None

    def certain(self) -> Answers | None:
        """Answers over the leased picture, or None where the database must be asked first."""
        picture = self._live.leased
        return None if picture is None else self._over(picture)

    def checked(self) -> Answers:
        """Answers over the picture after comparing it with the database."""
        return self._over(self._live.checked())

    def _over(self, picture: Picture) -> Answers:
        answers = self._answers
        if answers is None or answers.picture is not picture:
            answers = self._answers = Answers(picture)
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
    description="On a shared edge or corner: the lowest code. 404 where no cell covers the point.",
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
        "parameters": [POINT_PARAMETERS[2]],
    },
)
async def locate_many(request: Request) -> Response:
    """Answer many points."""
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
