"""The worst of a period: its worst segments 最差路段 and worst spots 最差点位, by a rule said in words (clause 9)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sqlalchemy import Connection

from gis.city import read_city
from gis.geometry.datum import metric_transformer
from gis.policies import city_policy
from gis.problem_weights import problem_weights, worked_out
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.rules.worst import rule_text
from gis.store.database import sql
from gis.worst_segments import SegmentFacts, WorstSegment, segment_facts, worst_segments
from gis.worst_spots import SharedSpot, SpotFacts, WorstSpot, shared_spots, spot_facts, worst_spots

COLUMNS = (
    "kind",
    "rank",
    "code",
    "name",
    "street_code",
    "street_name",
    "reports",
    "shared_reports",
    "weighted",
    "length_m",
    "width_m",
    "score",
    "lon",
    "lat",
    "listing",
)
NAMED_REACH = 2
"""A spot is called after the nearest named road within so many times its reach."""


@dataclass(frozen=True)
class Worst:
    """What a period names.

    Parameters
    ----------
    segments, spots, shared
        Rows with COLUMNS, `street_id` and `terms`; `shared` are flagged coordinates, which are named apart and never
        proposed. Segments have `segment_id`.
    facts
        What the rows were worked out from.
    """

    period: Period
    policy: Policy
    segments: list[dict[str, Any]]
    spots: list[dict[str, Any]]
    shared: list[dict[str, Any]]
    found: list[WorstSpot]
    facts: tuple[SegmentFacts, SpotFacts]

    @cached_property
    def digests(self) -> tuple[str, str]:
        """SHA-256 of the facts behind segments and spots."""
        return self.facts[0].sha256(), self.facts[1].sha256()

    def rule(self) -> dict[str, Any]:
        """The rule with its numbers, dated."""
        return {"clause": "9", "effective": self.policy.effective, "text": rule_text(self.policy)}

    def rows(self) -> list[dict[str, Any]]:
        """All rows as clients see them: segments, spots, then what stands on shared coordinates."""
        return [
            {**{name: row[name] for name in COLUMNS}, "worked_out": explanation(row)}
            for row in (*self.segments, *self.spots, *self.shared)
        ]


def explanation(row: dict[str, Any]) -> str:
    """A row's score as a sentence."""
    left_out = row["shared_reports"]
    note = f"; {left_out} more on shared coordinates do not count" if left_out and row["kind"] != "shared" else ""
    return worked_out(row["terms"], row["weighted"], row["length_m"], row["score"]) + note


def worst(conn: Connection, period: Period) -> Worst:
    """Work out the worst segments and spots of a period, by the policy of its first day.

    Raises
    ------
    CityError
        The database holds no city yet.
    """
    to_metric = metric_transformer(read_city(conn).metric_crs)
    policy = city_policy(conn, period.first)
    weights = problem_weights(conn, policy)
    by_segment = segment_facts(conn, period, weights)
    by_position = spot_facts(conn, period, weights, to_metric)
    found = worst_spots(by_position, weights, to_metric, policy)
    shared = shared_spots(by_position, weights, policy)
    metres = [to_metric.transform(one.lon, one.lat) for one in shared]
    places = places_of_spots(
        conn,
        [(one.lon, one.lat, one.x, one.y) for one in found]
        + [(one.lon, one.lat, *at) for one, at in zip(shared, metres, strict=True)],
        policy,
    )
    return Worst(
        period,
        policy,
        _segment_rows(conn, worst_segments(by_segment, weights, policy)),
        [_spot_row(one, place) for one, place in zip(found, places, strict=False)],
        [
            _shared_row(at, one, place)
            for at, (one, place) in enumerate(zip(shared, places[len(found) :], strict=True), 1)
        ],
        found,
        (by_segment, by_position),
    )


def _segment_rows(conn: Connection, segments: list[WorstSegment]) -> list[dict[str, Any]]:
    ids = [one.segment_id for one in segments]
    places = {row.id: row for row in conn.execute(sql("places_of_segments"), {"ids": ids})}
    rows = []
    for one in segments:
        place = places[one.segment_id]
        rows.append(
            {
                "kind": "segment",
                "rank": one.rank,
                "segment_id": one.segment_id,
                "code": place.code,
                "name": place.name or None,
                "street_id": place.street_id,
                "street_code": place.street_code,
                "street_name": place.street_name,
                "reports": one.reports,
                "shared_reports": one.shared_reports,
                "weighted": one.weighted,
                "length_m": one.length_m,
                "width_m": None,
                "score": one.score,
                "lon": place.lon,
                "lat": place.lat,
                "listing": place.listing,
                "terms": one.terms,
            }
        )
    return rows


def _spot_row(one: WorstSpot, place: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "spot",
        "rank": one.rank,
        "code": None,
        **place,
        "reports": one.reports,
        "shared_reports": 0,
        "weighted": one.weighted,
        "length_m": None,
        "width_m": one.width_m,
        "score": one.weighted,
        "lon": one.lon,
        "lat": one.lat,
        "terms": one.terms,
    }


def _shared_row(rank: int, one: SharedSpot, place: dict[str, Any]) -> dict[str, Any]:
    return {
        "kind": "shared",
        "rank": rank,
        "code": None,
        **place,
        "reports": one.reports,
        "shared_reports": one.reports,
        "weighted": one.weighted,
        "length_m": None,
        "width_m": None,
        "score": one.weighted,
        "lon": one.lon,
        "lat": one.lat,
        "terms": one.terms,
    }


def places_of_spots(
    conn: Connection, at: list[tuple[float, float, float, float]], policy: Policy
) -> list[dict[str, Any]]:
    """Name, street and open listing of places.

    Parameters
    ----------
    at
        Longitude and latitude in WGS 84 degrees, x and y in the city's metric CRS.
    """
    lons, lats, xs, ys = np.array(at, float).T.tolist() if at else ([], [], [], [])
    asked = {"lons": lons, "lats": lats, "xs": xs, "ys": ys, "reach_m": policy.spot_reach_m * NAMED_REACH}
    names = ("name", "street_id", "street_code", "street_name", "listing")
    return [{name: getattr(row, name) for name in names} for row in conn.execute(sql("places_of_spots"), asked)]
