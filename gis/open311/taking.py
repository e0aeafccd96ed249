"""A citizen's service request comes in: a report by the rules of an import, and a case for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, insert, select

from gis.case_opening import open_case
from gis.city import read_city
from gis.errors import ParameterError
from gis.locator import Locator
from gis.open311.identifiers import service_request_id
from gis.open311.instants import read_instant
from gis.open311.services import one_service
from gis.report_one import OneReport, add_report
from gis.report_rows import NEAR_DEG, Bounds
from gis.reports import city_bounds
from gis.store.database import bump_version
from gis.store.schema import sources
from gis.store.schema_open311 import open311_contacts, open311_numbers, open311_requests

SOURCE = "open311"
SOURCE_KIND = "citizen"
ACTOR = "open311"
LONGEST = {
    "description": 4000,
    "address_string": 1000,
    "address_id": 200,
    "media_url": 2000,
    "email": 254,
    "phone": 50,
    "first_name": 100,
    "last_name": 100,
    "device_id": 200,
    "account_id": 200,
    "service_code": 200,
    "requested_datetime": 40,
    "lat": 40,
    "long": 40,
}
"""Most characters of each field; 4,000 for the description is the specification's."""
NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d*)?|[+-]?\.\d+")
LINK = re.compile(r"https?://[^\s/]+\S*", re.IGNORECASE)


@dataclass(frozen=True)
class NewRequest:
    """A service request as a client sends it, nothing checked yet; empty is the same as not given.

    Parameters
    ----------
    lat, long
        WGS 84 degrees, the only datum that Open311 knows, as text.
    address_string, address_id
        Where it is, where there are no coordinates or beside them.
    media_url
        A link; it is kept and shown, never fetched.
    email, phone, first_name, last_name, device_id, account_id
        Who sends it: kept apart, in no answer.
    requested_datetime
        When it was made, from a gateway that hands on what it got before; empty: now.
    """

    service_code: str = ""
    lat: str = ""
    long: str = ""
    address_string: str = ""
    address_id: str = ""
    description: str = ""
    media_url: str = ""
    email: str = ""
    phone: str = ""
    first_name: str = ""
    last_name: str = ""
    device_id: str = ""
    account_id: str = ""
    requested_datetime: str = ""


CONTACT = ("email", "phone", "first_name", "last_name", "device_id", "account_id")


@dataclass(frozen=True)
class Taken:
    """What became of a request.

    Parameters
    ----------
    opened
        The case is new; else the request was added to the case of the same problem.
    cell
        Code of its grid cell; None: outside all, or without coordinates.
    """

    service_request_id: str
    case_id: int
    opened: bool
    cell: str | None
    located: bool


def take_request(
    conn: Connection, current_locator: Callable[[Connection], Locator], sent: NewRequest, now: datetime
) -> Taken:
    """Take in one service request.

    Parameters
    ----------
    current_locator
        As for `gis.report_one.add_report`.
    now
        The clock, aware: when the request was made, where it does not say otherwise.

    Raises
    ------
    ParameterError
        A field is missing or cannot be.
    NotFound
        There is no such service.
    InputError
        An import would reject the report; says why.
    """
    _check(sent)
    service = one_service(conn, sent.service_code)
    if sent.lat:
        _need_near(float(sent.lat), float(sent.long), city_bounds(conn))
    # To the second, as it will be shown.
    made_at = _made_at(conn, sent.requested_datetime, now).replace(microsecond=0)
    report = _add(conn, current_locator, sent, service.code, made_at)
    key = {
        "source_id": conn.execute(select(sources.c.id).where(sources.c.name == SOURCE)).scalar_one(),
        "source_ref": report["source_ref"],
    }
    further = {"address": sent.address_string, "address_id": sent.address_id, "media_url": sent.media_url}
    _keep(conn, open311_requests, key, further)
    _keep(conn, open311_contacts, key, {name: getattr(sent, name) for name in CONTACT}, received_at=now)
    case_id, opened = open_case(conn, SOURCE, report["source_ref"], ACTOR, now, made_at)
    bump_version(conn, "open311")
    identifier = service_request_id(SOURCE, report["source_ref"])
    return Taken(identifier, case_id, opened, report["cell"], bool(sent.lat))


def _made_at(conn: Connection, text: str, now: datetime) -> datetime:
    if not text:
        return now
    at = read_instant("requested_datetime", text, read_city(conn).zone)
    if at > now:
        raise ParameterError("requested_datetime", f"{text[:40]} lies in the future")
    return at


def _add(
    conn: Connection,
    current_locator: Callable[[Connection], Locator],
    sent: NewRequest,
    category: str,
    made_at: datetime,
) -> dict[str, Any]:
    # Somebody may have imported a file under this name, as of another kind: that is no reason to turn citizens away.
    known = conn.execute(select(sources.c.kind).where(sources.c.name == SOURCE)).scalar()
    while True:
        report = OneReport(
            source=SOURCE,
            source_ref=str(conn.execute(select(open311_numbers.next_value())).scalar_one()),
            datum="wgs84",
            lon=sent.long,
            lat=sent.lat,
            reported_at=made_at.isoformat(),
            category=category,
            description=sent.description,
            source_kind=known or SOURCE_KIND,
            keep_unlocated=True,
        )
        stored, added = add_report(conn, current_locator, report)
        # Somebody may have imported a file under the same name: its numbers are passed over.
        if added:
            return stored


def _keep(conn: Connection, table: Table, key: dict[str, Any], texts: dict[str, str], **more: Any) -> None:
    """A row beside the report, where there is anything to keep."""
    if given := {name: value for name, value in texts.items() if value}:
        conn.execute(insert(table).values(**key, **given, **more))


def _check(sent: NewRequest) -> None:
    for name, longest in LONGEST.items():
        value = getattr(sent, name)
        if len(value) > longest:
            raise ParameterError(name, f"has {len(value)} characters; at most {longest} are right")
        if "\0" in value:
            raise ParameterError(name, "holds a null character")
    if not sent.service_code:
        raise ParameterError("service_code", "was not provided; GET services lists all")
    if bool(sent.lat) != bool(sent.long):
        missing = "long" if sent.lat else "lat"
        raise ParameterError(missing, "was not provided; lat and long go together")
    if not (sent.lat or sent.address_string or sent.address_id):
        raise ParameterError("lat", "was not provided, nor address_string or address_id: say where it is")
    for name, most in (("lat", 90), ("long", 180)):
        value = getattr(sent, name)
        if value and not (NUMBER.fullmatch(value) and abs(float(value)) <= most):
            raise ParameterError(name, f"{value!r} is no number of degrees from -{most} to {most} (WGS 84)")
    if sent.media_url and not LINK.fullmatch(sent.media_url):
        raise ParameterError("media_url", f"{sent.media_url[:80]!r} is no address that begins with http:// or https://")


def _need_near(lat: float, lon: float, bounds: Bounds | None) -> None:
    """Refuse what lies in another part of the world: outside all cells is possible, but not that far."""
    if bounds is None:
        return
    west, south, east, north = bounds

    def near(x: float, y: float) -> bool:
        return west - NEAR_DEG <= x <= east + NEAR_DEG and south - NEAR_DEG <= y <= north + NEAR_DEG

    if not near(lon, lat):
        city = f"{south:.2f}, {west:.2f} to {north:.2f}, {east:.2f}"
        hint = "; lat and long are swapped" if near(lat, lon) else ""
        raise ParameterError("lat", f"{lat:g}, {lon:g} lies far outside the city, which is from {city}{hint}")
