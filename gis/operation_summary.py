"""What happened inside a special operation 专项行动, against the same length of time just before (clause 13)."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gis.coverage import CITY, road_coverage
from gis.ground import Ground
from gis.listing_reads import ListingQuery, list_listings
from gis.operations import Inside, inside
from gis.response import ResponseQuery, response
from gis.rules.periods import ten_day_period
from gis.store.database import sql

ROW_COLUMNS = ("category", "name", "name_en", "chaos", "source_kind", "count", "per_km2", "before", "change")
Facts = dict[str, Any]


def operation_summary(conn: Connection, ground: Ground, code: str, now: datetime) -> Facts:
    """The problems inside an operation by category and kind of source, and what was done about them.

    `before` counts the same place over the same length of time that ends where the operation begins, so counts can be
    compared as they are; `change` is count / before - 1, null where there was nothing before. Whoever compares should
    know that an operation is seldom proclaimed at an ordinary time.

    Parameters
    ----------
    now
        The clock, aware: steps of double ten that still wait are judged by it.

    Returns
    -------
    dict
        from and to (UTC), hours, area_km2, before (its window), reports (count, in_cells, outside, per_km2,
        per_km2_per_day, before, change), by_category, by_source_kind (of the same columns), rows (ROW_COLUMNS); cases
        (found, open, closed, on_time, void), response (verdicts of double ten and their rate), patrols (passes,
        surveyors, segments, length_m, surveyed_m, coverage of roads inside), listings (by state).

    Raises
    ------
    ParameterError
        There is no such operation.
    """
    during = inside(conn, code)
    before = during.before(ground.city.zone)
    binds = {
        "operation": during.operation.id,
        "before_at": before.from_at,
        "from_at": during.from_at,
        "to_at": during.to_at,
        "before_day": before.from_day,
        "to_day": during.to_day,
    }
    found = [dict(row) for row in conn.execute(sql("operation_summary"), binds).mappings()]
    return {
        "from": during.from_at,
        "to": during.to_at,
        "hours": during.days * 24,
        "area_km2": during.operation.area_km2,
        "before": {"from": before.from_at, "to": before.to_at},
        "reports": _reports(found, during),
        "by_category": _sums(found, ("category", "name", "name_en", "chaos"), during),
        "by_source_kind": _sums(found, ("source_kind",), during),
        "rows": [{name: _row(one, during)[name] for name in ROW_COLUMNS} for one in found],
        **_work(conn, ground, during, now),
    }


def _work(conn: Connection, ground: Ground, during: Inside, now: datetime) -> Facts:
    """What was done: cases of the problems, double ten, patrols, places on the list."""
    query = ResponseQuery(during.from_day, during.to_day, operation=during)
    roads = road_coverage(conn, ten_day_period(during.from_day), CITY, during).total
    passes = conn.execute(sql("operation_patrols"), during.binds()).mappings().one()
    listed = list_listings(conn, ListingQuery(operation=during), now.astimezone(ground.city.zone).date())
    return {
        "cases": dict(conn.execute(sql("operation_cases"), during.binds()).mappings().one()),
        "response": response(conn, ground, CITY, query, now).total,
        "patrols": {
            **passes,
            "segments": roads.segments,
            "length_m": roads.length_m,
            "surveyed_m": roads.surveyed_m,
            "coverage": roads.share,
        },
        "listings": dict(sorted(Counter(one["state"] for one in listed).items())),
    }


def _reports(found: list[Facts], during: Inside) -> Facts:
    total = {name: sum(one[name] for one in found) for name in ("count", "in_cells", "before")}
    rates = _row(total, during)
    return {
        "count": total["count"],
        "in_cells": total["in_cells"],
        "outside": total["count"] - total["in_cells"],
        "per_km2": rates["per_km2"],
        "per_km2_per_day": rates["per_km2"] / during.days,
        "before": total["before"],
        "change": rates["change"],
    }


def _sums(found: list[Facts], by: tuple[str, ...], during: Inside) -> list[Facts]:
    """Counts by some of the columns, most first."""
    counts: Counter[tuple[Any, ...]] = Counter()
    before: Counter[tuple[Any, ...]] = Counter()
    for one in found:
        key = tuple(one[name] for name in by)
        counts[key] += one["count"]
        before[key] += one["before"]
    order = sorted(before, key=lambda key: (-counts[key], str(key)))
    return [
        {**dict(zip(by, key, strict=True)), **_row({"count": counts[key], "before": before[key]}, during)}
        for key in order
    ]


def _row(one: Facts, during: Inside) -> Facts:
    """A row with its rates; the polygon is never without area."""
    per_km2 = one["count"] / float(during.operation.area_km2)
    change = one["count"] / one["before"] - 1 if one["before"] else None
    return {**one, "per_km2": per_km2, "change": change}
