"""What happened to service requests: the history of their cases, as FixMyStreet's extension of Open311 has it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection

from gis.city import read_city
from gis.open311.identifiers import service_request_id
from gis.open311.instants import Window, write_instant
from gis.open311.requests import arrays, keys_of
from gis.open311.words import MOVES, Language, status_of, update_text
from gis.store.database import sql


def read_updates(
    conn: Connection, window: Window, identifiers: Sequence[str], page: int, page_size: int, language: Language
) -> list[dict[str, Any]]:
    """A page of updates, oldest first, so that a client can go on where it stopped.

    Parameters
    ----------
    window
        Of the instants at which things happened.
    identifiers
        Only of these requests; none: of all.

    Notes
    -----
    An update_id never changes and never comes back with another meaning. Something may be recorded late, with the
    instant at which it happened: a client that looks back a day and passes over the ids that it knows misses nothing.
    """
    keys = [key for key in keys_of(conn, identifiers) if key is not None]
    if identifiers and not keys:
        return []
    zone = read_city(conn).zone
    parameters = {
        "from_at": window.start,
        "to_at": window.end,
        **(arrays(keys) if identifiers else {"source_ids": None, "source_refs": None}),
        "moves": list(MOVES),
        "row_limit": page_size,
        "row_offset": (page - 1) * page_size,
    }
    answer = []
    for row in conn.execute(sql("open311_updates"), parameters):
        identifier = service_request_id(row.source, row.source_ref)
        answer.append(
            {
                "update_id": f"{row.case_id}-{row.number}-{identifier}",
                "service_request_id": identifier,
                "status": status_of(row.state),
                "updated_datetime": write_instant(row.at, zone),
                "description": update_text(language, zone, row.move, row.reason, row.due_at, row.state),
                "media_url": None,
            }
        )
    return answer
