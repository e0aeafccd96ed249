"""Bodies of requests: JSON of bounded size, and uploads that go to disk as they come."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from gis.errors import FileError, InputError, ParameterError, TooLarge
from gis.settings import settings

JSON_LIMIT = 1 << 20
FIELD_LIMIT = 1 << 16
FIELDS = 64
MEGABYTE = 1 << 20
# Ending -> what a file of that kind begins with. GDAL would open anything by its content, also formats that name other
# files of this machine, so only these reach it.
BEGINNINGS = {
    ".csv": b"",
    ".tsv": b"",
    ".txt": b"",
    ".csv.gz": b"\x1f\x8b",
    ".parquet": b"PAR1",
    ".geojson": b"{",
    ".json": b"{",
    ".gpkg": b"SQLite format 3\0",
    ".fgb": b"fgb",
}


async def limited(request: Request, limit: int, what: str) -> AsyncGenerator[bytes, None]:
    """The body piece by piece, up to a limit.

    Raises
    ------
    TooLarge
        It is longer than `limit` bytes, as declared or as found on the way.
    """
    msg = f"{what} is larger than the {limit} bytes that this server takes"
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        raise TooLarge(msg)
    size = 0
    async for piece in request.stream():
        size += len(piece)
        if size > limit:
            raise TooLarge(msg)
        yield piece


async def json_body(request: Request) -> dict[str, Any]:
    """The body as a JSON object.

    Raises
    ------
    ParameterError
        It is none.
    TooLarge
        Longer than JSON_LIMIT.
    """
    pieces = [piece async for piece in limited(request, JSON_LIMIT, "the body")]
    try:
        body = orjson.loads(b"".join(pieces))
    except orjson.JSONDecodeError as problem:
        msg = f"not JSON in UTF-8: {problem}"
        raise ParameterError("body", msg) from problem
    if not isinstance(body, dict):
        msg = 'a JSON object such as {"source": ...} is right'
        raise ParameterError("body", msg)
    return body


JsonBody = Annotated[dict[str, Any], Depends(json_body)]


def body_of(model: type[BaseModel]) -> dict[str, Any]:
    """How OpenAPI describes a body of this form."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def checked(model: type[BaseModel], body: dict[str, Any]) -> Any:
    """A body as its model.

    Raises
    ------
    ParameterError
        A field is missing, unknown or of another type.
    """
    try:
        sent = model.model_validate(body)
    except ValidationError as problem:
        first = problem.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "body"
        said = {
            "extra_forbidden": f"there is no such field; fields are {', '.join(model.model_fields)}",
            "missing": "is missing",
            "timezone_aware": "has no time zone; 2016-05-03T08:30:00+08:00 has",
        }.get(first["type"], str(first["msg"]))
        raise ParameterError(name[:60], said) from problem
    for name, value in sent:
        texts = value if isinstance(value, list) else [value]
        if any(isinstance(text, str) and "\0" in text for text in texts):
            raise ParameterError(name, "holds a null character")
    return sent


@dataclass(frozen=True)
class Upload:
    """A file that came with a form, and the form's other fields.

    Parameters
    ----------
    path
        Where it lies on this machine, for the time of the request; ends as its own name ends.
    name
        What the client calls it.
    fields
        Name -> values, in the order in which they came.
    """

    path: Path
    name: str
    fields: dict[str, list[str]]


async def upload(request: Request) -> AsyncIterator[Upload]:
    """The file of a multipart form, on disk as long as the request lasts; see `receive`."""
    async with receive(request, BEGINNINGS) as sent:
        yield sent


@contextlib.asynccontextmanager
async def receive(request: Request, beginnings: Mapping[str, bytes]) -> AsyncIterator[Upload]:
    """Take in the file of a multipart form.

    Parameters
    ----------
    beginnings
        Ending -> what a file of that kind begins with; others are refused.

    Raises
    ------
    InputError
        No form, no file, or a file of another kind than its name says.
    TooLarge
        Larger than the setting upload_limit_mb.
    """
    if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
        msg = "send a form as multipart/form-data with the fields file, source and crs"
        raise ParameterError("file", msg)
    limit = settings().upload_limit_mb * MEGABYTE
    pieces = limited(request, limit + FIELDS * FIELD_LIMIT, "the upload")
    parser = MultiPartParser(request.headers, pieces, max_files=1, max_fields=FIELDS, max_part_size=FIELD_LIMIT)
    try:
        form = await parser.parse()
    except MultiPartException as problem:
        msg = f"the form cannot be read: {problem.message}"
        raise InputError(msg) from problem
    except UnicodeError as problem:
        msg = "the form cannot be read: a field is in another encoding than it says"
        raise InputError(msg) from problem
    with contextlib.ExitStack() as cleaning:
        sent = _file_of(form)
        cleaning.callback(sent.file.close)
        folder = cleaning.enter_context(tempfile.TemporaryDirectory(prefix="finegrid_upload_"))
        name = Path((sent.filename or "").replace("\\", "/")).name.replace("\0", "")[:200]
        ending = _ending(name, beginnings)
        path = Path(folder) / f"upload{ending}"
        await _keep(sent, path, limit, beginnings[ending])
        fields: dict[str, list[str]] = {}
        for key, value in form.multi_items():
            if isinstance(value, str):
                fields.setdefault(key, []).append(value)
        yield Upload(path, name, fields)


def _file_of(form: FormData) -> UploadFile:
    files = [(key, value) for key, value in form.multi_items() if isinstance(value, UploadFile)]
    if not files or files[0][0] != "file":
        for _, stray in files:
            stray.file.close()
        msg = "is missing: the form needs a file in the field `file`"
        raise ParameterError("file", msg)
    return files[0][1]


def _ending(name: str, beginnings: Mapping[str, bytes]) -> str:
    lower = name.lower()
    ending = next((one for one in sorted(beginnings, key=len, reverse=True) if lower.endswith(one)), None)
    if ending is None:
        msg = f"{name[:80]!r} ends in none of {', '.join(beginnings)}"
        raise ParameterError("file", msg)
    return ending


async def _keep(sent: UploadFile, path: Path, limit: int, expected: bytes) -> None:
    """Copy to a file with a name, which is what readers need."""
    size = 0
    with path.open("wb") as out:
        while piece := await sent.read(MEGABYTE):
            if not size:
                found = piece.removeprefix(b"\xef\xbb\xbf").lstrip() if expected in (b"{", b"<") else piece
                if not found.startswith(expected):
                    msg = f"the file does not begin like a {path.suffix} file"
                    raise FileError(msg)
            size += len(piece)
            if size > limit:
                msg = f"the file is larger than the {limit} bytes that this server takes"
                raise TooLarge(msg)
            out.write(piece)
