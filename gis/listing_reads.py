"""Reading the list of places under supervision 挂牌督办, whole or one with its history (clause 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection, select

from gis.errors import NotFound, ParameterError
from gis.listing_store import moves_of, no_such_listing, stored, supervision_of
from gis.operations import Inside
from gis.policies import city_policy, policy_by_day
from gis.problem_weights import worked_out
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.rules.supervision import STATES, UNDER_SUPERVISION, legal_moves, overdue_days_within, overdue_points, replay
from gis.store.copying import copy_out_fields
from gis.store.database import sql
from gis.store.schema import areas
from gis.store.schema_listings import KINDS, listing_events, listing_proposals, listings

OPEN = "open"
"""Stands for all states in which a place is on the public list."""
MOST_REPORTS = 1000
"""Reports of one listing that are shown; their number says whether there are more."""
COLUMNS = (
    "id",
    "kind",
    "period",
    "rank",
    "code",
    "name",
    "street_code",
    "street_name",
    "responsible",
    "state",
    "reports",
    "shared_reports",
    "weighted",
    "length_m",
    "score",
    "listed_on",
    "due_on",
    "submitted_on",
    "hold_until",
    "days_left",
    "overdue_days",
    "overdue_points",
    "escalated",
    "events",
    "lon",
    "lat",
)
ANY = dict.fromkeys(("listing_id", "states", "from_day", "to_day", "kind", "street")) | {
    "operation": None,
    "first_day": None,
    "day_after": None,
    "from_at": None,
}


@dataclass(frozen=True)
class ListingQuery:
    """Which listings.

    Parameters
    ----------
    state
        One of the states, or `open` for all in which a place is on the public list; None: any.
    period
        Ten-day period whose reports they stand for, or the month that holds it; None: any.
    kind
        segment or spot; None: both.
    street
        Code of a street or of a district; None: anywhere.
    operation
        Only places inside a special operation that were on the list, or proposed, at some time of it.
    """

    state: str | None = None
    period: Period | None = None
    kind: str | None = None
    street: str | None = None
    operation: Inside | None = None


def list_listings(conn: Connection, query: ListingQuery, today: date) -> list[dict[str, Any]]:
    """Listings with COLUMNS, newest period first, segments before spots, worst first.

    Parameters
    ----------
    today
        Day of the city for which deadlines are counted.

    Raises
    ------
    ParameterError
        There is no such state, kind or area.
    """
    states = _states(query.state)
    if query.kind is not None and query.kind not in KINDS:
        msg = f"{query.kind[:40]!r} is none of {', '.join(KINDS)}"
        raise ParameterError("kind", msg)
    if query.street is not None and not conn.execute(select(areas.c.id).where(areas.c.code == query.street)).first():
        msg = f"there is no street or district {query.street[:40]!r}; GET /areas lists them"
        raise ParameterError("street", msg)
    asked = ANY | {
        "states": states,
        "from_day": query.period and query.period.first,
        "to_day": query.period and query.period.after,
        "kind": query.kind,
        "street": query.street,
        "today": today,
    }
    if query.operation is not None:
        within = query.operation
        asked |= {"operation": within.operation.id, "from_at": within.from_at}
        asked |= {"first_day": within.from_day, "day_after": within.to_day}
    policy = city_policy(conn, today)
    return [_row(dict(row), policy) for row in conn.execute(sql("listings_page"), asked).mappings()]


def _states(state: str | None) -> list[str] | None:
    if state is None:
        return None
    if state == OPEN:
        return list(UNDER_SUPERVISION)
    if state not in STATES:
        msg = f"{state[:40]!r} is none of {', '.join((OPEN, *STATES))}"
        raise ParameterError("state", msg)
    return [state]


def _row(row: dict[str, Any], policy: Policy) -> dict[str, Any]:
    days = row["overdue_days"] = row["overdue_days"] or 0
    row["overdue_points"] = overdue_points(days, policy)
    return {name: row[name] for name in COLUMNS}


def read_listing(conn: Connection, listing_id: int, today: date) -> dict[str, Any]:
    """One listing with its score worked out, the rule, the reports it stands for, what may happen next, its history.

    Raises
    ------
    NotFound
        There is none of this number.
    """
    row = conn.execute(sql("listings_page"), ANY | {"listing_id": listing_id, "today": today}).mappings().first()
    if row is None:
        raise NotFound(no_such_listing(listing_id))
    more = conn.execute(
        select(listings.c.terms, listings.c.policy_effective, listings.c.proposal).where(listings.c.id == listing_id)
    ).one()
    proposal = conn.execute(select(listing_proposals).where(listing_proposals.c.period == more.proposal)).first()
    asked = {"listing_id": listing_id, "row_limit": MOST_REPORTS}
    history = conn.execute(
        select(listing_events).where(listing_events.c.listing_id == listing_id).order_by(listing_events.c.number)
    )
    return {
        **_row(dict(row), city_policy(conn, today)),
        "worked_out": worked_out(more.terms, row["weighted"], row["length_m"], row["score"]),
        "terms": more.terms,
        "policy_effective": more.policy_effective,
        "proposal": proposal
        and {
            "proposed_at": proposal.proposed_at,
            "rule": proposal.rule,
            "segment_facts_sha256": proposal.segment_facts_sha256,
            "spot_facts_sha256": proposal.spot_facts_sha256,
        },
        "reports_shown": [dict(one) for one in conn.execute(sql("reports_of_listing"), asked).mappings()],
        "legal_moves": legal_moves(supervision_of(conn, listing_id)),
        "history": [
            {
                "number": one.number,
                "move": one.move,
                "state": one.state,
                "at": one.at,
                "actor": one.actor,
                "reason": one.reason,
                "problems": one.problems,
                "due_on": one.due_on,
            }
            for one in history
        ],
    }


def listing_shapes(conn: Connection, ids: list[int]) -> dict[int, bytes]:
    """GeoJSON text by id: the line of a segment, the ground of a spot."""
    found = copy_out_fields(conn, sql("geojson_of_listings"), {"ids": ids})
    return {int.from_bytes(one or b"", "big"): bytes(shape or b"null") for one, shape in found}


def overdue_in(conn: Connection, period: Period, today: date) -> list[dict[str, Any]]:
    """What overdue listings cost streets in a period: for whoever adds up deductions.

    Parameters
    ----------
    period
        Days after the deadline that lie in it count; periods that join add up to the whole.
    today
        Last day that counts.

    Returns
    -------
    list
        id, street_id (None: no street has the place), overdue_days, points (by the policy of the period's first day);
        only listings with at least one such day, in the order of their ids.
    """
    policies = policy_by_day(conn)
    policy = policies(period.first)
    chosen = select(listings.c.id, listings.c.street_id).where(listings.c.due_on.is_not(None))
    rows = []
    for listing in conn.execute(chosen.order_by(listings.c.id)).all():
        now = replay(moves_of(conn, listing.id), policies)
        days = overdue_days_within(now, period.first, period.after, today)
        if days:
            points = overdue_points(days, policy)
            rows.append({"id": listing.id, "street_id": listing.street_id, "overdue_days": days, "points": points})
    return rows


def replayed(conn: Connection, listing_id: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """A listing as it is stored, and as replaying its history gives it: they must be the same.

    Raises
    ------
    NotFound
        There is none.
    """
    again = stored(supervision_of(conn, listing_id))
    row = (
        conn.execute(select(*(listings.c[name] for name in again)).where(listings.c.id == listing_id))
        .mappings()
        .first()
    )
    if row is None:
        raise NotFound(no_such_listing(listing_id))
    return dict(row), again
