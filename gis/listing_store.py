"""What commands on a listing share: its row locked, its history replayed, the rule asked, event and state stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import shapely
from geoalchemy2.shape import from_shape
from sqlalchemy import Connection, Row, insert, select, text, update

from gis.city import City
from gis.errors import NotFound, ParameterError
from gis.instants import FIRST_DAY
from gis.policies import city_policy, policy_by_day
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.rules.supervision import Move, Supervision, decide, replay
from gis.store.database import sql
from gis.store.schema_listings import listing_events, listing_reports, listings

LAYER = "listings"
LISTING_LOCK = 7_094_004
"""Advisory lock: one transaction at a time puts places on the list, so that none is put on it twice."""
Report = tuple[int, str]


@dataclass(frozen=True)
class Place:
    """A place before it is stored as a listing; fields as the columns of `listings`.

    Parameters
    ----------
    lon, lat
        WGS 84 degrees.
    members
        (source_id, source_ref) of the reports that it stands for.
    """

    kind: str
    period: Period
    policy: Policy
    name: str
    street_id: int | None
    lon: float
    lat: float
    ground: shapely.MultiPolygon
    reports: int
    shared_reports: int
    weighted: Decimal
    score: Decimal
    terms: list[dict[str, Any]]
    members: list[Report]
    segment_id: int | None = None
    length_m: Decimal | None = None
    proposal: str | None = None
    rank: int | None = None
    person_id: int | None = None


def own_the_list(conn: Connection) -> None:
    """Be the only one who puts places on the list until this transaction ends."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": LISTING_LOCK})


def store_place(conn: Connection, place: Place, move: Move) -> int:
    """Store a place with its first event; answers its id."""
    after = decide(Supervision(), move, city_policy(conn, move.day))
    values = {
        "kind": place.kind,
        "period": place.period.name,
        "first_day": place.period.first,
        "proposal": place.proposal,
        "rank": place.rank,
        "segment_id": place.segment_id,
        "street_id": place.street_id,
        "person_id": place.person_id,
        "name": place.name,
        "geom": from_shape(shapely.Point(place.lon, place.lat), 4326),
        "ground": from_shape(place.ground, 4326),
        "reports": place.reports,
        "shared_reports": place.shared_reports,
        "weighted": place.weighted,
        "length_m": place.length_m,
        "score": place.score,
        "terms": place.terms,
        "policy_effective": place.policy.effective,
    }
    listing_id = int(
        conn.execute(insert(listings).values(values | stored(after)).returning(listings.c.id)).scalar_one()
    )
    _append(conn, listing_id, after, move)
    if place.members:
        rows = [{"listing_id": listing_id, "source_id": one, "source_ref": ref} for one, ref in place.members]
        conn.execute(insert(listing_reports), rows)
    return listing_id


def stored(after: Supervision) -> dict[str, Any]:
    """What the rule knows of a listing, as columns."""
    # Days after the present deadline are counted when they are asked for; those after earlier ones are over.
    return {
        "state": after.state,
        "version": after.version,
        "at": after.at,
        "listed_on": after.listed_on,
        "due_on": after.due_on,
        "submitted_on": after.submitted_on,
        "verified_at": after.verified_at,
        "hold_until": after.hold_until,
        "rectifiers": list(after.rectifiers),
        "verifier": after.verifier,
        "late_before": sum((last - first).days + 1 for first, last in after.late),
        "escalated": after.escalated,
    }


def locked(conn: Connection, listing_id: int) -> tuple[Row[Any], Supervision]:
    """A listing, nobody else's until this transaction ends, and what its history gives.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    row = conn.execute(select(listings).where(listings.c.id == listing_id).with_for_update()).first()
    if row is None:
        raise NotFound(no_such_listing(listing_id))
    return row, supervision_of(conn, listing_id)


def no_such_listing(listing_id: int) -> str:
    """What to say where a number leads nowhere."""
    return f"there is no listing {listing_id}; GET /listings lists them"


def supervision_of(conn: Connection, listing_id: int) -> Supervision:
    """What replaying a listing's history gives."""
    return replay(moves_of(conn, listing_id), policy_by_day(conn))


def moves_of(conn: Connection, listing_id: int) -> list[Move]:
    """A listing's history as the rule reads it."""
    rows = conn.execute(
        select(listing_events).where(listing_events.c.listing_id == listing_id).order_by(listing_events.c.number)
    )
    return [Move(row.move, row.actor, row.at, row.day, row.reason, row.problems) for row in rows]


def happen(conn: Connection, listing_id: int, now: Supervision, move: Move, **more: Any) -> Supervision:
    """Store what a move makes of a listing, and the move itself.

    Parameters
    ----------
    more
        Further columns of `listings` that the move sets.

    Raises
    ------
    Conflict, ParameterError
        The rule forbids it.
    """
    after = decide(now, move, city_policy(conn, move.day))
    conn.execute(update(listings).where(listings.c.id == listing_id).values(stored(after) | more))
    _append(conn, listing_id, after, move)
    return after


def _append(conn: Connection, listing_id: int, after: Supervision, move: Move) -> None:
    conn.execute(
        insert(listing_events).values(
            listing_id=listing_id,
            number=after.version,
            move=move.move,
            state=after.state,
            at=move.at,
            day=move.day,
            actor=move.actor.strip(),
            reason=move.reason,
            problems=move.problems,
            due_on=after.due_on,
        )
    )


def holder_at(conn: Connection, lon: float, lat: float, street_id: int | None, at: datetime) -> int | None:
    """Who answers for a place at an instant: id of the person, or None."""
    asked = {"lon": lon, "lat": lat, "street_id": street_id, "at": at}
    return conn.execute(sql("holder_of_place"), asked).scalar()


def day_of(city: City, at: datetime) -> date:
    """The city's day of an instant.

    Raises
    ------
    ParameterError
        Its year is none that anything here happened in.
    """
    if at.date() < FIRST_DAY:
        msg = f"{at.isoformat()} is no time at which anything here can have happened"
        raise ParameterError("at", msg)
    return at.astimezone(city.zone).date()
