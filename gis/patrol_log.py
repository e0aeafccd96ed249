"""What was taken in of patrols so far, and what was refused."""

from __future__ import annotations

from typing import Any, BinaryIO

from sqlalchemy import Connection, select

from gis.errors import NotFound
from gis.import_log import LARGEST_ID, SHOWN_REJECTS, write_csv
from gis.patrols import SUMS
from gis.report_files import Reject
from gis.store.schema_surveys import patrol_imports, patrol_rejects


def list_patrols(conn: Connection, *, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Imports of patrols, newest first.

    Parameters
    ----------
    before
        Only those with a smaller number; None: all.
    """
    wanted = select(patrol_imports).order_by(patrol_imports.c.id.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(patrol_imports.c.id < min(before, LARGEST_ID))
    return [_described(dict(row)) for row in conn.execute(wanted).mappings()]


def read_patrol(conn: Connection, import_id: int) -> dict[str, Any]:
    """One import of patrols: its numbers, the file, and its first rejects.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    found = None
    if 0 <= import_id <= LARGEST_ID:
        found = conn.execute(select(patrol_imports).where(patrol_imports.c.id == import_id)).mappings().first()
    if found is None:
        msg = f"there is no import of patrols {import_id}; GET /patrols lists them"
        raise NotFound(msg)
    columns = patrol_rejects.c.row_number, patrol_rejects.c.reason, patrol_rejects.c.original
    own = select(*columns).where(patrol_rejects.c.import_id == import_id).order_by(patrol_rejects.c.row_number)
    return {
        **_described(dict(found)),
        "first_rejects": [Reject(*row) for row in conn.execute(own.limit(SHOWN_REJECTS))],
    }


def write_patrol_rejects(conn: Connection, import_id: int, out: BinaryIO) -> None:
    """All rejected rows of an import of patrols as CSV with a header: row, reason, original.

    Raises
    ------
    NotFound
        There is no such import.
    """
    read_patrol(conn, import_id)
    write_csv(conn, "patrol_rejects", import_id, out)


def _described(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "import_id": row["id"],
        "kind": row["kind"],
        **{name: row[name] for name in SUMS},
        "file_name": row["file_name"],
        "file_sha256": bytes(row["file_sha256"]).hex(),
        "crs": row["crs"],
        "started_at": row["started_at"],
        "finished_at": row["finished_at"],
    }
