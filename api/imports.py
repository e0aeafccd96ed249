"""POST /imports and what was imported before."""

from __future__ import annotations

import codecs
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from typing import Annotated, Any, BinaryIO, cast

import orjson
import pyarrow as pa
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import StreamingResponse

from api.bodies import Upload, upload
from api.dependencies import KeyHolder, Reading, Writing
from api.encoding import CSV, json_answer
from api.parameters import only_known
from api.validators import valid_by
from gis.errors import FileError, FinegridError, InputError, ParameterError
from gis.import_log import LARGEST_ID, list_imports, read_import, write_rejects
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.store.schema import SOURCE_KINDS

router = APIRouter(tags=["imports"], dependencies=[Depends(only_known)])
logger = logging.getLogger(__name__)
FIELDS = ("source", "source_kind", "crs", "map", "encoding", "delimiter", "time_format", "keep_unlocated")
PIECE = 1 << 16
IN_MEMORY = 1 << 20

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
    try:
        summary = import_reports(conn, order).as_dict()
    except InputError as problem:
        raise _renamed(problem, sent) from problem
    except FinegridError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, pa.ArrowException) as problem:
        # Readers of third parties meet a stranger's file here; whatever it does to them is the file's fault.
        logger.warning("%s could not be read", sent.name, exc_info=problem)
        msg = f"{sent.name}: cannot be read as reports: {problem}".replace(str(sent.path), sent.name)
        raise FileError(msg) from problem
    place = f"/imports/{summary['import_id']}"
    if summary["rejected"]:
        summary["rejects_file"] = f"{place}/rejects"
    return json_answer(summary, 201, {"Location": place})


def _renamed(problem: InputError, sent: Upload) -> InputError:
    """The same error, speaking of the file as the client calls it and of fields instead of options."""
    text = str(problem).replace(str(sent.path), sent.name).replace(sent.path.name, sent.name)
    if isinstance(problem, ParameterError):
        return ParameterError(problem.parameter, text.removeprefix(f"{problem.parameter}: "))
    for option in ("crs", "map"):
        text = text.replace(f"--{option} ", f"{option} ").replace(f"--{option}:", f"{option}:")
    return FileError(text)


def _order(sent: Upload) -> ImportOrder:
    unknown = sorted(set(sent.fields) - set(FIELDS))
    if unknown:
        msg = f"there is no such field; fields are file, {', '.join(FIELDS)}"
        raise ParameterError(unknown[0][:60], msg)
    texts = {name: _one(sent, name) for name in FIELDS if name != "map"}
    if texts["source"] is None:
        msg = "is missing: who reports, e.g. patrol"
        raise ParameterError("source", msg)
    encoding, delimiter = texts["encoding"] or "utf-8", texts["delimiter"]
    try:
        "".encode(encoding)
        b"".decode(encoding)
        codecs.getincrementaldecoder(encoding)
    except (LookupError, ValueError, UnicodeError) as problem:
        msg = f"{encoding[:40]!r} is not a known encoding of text; utf-8 or gb18030 are"
        raise ParameterError("encoding", msg) from problem
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '"\r\n'):
        msg = "one character such as ; is right"
        raise ParameterError("delimiter", msg)
    return ImportOrder(
        file=ReportFile(sent.path, _mapping(sent.fields.get("map", [])), encoding, delimiter),
        source=texts["source"],
        source_kind=texts["source_kind"],
        crs=texts["crs"],
        keep_unlocated=_yes(texts["keep_unlocated"]),
        time_format=texts["time_format"],
        shown_name=sent.name,
    )


def _one(sent: Upload, name: str) -> str | None:
    values = [value for value in sent.fields.get(name, []) if value]
    if len(values) > 1:
        msg = "is given twice"
        raise ParameterError(name, msg)
    if values and "\0" in values[0]:
        msg = "holds a null character"
        raise ParameterError(name, msg)
    return values[0] if values else None


def _yes(text: str | None) -> bool:
    answers = {"true": True, "1": True, "false": False, "0": False, None: False}
    if text is not None:
        text = text.lower()
    if text not in answers:
        msg = "true or false is right"
        raise ParameterError("keep_unlocated", msg)
    return answers[text]


def _mapping(texts: list[str]) -> dict[str, str]:
    """Repeated field=column, or JSON objects."""
    found: dict[str, str] = {}
    for text in filter(None, texts):
        if text.lstrip().startswith("{"):
            try:
                pairs = orjson.loads(text)
            except orjson.JSONDecodeError as problem:
                msg = f"not JSON: {problem}"
                raise ParameterError("map", msg) from problem
        else:
            name, _, column = text.partition("=")
            pairs = {name: column}
        for name, column in pairs.items():
            if not name or not isinstance(column, str) or not column:
                msg = f'write field=column, or {{"field": "column"}}; not {text[:80]!r}'
                raise ParameterError("map", msg)
            if name in found:
                msg = f"{name} is mapped twice"
                raise ParameterError("map", msg)
            found[name] = column
    return found


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
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed when the last piece is sent
    try:
        write_rejects(conn, import_id, cast("BinaryIO", out))
    except BaseException:
        out.close()
        raise
    out.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="rejects-{import_id}.csv"'}
    return StreamingResponse(_pieces(cast("BinaryIO", out)), headers=headers, media_type=CSV)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
