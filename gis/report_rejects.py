"""Rejected rows: in a file beside the import, and in the database."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from sqlalchemy import Connection

from gis.errors import FileError
from gis.report_files import Reject
from gis.store.copying import CopyColumn, copy_in

HEADER = ("row", "reason", "original")


class RejectsFile:
    """Rejected rows as CSV (row, reason, original); it appears under its name only when the import is done."""

    SHOWN = 5

    def __init__(self, path: Path | None) -> None:
        self.path, self.count, self.first = path, 0, list[Reject]()
        self._file: Any = None

    def __enter__(self) -> RejectsFile:
        """Open lazily: most imports have no rejects."""
        return self

    def add(self, rejects: list[Reject]) -> None:
        """Write rejects.

        Raises
        ------
        FileError
            The place cannot be written.
        """
        self.count += len(rejects)
        self.first += rejects[: self.SHOWN - len(self.first)]
        if self.path is None or not rejects:
            return
        if self._file is None:
            try:
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - closed in __exit__
                    "w",
                    dir=self.path.parent,
                    prefix=self.path.name,
                    suffix=".part",
                    delete=False,
                    encoding="utf-8",
                    newline="",
                )
            except OSError as problem:
                msg = f"{self.path}: rejected rows cannot be written there: {problem.strerror}"
                raise FileError(msg) from problem
            csv.writer(self._file).writerow(HEADER)
        csv.writer(self._file).writerows((reject.row, reject.reason, reject.original) for reject in rejects)

    def keep(self) -> None:
        """Give the file its name; one of an earlier import that was mended since goes."""
        if self._file is None and self.path is not None and self.path.is_file():
            with self.path.open("rb") as old:
                stale = old.readline().strip() == ",".join(HEADER).encode()
            if stale:
                self.path.unlink()
        if self._file is not None and self.path is not None:
            self._file.close()
            Path(self._file.name).chmod(0o644)
            Path(self._file.name).replace(self.path)

    def __exit__(self, *_: object) -> None:
        """Remove what was not kept."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)


def store_rejects(conn: Connection, import_id: int, rejects: list[Reject], table: str = "import_rejects") -> None:
    """Keep rejected rows in the database too, so that whoever sent the file over HTTP can fetch them.

    Parameters
    ----------
    table
        import_rejects or patrol_rejects.
    """
    if not rejects:
        return
    copy_in(
        conn,
        table,
        [
            CopyColumn("import_id", "int8", np.full(len(rejects), import_id)),
            CopyColumn("row_number", "int8", np.array([reject.row for reject in rejects])),
            CopyColumn("reason", "text", pa.array([_storable(reject.reason) for reject in rejects], pa.string())),
            CopyColumn("original", "text", pa.array([_storable(reject.original) for reject in rejects], pa.string())),
        ],
    )


def _storable(value: str) -> str:
    # PostgreSQL text cannot hold a null character; show where one was.
    return value.replace("\0", "\N{REPLACEMENT CHARACTER}")
