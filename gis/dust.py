"""Dust by weight 以克论净: what was weighed on each drawn road, what it may be, and what is deducted (clause 10)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from gis.policies import city_policy
from gis.rules.dust import limit_g_per_m2, road_mean, road_points
from gis.rules.periods import Period, ten_day_periods
from gis.store.database import sql

ROAD_COLUMNS = (
    "period",
    "number",
    "code",
    "name",
    "road_class",
    "length_m",
    "street_code",
    "street_name",
    "of_points",
    "samples",
    "mean_g_per_m2",
    "limit_g_per_m2",
    "deduction",
    "grams_per_m2",
)


@dataclass(frozen=True)
class DustFact:
    """A drawn road with results that give it a value.

    Parameters
    ----------
    draw
        Number of the draw in the database.
    street_code
        Street that has the segment now (the district, where that has no streets); None: none has it.
    mean_g_per_m2
        The road's value, rounded half up to 0.001 g/m2.
    limit_g_per_m2
        Of its class, by the policy of the period's first day.
    samples
        Points that were weighed.
    points
        Deducted; 0 up to the limit.
    """

    draw: int
    street_code: str | None
    segment_code: str
    road_name: str
    road_class: str
    mean_g_per_m2: Decimal
    limit_g_per_m2: Decimal
    samples: int
    points: Decimal


def dust_facts(conn: Connection, period: Period) -> list[DustFact]:
    """The facts that a standing deducts for, in the order of the draw; a month has those of its ten-day periods.

    A road of which fewer points were weighed than `dust_points_needed` has no value and is not among them.
    """
    return [
        DustFact(
            row["draw_id"],
            row["street_code"],
            row["code"],
            row["name"],
            row["road_class"],
            row["mean_g_per_m2"],
            row["limit_g_per_m2"],
            row["samples"],
            row["deduction"],
        )
        for row in weighed_roads(conn, period)
        if row["mean_g_per_m2"] is not None
    ]


def weighed_roads(conn: Connection, period: Period) -> list[dict[str, Any]]:
    """Every drawn road of a period; its value and points are None where too few points were weighed."""
    periods = {one.name: one for one in ten_day_periods(period)}
    policies = {name: city_policy(conn, one.first) for name, one in periods.items()}
    rows = []
    for row in conn.execute(sql("dust_roads"), {"periods": list(periods)}):
        policy = policies[row.period]
        mean = road_mean(row.grams_per_m2, policy)
        limit = limit_g_per_m2(row.road_class, policy)
        rows.append(
            {
                "draw_id": row.draw_id,
                "segment_id": row.segment_id,
                "period": row.period,
                "number": row.number,
                "code": row.segment_code,
                "name": row.name,
                "road_class": row.road_class,
                "length_m": Decimal(row.length_mm) / 1000,
                "street_code": row.street_code,
                "street_name": row.street_name,
                "samples": len(row.grams_per_m2),
                "of_points": row.points,
                "grams_per_m2": row.grams_per_m2,
                "mean_g_per_m2": mean,
                "limit_g_per_m2": limit,
                "deduction": None if mean is None else road_points(mean, limit, policy),
            }
        )
    return rows
