"""Listing a place by hand, whatever the rule says of it: a road segment, or a spot at a coordinate (clause 9)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from math import cos, radians
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection, Row, select

from gis.case_store import checked_time
from gis.city import City, read_city
from gis.errors import Conflict, ParameterError
from gis.geometry.datum import metric_transformer, parse_crs, to_wgs84
from gis.listing_store import LAYER, Place, day_of, holder_at, own_the_list, store_place
from gis.listings import segment_grounds, ten_days
from gis.policies import city_policy
from gis.problem_weights import UNITS, ProblemWeights, problem_weights, weighted
from gis.rules.periods import Period, ten_day_period
from gis.rules.policy import Policy
from gis.rules.supervision import Move
from gis.store.database import bump_version, sql
from gis.store.schema import road_segments
from gis.worst import places_of_spots
from gis.worst_segments import segment_score
from gis.worst_spots import ground_within

DEGREE_M = 100_000
"""Metres, less than a degree of latitude has: for a first choice by a box."""


@dataclass(frozen=True)
class HandMade:
    """A place as somebody names it, nothing checked yet.

    Parameters
    ----------
    segment
        Code of a live road segment; None: a spot.
    lon, lat, datum
        Of a spot, and what they mean: wgs84, cgcs2000, gcj02, bd09 or an EPSG code.
    period
        Whose reports it stands for; None: the ten-day period of `at`.
    at
        When it was listed; None: now.
    """

    actor: str
    reason: str
    segment: str | None = None
    lon: float | None = None
    lat: float | None = None
    datum: str | None = None
    period: Period | None = None
    at: datetime | None = None


def list_by_hand(conn: Connection, named: HandMade, now: datetime) -> int:
    """Put a place on the list; answers its id.

    It stands for the reports of its period there, which may be none.

    Parameters
    ----------
    now
        The clock, aware.

    Raises
    ------
    ParameterError
        There is no such segment, or the coordinate lies outside the city.
    Conflict
        The place is on the list already.
    """
    city = read_city(conn)
    at = checked_time("at", named.at, now)
    if not named.reason.strip():
        msg = "say why; a place that no rule names needs a reason"
        raise ParameterError("reason", msg)
    day = day_of(city, at)
    period = ten_days(named.period or ten_day_period(day))
    policy = city_policy(conn, period.first)
    own_the_list(conn)
    place = (
        _segment(conn, named, period, policy) if named.segment is not None else _spot(conn, city, named, period, policy)
    )
    holder = holder_at(conn, place.lon, place.lat, place.street_id, at)
    move = Move("list", named.actor, at, day, named.reason)
    listing_id = store_place(conn, replace(place, person_id=holder), move)
    bump_version(conn, LAYER)
    return listing_id


def _segment(conn: Connection, named: HandMade, period: Period, policy: Policy) -> Place:
    if named.lon is not None or named.lat is not None:
        msg = "is one or the other: a segment by its code, or a spot by lon, lat and datum"
        raise ParameterError("segment", msg)
    live = (road_segments.c.code == named.segment) & road_segments.c.retired_at.is_(None)
    found = conn.execute(select(road_segments.c.id).where(live)).scalar()
    if found is None:
        msg = f"there is no road segment {named.segment!r}; GET /collections/roads/items lists them"
        raise ParameterError("segment", msg)
    row = conn.execute(sql("places_of_segments"), {"ids": [found]}).one()
    _refuse_open(row.listing)
    asked = {"ids": [found], "from_day": period.first, "to_day": period.after}
    weights = problem_weights(conn, policy)
    counted = _counted(list(conn.execute(sql("reports_of_segments"), asked)), weights, policy)
    # A line so short that it has no length to the millimetre cannot be divided by.
    score = segment_score(int(counted["weighted"] * UNITS), row.length_m) if row.length_m else Decimal(0)
    return Place(
        kind="segment",
        period=period,
        policy=policy,
        name=row.name,
        street_id=row.street_id,
        lon=row.lon,
        lat=row.lat,
        ground=segment_grounds(conn, [found], policy.segment_reach_m)[found],
        score=score,
        segment_id=found,
        length_m=row.length_m,
        **counted,
    )


def _spot(conn: Connection, city: City, named: HandMade, period: Period, policy: Policy) -> Place:
    lon, lat = _position(named)
    to_metric = metric_transformer(city.metric_crs)
    x, y = to_metric.transform(lon, lat)
    outside = f"{lon:.6f}, {lat:.6f} (WGS 84) lies in no street or district of {city.name_en}"
    if not (np.isfinite(x) and np.isfinite(y)):
        raise ParameterError("lon", outside)
    (place,) = places_of_spots(conn, [(lon, lat, x, y)], policy)
    if place["street_id"] is None:
        raise ParameterError("lon", outside)
    _refuse_open(place["listing"])
    high = policy.spot_reach_m / DEGREE_M
    wide = high / max(cos(radians(lat)), 0.01)
    asked = {"west": lon - wide, "south": lat - high, "east": lon + wide, "north": lat + high}
    days = {"from_day": period.first, "to_day": period.after}
    near = []
    for row in conn.execute(sql("reports_in_box"), asked | days):
        other = to_metric.transform(row.lon, row.lat)
        if np.hypot(other[0] - x, other[1] - y) <= policy.spot_reach_m:
            near.append((row, other))
    weights = problem_weights(conn, policy)
    counted = _counted([row for row, _ in near], weights, policy)
    members = set(counted["members"])
    points = [(x, y), *(at for row, at in near if (row.source_id, row.source_ref) in members)]
    return Place(
        kind="spot",
        period=period,
        policy=policy,
        name=place["name"] or "",
        street_id=place["street_id"],
        lon=lon,
        lat=lat,
        ground=ground_within(shapely.multipoints(points), policy.spot_reach_m, to_metric),
        score=counted["weighted"],
        **counted,
    )


def _position(named: HandMade) -> tuple[float, float]:
    """Longitude and latitude in WGS 84.

    Raises
    ------
    ParameterError
        One is missing.
    """
    if named.lon is None or named.lat is None:
        missing = "lon" if named.lon is None else "lat"
        msg = "is missing; name a place by its segment, or by lon, lat and datum"
        raise ParameterError(missing, msg)
    if named.datum is None:
        msg = "is missing; wgs84, cgcs2000, gcj02 and bd09 are hundreds of metres apart, so it is never guessed"
        raise ParameterError("datum", msg)
    lon, lat = to_wgs84(np.array([named.lon]), np.array([named.lat]), parse_crs(named.datum))
    if not (abs(lon[0]) <= 180 and abs(lat[0]) <= 90):
        msg = f"{named.lon}, {named.lat} are no coordinates in {named.datum}; perhaps lon and lat are swapped"
        raise ParameterError("lat", msg)
    return float(lon[0]), float(lat[0])


def _refuse_open(listing: int | None) -> None:
    if listing is not None:
        msg = f"this place is on the list already, as listing {listing}, or proposed as that one"
        raise Conflict(msg)


def _counted(rows: list[Row[Any]], weights: ProblemWeights, policy: Policy) -> dict[str, Any]:
    """What a place stands for: reports with a weight, those on shared coordinates only counted."""
    worth = [row for row in rows if weights.units[row.category_id, row.source_id]]
    open_air = [row for row in worth if not row.shared]
    kinds: dict[int, int] = {}
    for row in open_air:
        kind = int(weights.kind[row.category_id, row.source_id])
        kinds[kind] = kinds.get(kind, 0) + 1
    return {
        "reports": len(open_air),
        "shared_reports": len(worth) - len(open_air),
        "weighted": weighted(sum(int(weights.units[row.category_id, row.source_id]) for row in open_air)),
        "terms": weights.terms(kinds, policy),
        "members": [(row.source_id, row.source_ref) for row in open_air],
    }
