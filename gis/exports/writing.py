"""An export as a file or as bytes one after another, by the ending of its name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from sqlalchemy import Connection

from gis.errors import FileError, ParameterError
from gis.exports.copying import Copying
from gis.exports.order import Prepared
from gis.exports.parquet import write_parquet
from gis.exports.sheets import write_workbook
from gis.exports.texts import Progress, Write, write_csv, write_geojson, write_geojson_sequence
from gis.exports.vector import write_flatgeobuf, write_geopackage

STREAMED: dict[str, Callable[[Connection, Prepared, Copying, Write, Progress], int]] = {
    "geojson": write_geojson,
    "geojsonl": write_geojson_sequence,
    "csv": write_csv,
    "parquet": write_parquet,
}
"""Written from beginning to end: the first bytes are there before the last feature is read."""

WHOLE: dict[str, Callable[[Connection, Prepared, Copying, Path, Progress], int]] = {
    "gpkg": write_geopackage,
    "fgb": write_flatgeobuf,
    "xlsx": write_workbook,
}
"""Files in which something near the beginning depends on what comes later: they are there when they are finished."""

ENDINGS = (*STREAMED, *WHOLE)


def ending_of(text: str, parameter: str) -> str:
    """A format by its ending, with or without a full stop.

    Raises
    ------
    ParameterError
        No export is written so.
    """
    ending = text.lower().removeprefix(".")
    if ending not in ENDINGS:
        raise ParameterError(parameter, f"{text[:40]!r} is none of {', '.join(ENDINGS)}")
    return ending


def save(
    conn: Connection,
    prepared: Prepared,
    ending: str,
    path: Path,
    progress: Progress = lambda _: None,
    copying: Copying | None = None,
) -> int:
    """Write an export to a file that is there only when it is whole; answers how many features it has.

    Raises
    ------
    FileError
        It cannot be written there.
    """
    copying = copying or Copying()
    with _appearing(path, ending) as part:
        if ending in WHOLE:
            return WHOLE[ending](conn, prepared, copying, part, progress)
        with part.open("wb") as file:
            return STREAMED[ending](conn, prepared, copying, file.write, progress)


@contextlib.contextmanager
def _appearing(path: Path, ending: str) -> Iterator[Path]:
    """A place beside `path` that takes its name at the end; GDAL wants the ending of its format."""
    part = path.with_name(f".{path.stem}.part.{ending}")
    try:
        part.unlink(missing_ok=True)
        # Said before the database is asked, and in the same words for every format.
        part.touch()
        part.unlink()
        yield part
        part.replace(path)
    except OSError as problem:
        msg = f"{path}: cannot be written: {problem.strerror}"
        raise FileError(msg) from problem
    finally:
        for left in (part, part.with_name(f"{part.name}-journal"), part.with_name(f"{part.name}-wal")):
            with contextlib.suppress(OSError):
                left.unlink(missing_ok=True)
