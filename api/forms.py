"""What forms with a file have in common: their fields, whose fault an error is, a CSV of what was refused."""

from __future__ import annotations

import codecs
import contextlib
import logging
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

import orjson
import pyarrow as pa
from fastapi import Response
from fastapi.responses import StreamingResponse

from api.bodies import Upload
from api.encoding import CSV
from gis.errors import FileError, FinegridError, InputError, ParameterError

logger = logging.getLogger(__name__)
PIECE = 1 << 16
IN_MEMORY = 1 << 20


@contextlib.contextmanager
def blaming(sent: Upload, what: str) -> Iterator[None]:
    """Make errors speak of the file as the client calls it.

    Parameters
    ----------
    what
        Of what it should be a file.

    Raises
    ------
    InputError
        The file is wrong. Readers of third parties meet a stranger's file here; whatever it does to them is its fault.
    """
    try:
        yield
    except InputError as problem:
        raise _renamed(problem, sent) from problem
    except FinegridError:
        raise
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError, pa.ArrowException) as problem:
        logger.warning("%s could not be read", sent.name, exc_info=problem)
        msg = f"{sent.name}: cannot be read as {what}: {problem}".replace(str(sent.path), sent.name)
        raise FileError(msg) from problem


def _renamed(problem: InputError, sent: Upload) -> InputError:
    """The same error, speaking of the file as the client calls it and of fields instead of options."""
    text = str(problem).replace(str(sent.path), sent.name).replace(sent.path.name, sent.name)
    if isinstance(problem, ParameterError):
        return ParameterError(problem.parameter, text.removeprefix(f"{problem.parameter}: "))
    return FileError(re.sub(r"--(crs|map)\b", r"\1", text))


def checked_text(encoding: str | None, delimiter: str | None) -> tuple[str, str | None]:
    """How a text file is written.

    Raises
    ------
    ParameterError
        There is no such encoding, or the delimiter is not one character.
    """
    encoding = encoding or "utf-8"
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
    return encoding, delimiter


def one_text(sent: Upload, name: str) -> str | None:
    """The one value of a form's field, None where there is none.

    Raises
    ------
    ParameterError
        There are several, or it holds a null character.
    """
    values = [value for value in sent.fields.get(name, []) if value]
    if len(values) > 1:
        msg = "is given twice"
        raise ParameterError(name, msg)
    if values and "\0" in values[0]:
        msg = "holds a null character"
        raise ParameterError(name, msg)
    return values[0] if values else None


def mapping_of(texts: list[str]) -> dict[str, str]:
    """Field -> column out of repeated field=column, or JSON objects.

    Raises
    ------
    ParameterError
        One is neither, or a field is mapped twice.
    """
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


def csv_file(write: Callable[[BinaryIO], None], file_name: str) -> Response:
    """A CSV file that `write` writes, sent in pieces."""
    out = tempfile.SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115 - closed when the last piece is sent
    try:
        write(cast("BinaryIO", out))
    except BaseException:
        out.close()
        raise
    out.seek(0)
    headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
    return StreamingResponse(_pieces(cast("BinaryIO", out)), headers=headers, media_type=CSV)


def _pieces(file: BinaryIO) -> Iterator[bytes]:
    with file:
        while piece := file.read(PIECE):
            yield piece
