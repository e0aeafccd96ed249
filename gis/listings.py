"""Listed supervision 挂牌督办: proposing and listing places, moving them, and what the calendar does (clause 9).

A command locks the listing's row, replays its history, asks the rule, appends the event and stores what the rule gives.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
import shapely
from sqlalchemy import Connection, func, insert, select

from gis.case_store import checked_time
from gis.city import City, read_city
from gis.encoding import to_json
from gis.errors import Conflict, ParameterError
from gis.geometry.datum import metric_transformer
from gis.listing_store import (
    LAYER,
    Place,
    Report,
    day_of,
    happen,
    holder_at,
    locked,
    own_the_list,
    store_place,
)
from gis.policies import city_policy
from gis.problem_weights import problem_weights
from gis.rules.periods import Period
from gis.rules.supervision import CREATING, DUE, MOVES, Move, Supervision, due_move
from gis.rules.worst import rule_text
from gis.store.database import bump_version, sql
from gis.store.schema_listings import listing_proposals, listings
from gis.worst import Worst, worst
from gis.worst_spots import ground_within

CALENDAR = "finegrid"
"""Who did what the calendar does by itself."""


@dataclass(frozen=True)
class Proposal:
    """What proposing a period came to.

    Parameters
    ----------
    ids
        Listings of the proposal, worst first, segments before spots.
    known
        It was proposed before; nothing was changed.
    same_facts
        Whether the facts of today give the same digests as were stored.
    """

    period: Period
    ids: list[int]
    known: bool
    same_facts: bool
    proposed_at: datetime


def ten_days(period: Period) -> Period:
    """The period itself.

    Raises
    ------
    ParameterError
        It is a month.
    """
    if "T" not in period.name:
        right = f"{period.name}-T1, -T2 or -T3"
        raise ParameterError("period", f"the worst are listed each ten-day period: {right}, not {period.name}")
    return period


def propose(conn: Connection, period: Period, actor: str, at: datetime) -> Proposal:
    """Store the worst places of a period as proposals; again, it changes nothing.

    A place that is open on the list already is named, and not proposed a second time.

    Raises
    ------
    ParameterError
        The period is a month, or `actor` is nobody.
    Conflict
        The period is not over.
    """
    ten_days(period)
    own_the_list(conn)
    city = read_city(conn)
    known = conn.execute(select(listing_proposals).where(listing_proposals.c.period == period.name)).first()
    found = worst(conn, period)
    if known is not None:
        ids = list(conn.execute(_of_proposal(period)).scalars())
        same = found.digests == (known.segment_facts_sha256, known.spot_facts_sha256)
        return Proposal(period, ids, True, same, known.proposed_at)
    day = day_of(city, at)
    if day < period.after:
        msg = f"{period.name} is over at the end of {period.after - timedelta(days=1)}; before, reports are missing"
        raise Conflict(msg)
    move = Move("propose", actor, at, day)
    named = [*found.segments, *found.spots]
    conn.execute(
        insert(listing_proposals).values(
            period=period.name,
            first_day=period.first,
            proposed_at=at,
            actor=actor.strip(),
            policy_effective=found.policy.effective,
            rule=rule_text(found.policy),
            segment_facts_sha256=found.digests[0],
            spot_facts_sha256=found.digests[1],
            named=orjson.loads(to_json(named)),
        )
    )
    places = [*_segment_places(conn, found), *_spot_places(conn, found)]
    ids = [store_place(conn, place, move) for place in places]
    bump_version(conn, LAYER)
    return Proposal(period, ids, False, True, at)


def _of_proposal(period: Period) -> Any:
    chosen = select(listings.c.id).where(listings.c.proposal == period.name)
    return chosen.order_by(listings.c.kind, listings.c.rank)


def _segment_places(conn: Connection, found: Worst) -> Iterable[Place]:
    rows = [row for row in found.segments if row["listing"] is None]
    ids = [row["segment_id"] for row in rows]
    grounds = segment_grounds(conn, ids, found.policy.segment_reach_m)
    weights = problem_weights(conn, found.policy)
    members: dict[int, list[Report]] = {one: [] for one in ids}
    asked = {"ids": ids, "from_day": found.period.first, "to_day": found.period.after}
    for one in conn.execute(sql("reports_of_segments"), asked):
        if weights.units[one.category_id, one.source_id] and not one.shared:
            members[one.place].append((one.source_id, one.source_ref))
    for row in rows:
        yield _place(found, row, grounds[row["segment_id"]], members[row["segment_id"]])


def _spot_places(conn: Connection, found: Worst) -> Iterable[Place]:
    fresh = [(row, spot) for row, spot in zip(found.spots, found.found, strict=True) if row["listing"] is None]
    weights = problem_weights(conn, found.policy)
    asked = {
        "places": [at for at, (_, spot) in enumerate(fresh) for _ in spot.lons],
        "lons": [lon for _, spot in fresh for lon in spot.lons.tolist()],
        "lats": [lat for _, spot in fresh for lat in spot.lats.tolist()],
        "from_day": found.period.first,
        "to_day": found.period.after,
    }
    members: list[list[Report]] = [[] for _ in fresh]
    for one in conn.execute(sql("reports_of_positions"), asked):
        if weights.units[one.category_id, one.source_id]:
            members[one.place].append((one.source_id, one.source_ref))
    for (row, spot), reports in zip(fresh, members, strict=True):
        yield _place(found, row, spot.ground, reports)


def _place(found: Worst, row: dict[str, Any], ground: shapely.MultiPolygon, members: list[Report]) -> Place:
    return Place(
        kind=row["kind"],
        period=found.period,
        policy=found.policy,
        name=row["name"] or "",
        street_id=row["street_id"],
        lon=row["lon"],
        lat=row["lat"],
        ground=ground,
        reports=row["reports"],
        shared_reports=row["shared_reports"],
        weighted=row["weighted"],
        score=row["score"],
        terms=row["terms"],
        members=members,
        segment_id=row.get("segment_id"),
        length_m=row["length_m"],
        proposal=found.period.name,
        rank=row["rank"],
    )


def segment_grounds(conn: Connection, ids: list[int], reach_m: float) -> dict[int, shapely.MultiPolygon]:
    """Ground within reach of road segments, by id: WGS 84."""
    to_metric = metric_transformer(read_city(conn).metric_crs)
    return {
        row.id: ground_within(shapely.from_wkb(bytes(row.line)), reach_m, to_metric)
        for row in conn.execute(sql("metric_lines"), {"ids": ids})
    }


def publish(conn: Connection, period: Period, actor: str, at: datetime) -> list[int]:
    """List every place that a period's proposal left proposed; answers their ids.

    Raises
    ------
    Conflict
        The period was not proposed yet.
    """
    ten_days(period)
    if (
        conn.execute(select(listing_proposals.c.period).where(listing_proposals.c.period == period.name)).first()
        is None
    ):
        msg = f"{period.name} was not proposed yet: finegrid listings propose {period.name}"
        raise Conflict(msg)
    waiting = list(conn.execute(_of_proposal(period).where(listings.c.state == "proposed")).scalars())
    for listing_id in waiting:
        _happen(conn, read_city(conn), listing_id, "list", actor, at)
    if waiting:
        bump_version(conn, LAYER)
    return waiting


def record(
    conn: Connection,
    listing_id: int,
    move: str,
    actor: str,
    now: datetime,
    at: datetime | None = None,
    reason: str | None = None,
    expected: int | None = None,
) -> Supervision:
    """Let a move happen to a listing.

    Parameters
    ----------
    now
        The clock, aware.
    at
        When it happened; None: now.
    expected
        How many events the sender knows of; None: whatever came between.

    Raises
    ------
    NotFound
        There is no such listing.
    ParameterError
        The move is incomplete or lies in the future.
    Conflict
        The move is not legal, or the listing has moved on since the sender looked.
    """
    if move not in MOVES or move in CREATING:
        names = ", ".join(name for name in MOVES if name not in CREATING)
        raise ParameterError("move", f"{move[:40]!r} is none of {names}")
    after = _happen(conn, read_city(conn), listing_id, move, actor, checked_time("at", at, now), reason, expected)
    bump_version(conn, LAYER)
    return after


def _happen(
    conn: Connection,
    city: City,
    listing_id: int,
    move: str,
    actor: str,
    at: datetime,
    reason: str | None = None,
    expected: int | None = None,
) -> Supervision:
    row, now = locked(conn, listing_id)
    if expected is not None and expected != now.version:
        msg = f"listing {listing_id} has {now.version} events by now, not {expected}: read it again before you decide"
        raise Conflict(msg)
    day = day_of(city, at)
    more: dict[str, Any] = {}
    problems = 0
    if move in ("put_back", "delist"):
        problems = new_problems(conn, city, at, listing_id).get(listing_id, (0, ""))[0]
    elif move == "list":
        at_place = select(func.ST_X(listings.c.geom), func.ST_Y(listings.c.geom)).where(listings.c.id == listing_id)
        lon, lat = conn.execute(at_place).one()
        more["person_id"] = holder_at(conn, lon, lat, row.street_id, at)
    return happen(conn, listing_id, now, Move(move, actor, at, day, reason, problems), **more)


def new_problems(
    conn: Connection, city: City, at: datetime, listing_id: int | None = None
) -> dict[int, tuple[int, str]]:
    """New problems of its kind at each verified place, in its hold, up to an instant.

    Returns
    -------
    dict
        Listing -> how many, and the first one as source:number; places without a new one are left out.
    """
    held = select(func.min(listings.c.verified_at), func.max(listings.c.hold_until)).where(
        listings.c.state == "verified", *([] if listing_id is None else [listings.c.id == listing_id])
    )
    since, until = conn.execute(held).one()
    if since is None:
        return {}
    weights = problem_weights(conn, city_policy(conn, day_of(city, at)))
    asked = {
        "listing_id": listing_id,
        "until": at,
        "from_day": day_of(city, since),
        "to_day": min(until, day_of(city, at)),
        "categories": weights.categories,
        "sources": weights.sources,
    }
    return {
        row.listing_id: (row.problems, f"{row.source}:{row.source_ref}")
        for row in conn.execute(sql("new_problems"), asked)
    }


def tick(conn: Connection, at: datetime) -> list[dict[str, Any]]:
    """Do what the calendar does by itself: note passed deadlines, put back or delist after the hold.

    Again at the same instant, it does nothing. A listing with an event after `at` is passed over.

    Returns
    -------
    list
        What happened: id, move, state.
    """
    city = read_city(conn)
    day = day_of(city, at)
    waiting = select(listings.c.id).where(listings.c.state.in_([*DUE, "verified"]), listings.c.at <= at)
    ids = list(conn.execute(waiting.order_by(listings.c.id)).scalars())
    problems = new_problems(conn, city, at)
    done = []
    for listing_id in ids:
        _, now = locked(conn, listing_id)
        if now.at is not None and now.at > at:
            continue  # somebody moved it meanwhile
        count, first = problems.get(listing_id, (0, ""))
        move = due_move(now, day, count)
        if move is None:
            continue
        reason = {
            "escalate": f"the deadline was the end of {now.due_on}",
            "put_back": f"{count} new problems in the hold, the first is {first}",
            "delist": f"no new problem until the end of {now.hold_until}",
        }[move]
        after = happen(conn, listing_id, now, Move(move, CALENDAR, at, day, reason, count))
        done.append({"id": listing_id, "move": move, "state": after.state, "reason": reason})
    if done:
        bump_version(conn, LAYER)
    return done
