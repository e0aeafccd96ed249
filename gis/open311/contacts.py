"""Who sent a service request: personal data, for those who may use the city's command line, and for as long as needed.

Nothing over HTTP reads this table; a test looks into every answer for what stands in it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, delete, select

from gis.errors import NotFound
from gis.open311.requests import keys_of
from gis.store.schema_open311 import open311_contacts


def read_contact(conn: Connection, identifier: str) -> dict[str, Any]:
    """Whom to call back about a request.

    Raises
    ------
    NotFound
        Nobody left anything, it was forgotten, or there is no such request.
    """
    row = conn.execute(select(open311_contacts).where(_of(conn, identifier))).mappings().first()
    if row is None:
        msg = f"nobody is known to have sent {identifier[:80]!r}"
        raise NotFound(msg)
    told = {str(name): value for name, value in row.items() if name not in ("source_id", "source_ref")}
    return {"service_request_id": identifier, **told}


def forget_contact(conn: Connection, identifier: str) -> int:
    """Forget who sent one request; the request stays. Answers 1, or 0 where nobody was known."""
    return conn.execute(delete(open311_contacts).where(_of(conn, identifier))).rowcount


def forget_contacts(conn: Connection, before: datetime) -> int:
    """Forget who sent what came in before an instant; the requests stay. Answers how many."""
    return conn.execute(delete(open311_contacts).where(open311_contacts.c.received_at < before)).rowcount


def _of(conn: Connection, identifier: str) -> Any:
    (key,) = keys_of(conn, [identifier])
    source_id, source_ref = key or (-1, "")
    return (open311_contacts.c.source_id == source_id) & (open311_contacts.c.source_ref == source_ref)
