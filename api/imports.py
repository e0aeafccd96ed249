"""POST /imports and what was imported before."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response

from api.bodies import Upload, upload
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import json_answer
from api.forms import blaming, checked_text, csv_file, mapping_of, one_text
from api.parameters import only_known
from api.validators import valid_by
from gis.errors import ParameterError
from gis.import_log import LARGEST_ID, list_imports, read_import, write_rejects
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.store.schema import SOURCE_KINDS

router = APIRouter(tags=["imports"], dependencies=[Depends(only_known)])
FIELDS = ("source", "source_kind", "crs", "map", "encoding", "delimiter", "time_format", "keep_unlocated")

FORM = {
    "type": "object",
    "required": ["file", "source"],
    "properties": {
        "file": {
            "type": "string",
            "format": "binary",
            "description": ".csv, .csv.gz, .tsv, .parquet, .geojson, .gpkg or .fgb",
        },
        "source": {"type": "string", "description": "Who reports; part of each report's identity"},
        "source_kind": {"type": "string", "enum": list(SOURCE_KINDS), "description": "Needed for a new source"},
        "crs": {
            "type": "string",
            "description": "wgs84, cgcs2000, gcj02, bd09 or an EPSG code; needed where the file declares none",
        },
        "map": {
            "type": "array",
            "items": {"type": "string"},
            "description": "field=column, repeated, or one JSON object",
        },
        "encoding": {"type": "string", "default": "utf-8", "description": "Of text files, e.g. gb18030"},
        "delimiter": {"type": "string", "description": "Of text files, one character"},
        "time_format": {"type": "string", "description": "strptime format of times that are not ISO 8601"},
        "keep_unlocated": {"type": "boolean", "description": "Take rows with empty coordinates in"},
    },
}


async def import_turn(request: Request) -> AsyncIterator[None]:
    """One import at a time in this worker: it holds a connection for minutes, and others want to read meanwhile."""
    async with request.app.state.import_turn:
        yield


@router.post(
    "/imports",
    status_code=201,
    summary="Import a file of reports",
    description="All goes in at once or not at all; sending a file again counts nothing twice. Answers with the same "
    "summary as `finegrid import reports --json`; `rejects_file` is where rejected rows can be fetched.",
    dependencies=[KeyHolder],
    openapi_extra={"requestBody": {"required": True, "content": {"multipart/form-data": {"schema": FORM}}}},
)
def post_import(
    sent: Annotated[Upload, Depends(upload)],
    _: Annotated[None, Depends(import_turn, scope="function")],
    conn: Writing,
) -> Response:
    """Import the uploaded file."""
    order = _order(sent)
    with blaming(sent, "reports"):
        summary = import_reports(conn, order).as_dict()
    place = f"/imports/{summary['import_id']}"
    if summary["rejected"]:
        summary["rejects_file"] = f"{place}/rejects"
    return json_answer(summary, 201, {"Location": place})


def _order(sent: Upload) -> ImportOrder:
    unknown = sorted(set(sent.fields) - set(FIELDS))
    if unknown:
        msg = f"there is no such field; fields are file, {', '.join(FIELDS)}"
        raise ParameterError(unknown[0][:60], msg)
    texts = {name: one_text(sent, name) for name in FIELDS if name != "map"}
    if texts["source"] is None:
        msg = "is missing: who reports, e.g. patrol"
        raise ParameterError("source", msg)
    encoding, delimiter = checked_text(texts["encoding"], texts["delimiter"])
    return ImportOrder(
        file=ReportFile(sent.path, mapping_of(sent.fields.get("map", [])), encoding, delimiter),
        source=texts["source"],
        source_kind=texts["source_kind"],
        crs=texts["crs"],
        keep_unlocated=_yes(texts["keep_unlocated"]),
        time_format=texts["time_format"],
        shown_name=sent.name,
    )


def _yes(text: str | None) -> bool:
    answers = {"true": True, "1": True, "false": False, "0": False, None: False}
    if text is not None:
        text = text.lower()
    if text not in answers:
        msg = "true or false is right"
        raise ParameterError("keep_unlocated", msg)
    return answers[text]


Before = Annotated[int | None, Query(ge=1, le=LARGEST_ID, description="Only imports with a smaller number")]
Limit = Annotated[int, Query(ge=1, description="Most rows; 1000 at most")]


@router.get("/imports", summary="What was imported, newest first", dependencies=[valid_by("imports")])
def get_imports(conn: Reading, before: Before = None, limit: Limit = 100) -> Response:
    """A page of imports."""
    limit = min(limit, 1000)
    rows = list_imports(conn, before=before, limit=limit)
    answer: dict[str, Any] = {"rows": rows}
    if len(rows) == limit:
        answer["next"] = f"/imports?before={rows[-1]['import_id']}&limit={limit}"
    return json_answer(answer)


@router.get("/imports/{import_id}", summary="What became of one import", dependencies=[valid_by("imports")])
def get_import(conn: Reading, import_id: int) -> Response:
    """One import."""
    found = read_import(conn, import_id)
    rejects = f"/imports/{import_id}/rejects" if found["rejected"] else None
    return json_answer({**found, "rejects_file": rejects})


@router.get(
    "/imports/{import_id}/rejects",
    summary="Rejected rows as CSV",
    description="Row number, reason and the original text as it was, so that it can be mended and sent again.",
    responses={200: {"content": {"text/csv": {"example": "row,reason,original\n7,no coordinate,...\n"}}}},
)
def get_rejects(conn: Reading, import_id: int) -> Response:
    """The rejected rows of one import."""
    return csv_file(lambda out: write_rejects(conn, import_id, out), f"rejects-{import_id}.csv")
