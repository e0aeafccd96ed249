"""Reports 问题上报 and the cases they belong to, as service requests."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, RowMapping, select

from gis.city import read_city
from gis.errors import NotFound, ParameterError
from gis.open311.identifiers import report_of, service_request_id
from gis.open311.instants import Window, write_instant
from gis.open311.services import read_services, service_name
from gis.open311.words import EXPLAINING, Language, status_notes, status_of
from gis.store.database import sql
from gis.store.schema import sources

MOST = 1000
STATUSES = ("open", "closed")
STATE_MOVES = (*EXPLAINING, "open", "verify", "accept", "file", "dispatch", "handle", "check", "close")
"""Moves of which the last one explains the state of a case."""
DAYS_AT_ONCE = 2
Key = tuple[int, str]


@dataclass(frozen=True)
class RequestsQuery:
    """Which service requests.

    Parameters
    ----------
    window
        Of the instants at which they were made.
    service_codes, statuses
        Any of these; none: all.
    page
        From 1.
    page_size
        Most rows of a page, at most MOST.
    """

    window: Window
    service_codes: tuple[str, ...] = ()
    statuses: tuple[str, ...] = ()
    page: int = 1
    page_size: int = MOST


def read_requests(
    conn: Connection, query: RequestsQuery, language: Language, *, extensions: bool = False
) -> list[dict[str, Any]]:
    """A page of service requests, newest first.

    Raises
    ------
    NotFound
        There is no such service.
    ParameterError
        A status is neither open nor closed.
    """
    zone = read_city(conn).zone
    start, end = query.window.start, query.window.end
    parameters = {
        "from_at": start,
        "to_at": end,
        "categories": _category_ids(conn, query.service_codes),
        "closed": _closed(query.statuses),
        "row_limit": query.page_size,
        "row_offset": (query.page - 1) * query.page_size,
    }
    keys = _newest(conn, start.astimezone(zone).date(), end.astimezone(zone).date(), parameters)
    return _described(conn, keys, zone, language, extensions=extensions)


def _newest(conn: Connection, first: date, last: date, parameters: dict[str, Any]) -> list[Key]:
    """Keys of a page: the last days first, and further back only where they do not fill it.

    A window holds 90 days, a page perhaps a thousand requests of this morning.
    """
    days = DAYS_AT_ONCE
    while True:
        since = max(first, last - timedelta(days=days - 1))
        rows = conn.execute(sql("open311_page"), {**parameters, "from_day": since, "to_day": last}).all()
        if since == first or len(rows) == parameters["row_limit"]:
            return [(row.source_id, row.source_ref) for row in rows]
        days *= 4


def requests_by_id(
    conn: Connection, identifiers: Sequence[str], language: Language, *, extensions: bool = False
) -> list[dict[str, Any]]:
    """Service requests by name, in the order asked for; unknown ones are left out."""
    keys = [key for key in keys_of(conn, identifiers) if key is not None]
    return _described(conn, list(dict.fromkeys(keys)), read_city(conn).zone, language, extensions=extensions)


def read_request(
    conn: Connection, identifier: str, language: Language, *, extensions: bool = False
) -> list[dict[str, Any]]:
    """One service request, as a list of one.

    Raises
    ------
    NotFound
        There is none of this id.
    """
    found = requests_by_id(conn, [identifier], language, extensions=extensions)
    if not found:
        msg = f"service_request_id {identifier[:80]!r} was not found"
        raise NotFound(msg)
    return found


def keys_of(conn: Connection, identifiers: Sequence[str]) -> list[Key | None]:
    """Keys of the reports that identifiers name, None where there can be none."""
    ids = {row.name: row.id for row in conn.execute(select(sources.c.name, sources.c.id))}
    found: list[Key | None] = []
    for identifier in identifiers:
        try:
            source, ref = report_of(identifier)
        except NotFound:
            found.append(None)
        else:
            found.append((ids[source], ref) if source in ids else None)
    return found


def arrays(keys: Sequence[Key]) -> dict[str, Any]:
    """Keys as the two arrays that a statement takes."""
    return {"source_ids": [key[0] for key in keys], "source_refs": [key[1] for key in keys]}


def _category_ids(conn: Connection, codes: tuple[str, ...]) -> list[int] | None:
    if not codes:
        return None
    services = read_services(conn)
    unknown = [code for code in codes if code not in services]
    if unknown:
        msg = f"service_code {unknown[0][:80]!r} was not found; GET services lists all"
        raise NotFound(msg)
    return sorted({one for code in codes for one in services[code].category_ids})


def _closed(statuses: tuple[str, ...]) -> bool | None:
    for status in statuses:
        if status not in STATUSES:
            msg = f"{status[:40]!r} is neither open nor closed; what else there is to say stands in status_notes"
            raise ParameterError("status", msg)
    return None if len(set(statuses)) != 1 else statuses[0] == "closed"


def _described(
    conn: Connection, keys: Sequence[Key], zone: ZoneInfo, language: Language, *, extensions: bool
) -> list[dict[str, Any]]:
    if not keys:
        return []
    rows = conn.execute(sql("open311_requests"), {**arrays(keys), "moves": list(STATE_MOVES)}).mappings()
    return [request_of(row, zone, language, extensions=extensions) for row in rows]


def request_of(row: RowMapping, zone: ZoneInfo, language: Language, *, extensions: bool = False) -> dict[str, Any]:
    """A row of open311_requests.sql in the fields of the specification; null where there is nothing to say."""
    state, due_at = row["state"], row["due_at"]
    # A report may come in after the last move of the case that it belongs to.
    updated = max(row["last_at"] or row["reported_at"], row["reported_at"])
    answer = {
        "service_request_id": service_request_id(row["source"], row["source_ref"]),
        "status": status_of(state),
        "status_notes": status_notes(language, zone, state, row["move"], row["reason"], due_at, row["reports"]),
        "service_name": service_name(language, row["category_name"], row["category_name_en"]),
        "service_code": row["category"],
        "description": row["description"],
        "agency_responsible": row["department_en"] if language == "en" else row["department"],
        "service_notice": None,
        "requested_datetime": write_instant(row["reported_at"], zone),
        "updated_datetime": write_instant(updated, zone),
        "expected_datetime": None if due_at is None else write_instant(due_at, zone),
        "address": row["address"],
        "address_id": row["address_id"],
        "zipcode": None,
        "lat": row["lat"],
        "long": row["lon"],
        "media_url": row["media_url"],
    }
    if extensions:
        names = ("case_id", "state", "cell", "segment", "source", "source_kind", "reports")
        answer["extended_attributes"] = {name: row[name] for name in names}
    return answer
