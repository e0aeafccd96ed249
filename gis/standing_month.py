"""Facts of a monthly standing: the published ten-day rows of its three periods, pooled by district (clause 5)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import orjson
import pyarrow as pa
from sqlalchemy import Connection, select

from gis.errors import Conflict
from gis.fact_text import SCHEMAS, Facts, read_facts, unpacked
from gis.ground import Ground
from gis.rules.deductions import UNITS
from gis.rules.periods import Period, ten_day_periods
from gis.standing_before import bottom_runs, newest_published
from gis.store.schema_standings import standing_rows


def month_facts(conn: Connection, ground: Ground, level: str, lower: str, period: Period) -> Facts:
    """Read the published ten-day rows of a month.

    Parameters
    ----------
    level, lower
        What is ranked by the month, and by ten days: district and street, or the one level that the city has.

    Raises
    ------
    Conflict
        A ten-day standing of the month was not published yet.
    """
    places = [area for area in ground.areas.values() if area.level == level]
    number = {area.id: at for at, area in enumerate(places)}
    parts: list[dict[str, Any]] = []
    dm2 = [0] * len(places)
    for ten_days in ten_day_periods(period):
        standing = newest_published(conn, lower, ten_days.name)
        if standing is None:
            msg = (
                f"the standing of {ten_days.name} was not published; a month pools its three ten-day standings: "
                f"finegrid standings draft {ten_days.name}, then publish"
            )
            raise Conflict(msg)
        inside = {row["code"]: row for row in read_facts(unpacked(standing.facts)).table("places").to_pylist()}
        rows = select(standing_rows).where(standing_rows.c.standing_id == standing.id)
        for row in conn.execute(rows).mappings():
            holder = ground.area_of(row["area_id"], level) if row["area_id"] in ground.areas else None
            if holder is None:
                continue
            own = inside[row["code"]]
            dm2[number[holder.id]] += own["dm2"] * ten_days.days
            parts.append(
                {
                    "place": number[holder.id],
                    "code": row["code"],
                    "name": row["name"],
                    "period": ten_days.name,
                    "revision": standing.revision,
                    "sha256": standing.sha256,
                    "units": int(row["deduction"] * UNITS),
                    "square_units": str(int(row["square_deduction"] * UNITS**2)),
                    "dm2": own["dm2"],
                    "days": ten_days.days,
                    "length_mm": own["length_mm"],
                    "surveyed_mm": own["surveyed_mm"],
                    "problems": row["problems"],
                    "by_kind": orjson.dumps(
                        {kind: int(Decimal(points) * UNITS) for kind, points in sorted(row["parts"].items())}
                    ).decode(),
                }
            )
    runs = bottom_runs(conn, level, period.previous().name)
    listed = [
        {
            "code": area.code,
            "name": area.name,
            "area_id": area.id,
            "tier": "",
            # The mean over the days: what the exposure is made of, as an area.
            "dm2": round(Decimal(dm2[at]) / period.days),
            "length_mm": 0,
            "surveyed_mm": 0,
            "bottom_before": runs.get(area.code, 0),
            "enforcement_needed": 0,
            "enforcement_valid": 0,
        }
        for at, area in enumerate(places)
    ]
    parts.sort(key=lambda part: (part["place"], part["code"], part["period"]))
    head = {"level": level, "period": period.name, "first": period.first, "after": period.after, "of": lower}
    return Facts(
        head,
        {
            "places": pa.Table.from_pylist(listed, SCHEMAS["places"]),
            "parts": pa.Table.from_pylist(parts, SCHEMAS["parts"]),
        },
    )
