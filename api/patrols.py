"""POST /patrols and what was taken in of patrols before."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from api.bodies import Upload, json_body, receive
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import json_answer
from api.forms import blaming, checked_text, csv_file, mapping_of, one_text
from api.parameters import only_known
from api.validators import valid_by
from gis.errors import ParameterError
from gis.import_log import LARGEST_ID
from gis.patrol_files import PatrolFile
from gis.patrol_log import list_patrols, read_patrol, write_patrol_rejects
from gis.patrol_one import add_pass
from gis.patrols import PatrolOrder, import_patrols

router = APIRouter(tags=["survey"], dependencies=[Depends(only_known)])
FIELDS = ("crs", "surveyor", "map", "encoding", "delimiter", "time_format")
# Ending -> what a file of that kind begins with; only these reach a reader.
BEGINNINGS = {
    ".csv": b"",
    ".tsv": b"",
    ".txt": b"",
    ".csv.gz": b"\x1f\x8b",
    ".parquet": b"PAR1",
    ".gpx": b"<",
    ".geojson": b"{",
    ".json": b"{",
}
Text = Annotated[str, Field(max_length=500)]

FORM = {
    "type": "object",
    "required": ["file"],
    "properties": {
        "file": {"type": "string", "format": "binary", "description": ", ".join(BEGINNINGS)},
        "crs": {
            "type": "string",
            "description": "wgs84, cgcs2000, gcj02, bd09 or an EPSG code; needed where there are coordinates and "
            "the file does not declare it; GPX is WGS 84",
        },
        "surveyor": {"type": "string", "description": "Who surveyed, where the file does not say"},
        "map": {
            "type": "array",
            "items": {"type": "string"},
            "description": "field=column, repeated, or one JSON object",
        },
        "encoding": {"type": "string", "default": "utf-8", "description": "Of text files, e.g. gb18030"},
        "delimiter": {"type": "string", "description": "Of text files, one character"},
        "time_format": {"type": "string", "description": "strptime format of times that are not ISO 8601"},
    },
}


class NewPass(BaseModel):
    """A pass as a client sends it."""

    model_config = ConfigDict(extra="forbid", strict=True)

    segment: Text = Field(description="Code of the road segment that was passed from end to end", examples=["ZR000123"])
    time: Text = Field(description="ISO 8601; without a zone, the city's own", examples=["2016-05-03T08:30:00+08:00"])
    surveyor: Text = Field(description="Who surveyed", examples=["XG00017"])


BODY_SCHEMA = NewPass.model_json_schema(ref_template="#/components/schemas/{model}")


async def sent_patrol(request: Request) -> AsyncIterator[Upload | NewPass]:
    """A file of a form, or one pass as JSON.

    Raises
    ------
    InputError
        Neither.
    TooLarge
        Larger than the server takes.
    """
    kind = _kind(request)
    if kind == "application/json":
        yield _new_pass(await json_body(request))
        return
    if kind != "multipart/form-data":
        msg = "send a form as multipart/form-data with the field file, or one pass as application/json"
        raise ParameterError("file", msg)
    async with contextlib.AsyncExitStack() as stack:
        yield await stack.enter_async_context(receive(request, BEGINNINGS))


async def patrol_turn(request: Request) -> AsyncIterator[None]:
    """Files wait for each other as imports do; one pass is done in a moment and does not stand in that line."""
    if _kind(request) == "application/json":
        yield
        return
    async with request.app.state.import_turn:
        yield


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _new_pass(body: dict[str, Any]) -> NewPass:
    try:
        return NewPass.model_validate(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        if first["type"] == "extra_forbidden":
            said = f"there is no such field; fields are {', '.join(NewPass.model_fields)}"
        else:
            said = "is missing" if first["type"] == "missing" else str(first["msg"])
        raise ParameterError(name[:60], said) from problem


@router.post(
    "/patrols",
    status_code=201,
    summary="Take in patrol passes: a file of rows or tracks, or one pass",
    description="A table that names segments, or GPS tracks (GPX, GeoJSON lines with times, tables of lon, lat, time), "
    "which are matched to segments. All goes in at once or not at all; sending it again counts nothing twice. Answers "
    "with the same summary as `finegrid import patrols --json`; 200 where one pass was known already.",
    dependencies=[KeyHolder],
    responses={200: {"description": "The one pass was known already"}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {"multipart/form-data": {"schema": FORM}, "application/json": {"schema": BODY_SCHEMA}},
        }
    },
)
def post_patrols(
    sent: Annotated[Upload | NewPass, Depends(sent_patrol)],
    _: Annotated[None, Depends(patrol_turn, scope="function")],
    conn: Writing,
) -> Response:
    """Take in a file or one pass."""
    now = datetime.now(UTC)
    if isinstance(sent, NewPass):
        found = add_pass(conn, sent.segment, sent.time, sent.surveyor, now)
        place = f"/patrols/{found.import_id}"
        return json_answer(found.as_dict(), 201 if found.accepted else 200, {"Location": place})
    order = _order(sent)
    with blaming(sent, "patrols"):
        summary = import_patrols(conn, order, now).as_dict()
    place = f"/patrols/{summary['import_id']}"
    if summary["rejected"]:
        summary["rejects_file"] = f"{place}/rejects"
    return json_answer(summary, 201, {"Location": place})


def _order(sent: Upload) -> PatrolOrder:
    unknown = sorted(set(sent.fields) - set(FIELDS))
    if unknown:
        msg = f"there is no such field; fields are file, {', '.join(FIELDS)}"
        raise ParameterError(unknown[0][:60], msg)
    texts = {name: one_text(sent, name) for name in FIELDS if name != "map"}
    encoding, delimiter = checked_text(texts["encoding"], texts["delimiter"])
    return PatrolOrder(
        file=PatrolFile(sent.path, mapping_of(sent.fields.get("map", [])), encoding, delimiter),
        surveyor=texts["surveyor"],
        crs=texts["crs"],
        time_format=texts["time_format"],
        shown_name=sent.name,
    )


Before = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Only imports with a smaller number")]
Limit = Annotated[int, Query(ge=1, description="Most rows; 1000 at most")]


@router.get("/patrols", summary="What was taken in of patrols, newest first", dependencies=[valid_by("surveys")])
def get_patrols(conn: Reading, before: Before = None, limit: Limit = 100) -> Response:
    """A page of imports of patrols."""
    limit = min(limit, 1000)
    rows = list_patrols(conn, before=before, limit=limit)
    answer: dict[str, Any] = {"rows": rows}
    if len(rows) == limit:
        answer["next"] = f"/patrols?before={rows[-1]['import_id']}&limit={limit}"
    return json_answer(answer)


@router.get("/patrols/{import_id}", summary="What became of one file of patrols", dependencies=[valid_by("surveys")])
def get_patrol(conn: Reading, import_id: int) -> Response:
    """One import of patrols."""
    found = read_patrol(conn, import_id)
    rejects = f"/patrols/{import_id}/rejects" if found["rejected"] else None
    return json_answer({**found, "rejects_file": rejects})


@router.get(
    "/patrols/{import_id}/rejects",
    summary="Rejected rows or fixes as CSV",
    description="Row number, reason and the original text as it was, so that it can be mended and sent again.",
    responses={200: {"content": {"text/csv": {"example": "row,reason,original\n7,no coordinate,...\n"}}}},
)
def get_patrol_rejects(conn: Reading, import_id: int) -> Response:
    """The rejected rows of one import of patrols."""
    return csv_file(lambda out: write_patrol_rejects(conn, import_id, out), f"patrol-rejects-{import_id}.csv")
