"""Places of a bulletin: the worst segments and spots of its period, and overdue listings (clause 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import shapely
from sqlalchemy import Connection, select

from gis.fact_text import Facts
from gis.rules.deductions import overdue_units, points
from gis.rules.periods import Period, parse_period
from gis.rules.policy import Policy
from gis.rules.worst import rule_text
from gis.standing_reads import Standing, read_standing
from gis.standing_rows import is_month
from gis.store.database import sql
from gis.store.schema_listings import listing_proposals
from gis.worst import Worst, worst

SHOWN = (
    "kind",
    "rank",
    "code",
    "name",
    "street_code",
    "street_name",
    "reports",
    "weighted",
    "length_m",
    "width_m",
    "score",
    "lon",
    "lat",
    "listing",
)


@dataclass(frozen=True)
class WorstPlaces:
    """The worst segments and spots of a period.

    Parameters
    ----------
    proposed_at
        When they were stored as a proposal, which never changes; None: worked out from the reports of this moment.
    policy_effective, rule
        By whose numbers, and the rule in words.
    segments, spots
        Rows with SHOWN, `by_chaos` (reports) and, of segments, `segment_id`.
    grounds
        Ground of a spot within reach of its reports, WGS 84, by rank; for the maps.
    """

    proposed_at: datetime | None
    policy_effective: date
    rule: str
    segments: list[dict[str, Any]]
    spots: list[dict[str, Any]]
    grounds: dict[int, shapely.Geometry] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """Fit for JSON."""
        return {
            "proposed_at": self.proposed_at,
            "policy_effective": self.policy_effective,
            "rule": self.rule,
            "segments": [{name: row[name] for name in (*SHOWN, "by_chaos")} for row in self.segments],
            "spots": [{name: row[name] for name in (*SHOWN, "by_chaos")} for row in self.spots],
        }


def worst_places(conn: Connection, period: Period) -> WorstPlaces:
    """The places that the period's stored proposal names; where there is none, worked out anew."""
    stored = conn.execute(select(listing_proposals).where(listing_proposals.c.period == period.name)).first()
    if stored is None:
        return _worked_out(worst(conn, period))
    numbers, grounds = {}, {}
    for row in conn.execute(sql("bulletin_listings"), {"period": period.name}):
        numbers[row.kind, row.rank] = row.id
        if row.kind == "spot":
            grounds[row.rank] = shapely.from_wkb(bytes(row.ground))
    rows = [_shown({**one, "listing": numbers.get((one["kind"], one["rank"]), one["listing"])}) for one in stored.named]
    return WorstPlaces(
        stored.proposed_at,
        stored.policy_effective,
        stored.rule,
        [row for row in rows if row["kind"] == "segment"],
        [row for row in rows if row["kind"] == "spot"],
        grounds,
    )


def _worked_out(found: Worst) -> WorstPlaces:
    return WorstPlaces(
        None,
        found.policy.effective,
        rule_text(found.policy),
        # Under which listing a place is open at this moment says nothing about the period.
        [_shown({**row, "listing": None}) for row in found.segments],
        [_shown({**row, "listing": None}) for row in found.spots],
        {spot.rank: spot.ground for spot in found.found},
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """A row as the bulletin has it: numbers as plain numbers, its reports by chaos."""
    by_chaos: dict[str, int] = {}
    for term in row["terms"]:
        chaos = term["chaos"] or "other"
        by_chaos[chaos] = by_chaos.get(chaos, 0) + term["reports"]
    plain = {name: float(value) if isinstance(value := row[name], Decimal) else value for name in SHOWN}
    return {**plain, "segment_id": row.get("segment_id"), "by_chaos": by_chaos}


def overdue_places(conn: Connection, standing: Standing) -> list[dict[str, Any]]:
    """Listed places that were over their deadline, with what each cost: from the very facts of the standing.

    Returns
    -------
    list
        listing, kind, name, code (of a segment), listed_for (period), street_code, street_name, days, points; longest
        first. Of a month, days of its three ten-day standings together.
    """
    found: dict[int, dict[str, Any]] = {}
    for facts, policy in _ten_day_facts(conn, standing):
        places = facts.table("places").to_pylist()
        for row in facts.table("listings").to_pylist():
            place = places[row["place"]]
            one = found.setdefault(
                row["listing"],
                {"street_code": place["code"], "street_name": place["name"], "days": 0, "points": Decimal(0)},
            )
            one["days"] += row["days"]
            one["points"] += points(overdue_units(row["days"], policy))
    named = {row.id: row for row in conn.execute(sql("bulletin_overdue"), {"ids": list(found)})}
    rows = [
        {
            "listing": listing,
            "kind": named[listing].kind,
            "name": named[listing].name,
            "code": named[listing].code,
            "listed_for": named[listing].period,
            **one,
        }
        for listing, one in found.items()
    ]
    return sorted(rows, key=lambda row: (-row["days"], row["listing"]))


def _ten_day_facts(conn: Connection, standing: Standing) -> Iterator[tuple[Facts, Policy]]:
    """The facts of a ten-day standing; of a month, those of the very ten-day revisions that were pooled."""
    facts = standing.facts()
    if not is_month(facts):
        yield facts, standing.policy
        return
    pooled = {(row["period"], row["revision"]) for row in facts.table("parts").to_pylist()}
    for name, revision in sorted(pooled):
        part = read_standing(conn, facts.head["of"], parse_period(name), revision)
        yield part.facts(), part.policy
