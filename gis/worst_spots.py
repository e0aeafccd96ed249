"""Worst spots: density clusters of reports in metres (clause 9)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray
from pyproj.enums import TransformDirection
from sqlalchemy import Connection, select

from gis.geometry.clusters import spots
from gis.geometry.neighbours import NOISE
from gis.problem_weights import ProblemWeights, weighted
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.store.copying import copy_out_fields
from gis.store.database import sql
from gis.store.schema import shared_positions

PACKED = np.dtype([("lon", ">f8"), ("lat", ">f8"), ("category_id", ">i2"), ("source_id", ">i2")])
DECIMALS = 7
"""Of degrees in drawn ground: a centimetre, as answers have it."""
QUARTER_SIDES = 8
"""Sides of a quarter circle where ground within reach is drawn."""
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class WorstSpot:
    """A cluster with its score.

    Parameters
    ----------
    lon, lat, x, y
        The report nearest to the middle of all: WGS 84 degrees, and metres in the city's metric CRS.
    width_m
        Across the smallest circle that holds its reports.
    weighted
        Weighted problems; by it spots are ranked.
    lons, lats
        Positions of its reports, each once.
    ground
        Within reach of one of its reports: MultiPolygon in WGS 84.
    """

    rank: int
    lon: float
    lat: float
    x: float
    y: float
    reports: int
    width_m: float
    weighted: Decimal
    terms: list[dict[str, Any]]
    lons: Floats
    lats: Floats
    ground: shapely.MultiPolygon


@dataclass(frozen=True)
class SharedSpot:
    """A coordinate that suspiciously many reports share: shown, never proposed."""

    lon: float
    lat: float
    reports: int
    weighted: Decimal
    terms: list[dict[str, Any]]


@dataclass(frozen=True)
class SpotFacts:
    """A period's reports that count: WGS 84 degrees, metres, number of the kind, weight in ten-thousandths."""

    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    kind: Whole
    units: Whole
    shared: NDArray[np.bool_]
    """Whether its coordinate is flagged as shared by too many."""

    def sha256(self) -> str:
        """Digest of what spots are made of: lon, lat, weight, flag of each report, in this order of importance."""
        order = np.lexsort((self.shared, self.units, self.lat, self.lon))
        rows = np.empty(len(order), [("lon", ">f8"), ("lat", ">f8"), ("units", ">i8"), ("shared", "u1")])
        for name in rows.dtype.names or ():
            rows[name] = getattr(self, name)[order]
        return hashlib.sha256(rows.tobytes()).hexdigest()


def spot_facts(conn: Connection, period: Period, weights: ProblemWeights, to_metric: pyproj.Transformer) -> SpotFacts:
    """Read where a period's reports stand."""
    asked = {"from_day": period.first, "to_day": period.after}
    packed = b"".join(part or b"" for (part,) in copy_out_fields(conn, sql("report_positions"), asked))
    rows = np.frombuffer(packed, PACKED)
    place = rows["category_id"], rows["source_id"]
    counted = weights.units[place] > 0
    rows = rows[counted]
    place = rows["category_id"], rows["source_id"]
    lon, lat = rows["lon"].astype(np.float64), rows["lat"].astype(np.float64)
    x, y = to_metric.transform(lon, lat)
    flagged = conn.execute(select(shared_positions.c.lon, shared_positions.c.lat)).all()
    shared = np.zeros(len(lon), bool)
    if flagged:
        # A complex number is both coordinates in one value, exactly.
        shared = np.isin(lon + 1j * lat, np.array([complex(*place) for place in flagged]))
    return SpotFacts(lon, lat, np.asarray(x), np.asarray(y), weights.kind[place], weights.units[place], shared)


def worst_spots(
    facts: SpotFacts, weights: ProblemWeights, to_metric: pyproj.Transformer, policy: Policy
) -> list[WorstSpot]:
    """The spots with most weighted problems; ties: more reports, then lower x, then lower y of the lowest report."""
    open_air = np.flatnonzero(~facts.shared)
    labels = spots(facts.x[open_air], facts.y[open_air], policy.spot_reach_m, policy.spot_reports, policy.spot_width_m)
    inside = labels != NOISE
    reports = np.bincount(labels[inside])
    units = np.bincount(labels[inside], facts.units[open_air[inside]], len(reports)).astype(np.int64)
    order = np.lexsort((np.arange(len(reports)), -reports, -units))[: policy.listing_count]
    return [
        _spot(rank, facts, open_air[labels == label], weights, to_metric, policy)
        for rank, label in enumerate(order.tolist(), 1)
    ]


def _spot(
    rank: int,
    facts: SpotFacts,
    members: Whole,
    weights: ProblemWeights,
    to_metric: pyproj.Transformer,
    policy: Policy,
) -> WorstSpot:
    members = members[np.lexsort((facts.y[members], facts.x[members]))]
    x, y = facts.x[members], facts.y[members]
    middle = int(np.argmin((x - x.mean()) ** 2 + (y - y.mean()) ** 2))
    points = shapely.multipoints(np.column_stack([x, y]))
    places = np.unique(np.column_stack([facts.lon[members], facts.lat[members]]), axis=0)
    return WorstSpot(
        rank,
        float(facts.lon[members[middle]]),
        float(facts.lat[members[middle]]),
        float(x[middle]),
        float(y[middle]),
        len(members),
        round(2 * float(shapely.minimum_bounding_radius(points)), 1),
        weighted(facts.units[members].sum()),
        _terms(facts.kind[members], weights, policy),
        places[:, 0],
        places[:, 1],
        ground_within(points, policy.spot_reach_m, to_metric),
    )


def ground_within(shape: shapely.Geometry, reach_m: float, to_metric: pyproj.Transformer) -> shapely.MultiPolygon:
    """Everything within reach of a shape in metres, as a MultiPolygon in WGS 84, to a centimetre."""
    round_about = shapely.buffer(shape, reach_m, quad_segs=QUARTER_SIDES)

    def to_degrees(at: Floats) -> Floats:
        lon, lat = to_metric.transform(at[:, 0], at[:, 1], direction=TransformDirection.INVERSE)
        return np.column_stack([lon, lat]).round(DECIMALS)

    return shapely.MultiPolygon(shapely.get_parts(shapely.transform(round_about, to_degrees)).tolist())


def shared_spots(facts: SpotFacts, weights: ProblemWeights, policy: Policy) -> list[SharedSpot]:
    """Flagged coordinates that would be spots by the number of their reports, most weighted problems first."""
    flagged = np.flatnonzero(facts.shared)
    places, which = np.unique(facts.lon[flagged] + 1j * facts.lat[flagged], return_inverse=True)
    found = []
    for number, place in enumerate(places.tolist()):
        members = flagged[which == number]
        if len(members) >= policy.spot_reports:
            total = weighted(facts.units[members].sum())
            terms = _terms(facts.kind[members], weights, policy)
            found.append(SharedSpot(place.real, place.imag, len(members), total, terms))
    return sorted(found, key=lambda one: (-one.weighted, -one.reports, one.lon, one.lat))[: policy.listing_count]


def _terms(kinds: Whole, weights: ProblemWeights, policy: Policy) -> list[dict[str, Any]]:
    return weights.terms(dict(enumerate(np.bincount(kinds).tolist())), policy)
