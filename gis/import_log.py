"""What was imported so far, and what was refused."""

from __future__ import annotations

from typing import Any, BinaryIO

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql

from gis.errors import NotFound
from gis.report_files import Reject
from gis.store.copying import cursor_of
from gis.store.database import sql
from gis.store.schema import import_rejects, imports

LARGEST_ID = 2**63 - 1
SHOWN_REJECTS = 5
COUNTS = ("read", "accepted", "duplicate", "rejected", "in_cells", "outside", "no_position")


def list_imports(conn: Connection, *, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Imports, newest first.

    Parameters
    ----------
    before
        Only those with a smaller number; None: all.
    limit
        Most rows of the answer.
    """
    wanted = select(imports).order_by(imports.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(imports.c.id < min(before, LARGEST_ID))
    return [_described(dict(row)) for row in conn.execute(wanted).mappings()]


def read_import(conn: Connection, import_id: int) -> dict[str, Any]:
    """One import: the numbers that its summary showed, the file, and its first rejects.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    found = None
    if 0 <= import_id <= LARGEST_ID:
        found = conn.execute(select(imports).where(imports.c.id == import_id)).mappings().first()
    if found is None:
        msg = f"there is no import {import_id}; GET /imports lists them"
        raise NotFound(msg)
    rejects = conn.execute(
        select(import_rejects.c.row_number, import_rejects.c.reason, import_rejects.c.original)
        .where(import_rejects.c.import_id == import_id)
        .order_by(import_rejects.c.row_number)
        .limit(SHOWN_REJECTS)
    )
    return {**_described(dict(found)), "first_rejects": [Reject(*row) for row in rejects]}


def write_rejects(conn: Connection, import_id: int, out: BinaryIO) -> None:
    """All rejected rows of an import as CSV with a header: row, reason, original.

    Raises
    ------
    NotFound
        There is no such import.
    """
    read_import(conn, import_id)
    write_csv(conn, "import_rejects", import_id, out)


def write_csv(conn: Connection, question: str, import_id: int, out: BinaryIO) -> None:
    """The rows of a question about one import as CSV with a header."""
    with cursor_of(conn) as cursor:
        compiled = str(sql(question).compile(dialect=postgresql.psycopg2.dialect()))
        bound = cursor.mogrify(compiled, {"import_id": import_id}).decode()
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT CSV, HEADER)", out)


def _described(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "import_id": row["id"],
        **{name: row[name] for name in COUNTS},
        "shared_positions": row["shared_positions"],
        "file_name": row["file_name"],
        "file_sha256": bytes(row["file_sha256"]).hex(),
        "crs": row["crs"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
    }
