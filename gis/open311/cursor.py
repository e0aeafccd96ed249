"""How far a pull from another server has come: written in the transaction of what it brought."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select, update
from sqlalchemy.dialects.postgresql import insert

from gis.store.schema_open311 import open311_pulls

LOOK_BACK = timedelta(days=1)
"""A pull that goes on after a finished one looks at its last day again: servers show some requests late."""
USUAL = timedelta(days=90)


@dataclass(frozen=True)
class Series:
    """What is pulled again and again, and so has one cursor.

    Parameters
    ----------
    services
        Codes asked for, comma between; empty: all.
    """

    endpoint: str
    jurisdiction_id: str
    services: str
    source_id: int


def begin(
    conn: Connection, series: Series, since: datetime | None, now: datetime, *, restart: bool
) -> tuple[int, datetime]:
    """Id of the cursor and where to begin.

    It goes on where the pull before stopped; from `since` where that lies before everything pulled, or after it, or
    where there was none; 90 days ago where nobody says.
    """
    row = conn.execute(select(open311_pulls).where(_of(series)).with_for_update()).mappings().first()
    if row is None or restart or (since is not None and not row["since"] <= since <= row["reached"]):
        start = since or now - USUAL
        values: dict[str, Any] = {"since": start, "reached": start, "started_at": now, "finished_at": None}
        given = {name: getattr(series, name) for name in Series.__dataclass_fields__}
        key = ["endpoint", "jurisdiction_id", "services", "source_id"]
        made = (
            insert(open311_pulls)
            .values(**given, **values)
            .on_conflict_do_update(index_elements=key, set_=values)
            .returning(open311_pulls.c.id)
        )
        return int(conn.execute(made).scalar_one()), start
    conn.execute(update(open311_pulls).where(open311_pulls.c.id == row["id"]).values(started_at=now, finished_at=None))
    start = row["reached"] if row["finished_at"] is None else row["reached"] - LOOK_BACK
    return int(row["id"]), max(start, row["since"])


def _of(series: Series) -> Any:
    columns = open311_pulls.c
    return (
        (columns.endpoint == series.endpoint)
        & (columns.jurisdiction_id == series.jurisdiction_id)
        & (columns.services == series.services)
        & (columns.source_id == series.source_id)
    )


def advance(conn: Connection, cursor_id: int, reached: datetime) -> None:
    """Everything up to here is in."""
    chosen = (open311_pulls.c.id == cursor_id) & (open311_pulls.c.reached < reached)
    conn.execute(update(open311_pulls).where(chosen).values(reached=reached))


def finish(conn: Connection, cursor_id: int, now: datetime) -> None:
    """The pull came to its end."""
    conn.execute(update(open311_pulls).where(open311_pulls.c.id == cursor_id).values(finished_at=now))
