"""Reading stored reports 问题上报, one or page by page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from gis.density import BBox, category_ids, source_ids
from gis.errors import NotFound, ParameterError
from gis.operations import OUTSIDE_BINDS, Inside
from gis.store.database import sql
from gis.store.schema import cells, sources


@dataclass(frozen=True)
class ReportQuery:
    """Which reports.

    Parameters
    ----------
    from_day, to_day
        Days of the city, `to_day` exclusive.
    cell
        Code of a live cell; None: anywhere.
    categories, sources
        As in `gis.density.DensityQuery`.
    bbox
        West, south, east, north in WGS 84 degrees, edges included.
    after
        Name of a source and source_ref: only what follows; None: from the beginning.
    limit
        Most rows of the answer.
    operation
        Only what lies inside a special operation, whose days `from_day` and `to_day` are then.
    """

    from_day: date
    to_day: date
    cell: str | None = None
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    bbox: BBox | None = None
    after: tuple[str, str] | None = None
    limit: int = 100
    operation: Inside | None = None


def read_reports(conn: Connection, query: ReportQuery) -> list[dict[str, Any]]:
    """A page of reports, ordered by source (in the order in which sources became known) and source_ref.

    Raises
    ------
    ParameterError
        There is no such cell, category or source.
    """
    west, south, east, north = query.bbox or (None, None, None, None)
    chosen = source_ids(conn, query.sources)
    wanted = category_ids(conn, query.categories)
    after_source, after_ref = query.after or (None, None)
    parameters = {
        "from_day": query.from_day,
        "to_day": query.to_day,
        "cell_id": None if query.cell is None else _cell_id(conn, query.cell),
        "categories": None if wanted is None else list(wanted),
        "sources": None if chosen is None else list(chosen),
        "west": west,
        "south": south,
        "east": east,
        "north": north,
        "after_source": None if after_source is None else _source_id(conn, after_source),
        "after_ref": after_ref,
        "row_limit": query.limit,
        **(OUTSIDE_BINDS if query.operation is None else query.operation.binds()),
    }
    return [dict(row) for row in conn.execute(sql("reports_page"), parameters).mappings()]


def read_report(conn: Connection, source: str, source_ref: str) -> dict[str, Any]:
    """One report by its identity.

    Raises
    ------
    NotFound
        No such report is stored.
    """
    row = find_report(conn, source, source_ref)
    if row is None:
        msg = f"source {source!r} has no report {source_ref!r}"
        raise NotFound(msg)
    return row


def find_report(conn: Connection, source: str, source_ref: str) -> dict[str, Any] | None:
    """One report by its identity, or None."""
    if "\0" in source or "\0" in source_ref:
        return None
    row = conn.execute(sql("one_report"), {"source": source, "source_ref": source_ref}).mappings().first()
    return None if row is None else dict(row)


def _cell_id(conn: Connection, code: str) -> int:
    found = conn.execute(select(cells.c.id).where(cells.c.code == code, cells.c.retired_at.is_(None))).scalar()
    if found is None:
        msg = f"there is no cell {code!r}; GET /grid/locate tells the cell of a coordinate"
        raise ParameterError("cell", msg)
    return int(found)


def _source_id(conn: Connection, name: str) -> int:
    found = conn.execute(select(sources.c.id).where(sources.c.name == name)).scalar()
    if found is None:
        msg = "take it from the `next` link of the page before"
        raise ParameterError("after", msg)
    return int(found)
