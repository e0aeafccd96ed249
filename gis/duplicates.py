"""Duplicates 重复上报: reports of one category near each other in one ten-day period are one problem (clause 8)."""

from __future__ import annotations

import math
from datetime import date

from sqlalchemy import Connection

from gis.city import City
from gis.geometry.datum import metric_transformer
from gis.rules.periods import ten_day_period
from gis.rules.policy import Policy
from gis.store.database import sql

METRES_PER_DEGREE = 110_000
"""Less than a degree of latitude has anywhere, so that a box made with it holds the circle."""
Position = tuple[float, float]


def distance_m(a: Position, b: Position, city: City) -> float:
    """Planar distance of two WGS 84 positions in the city's metric CRS."""
    to_metric = metric_transformer(city.metric_crs)
    return math.dist(to_metric.transform(*a), to_metric.transform(*b))


def open_duplicate(
    conn: Connection, category_id: int, day: date, at: Position | None, city: City, policy: Policy
) -> int | None:
    """The open case that a report belongs to: the nearest within the policy's reach, ties to the oldest; else None.

    A report without position is never a duplicate, and an ended case takes none: the problem came back.
    """
    if at is None:
        return None
    reach, period = policy.merge_reach_m, ten_day_period(day)
    north = reach / METRES_PER_DEGREE * 1.01
    east = north / max(math.cos(math.radians(abs(at[1]) + north)), 0.01)
    box = {"west": at[0] - east, "south": at[1] - north, "east": at[0] + east, "north": at[1] + north}
    rows = conn.execute(
        sql("open_cases_near"), {"category_id": category_id, "first": period.first, "after": period.after, **box}
    )
    near = [(distance_m(at, (row.lon, row.lat), city), row.id) for row in rows]
    return min(((away, case_id) for away, case_id in near if away <= reach), default=(0.0, None))[1]


def why_not_merge(a: dict[str, object], b: dict[str, object], city: City, policy: Policy) -> str | None:
    """Why two cases are not the same problem; None where they are.

    Parameters
    ----------
    a, b
        id, category, day, lon, lat of each.
    """
    if a["id"] == b["id"]:
        return "a case cannot be merged with itself"
    if a["category"] != b["category"]:
        return f"case {a['id']} is of category {a['category']}, case {b['id']} of {b['category']}"
    periods = [ten_day_period(one["day"]).name for one in (a, b)]  # type: ignore[arg-type]
    if periods[0] != periods[1]:
        return f"case {a['id']} is of the period {periods[0]}, case {b['id']} of {periods[1]}"
    if None in (a["lon"], b["lon"]):
        return "a case without position cannot be told to be the same problem"
    away = distance_m((a["lon"], a["lat"]), (b["lon"], b["lat"]), city)  # type: ignore[arg-type]
    if away > policy.merge_reach_m:
        return f"they lie {away:.1f} m apart; within {policy.merge_reach_m:g} m they would be one problem"
    return None
