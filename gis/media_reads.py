"""Media reports as answers: one by one, or counted by area."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Connection

from gis.errors import ParameterError
from gis.ground import Ground
from gis.media import EXPOSURE, MediaReport, ancestry, exposures_among, media_memory_days, media_reports, reports_about
from gis.rules.periods import ten_day_period
from gis.satisfaction import CITY_LEVEL
from gis.store.schema_measures import TONES

COLUMNS = (
    "ref",
    "day",
    "outlet",
    "title",
    "url",
    "tone",
    "incident",
    "counts",
    "area_code",
    "area_name",
    "category",
    "source",
    "source_ref",
)
AREA_COLUMNS = ("code", "name", "reports", "positive", "exposures")


def media_rows(
    conn: Connection, ground: Ground, from_day: date | None, to_day: date | None, tone: str | None = None
) -> list[dict[str, Any]]:
    """What the media printed on some days, `to_day` exclusive, one row for each report; None: open.

    `counts` says of an exposure whether it is the report by which its incident deducts in its ten-day period; null for
    praise.

    Raises
    ------
    ParameterError
        There is no such tone.
    """
    if tone is not None and tone not in TONES:
        raise ParameterError("tone", f"there are {' and '.join(TONES)}, not {tone[:40]!r}")
    printed = media_reports(conn, from_day, to_day, tone)
    counting = _counting(conn, printed)
    rows = []
    for one in printed:
        area = ground.areas.get(one.area_id or 0)
        own = {
            "counts": one.ref in counting if one.tone == EXPOSURE else None,
            "area_code": area.code if area else None,
            "area_name": area.name if area else None,
        }
        rows.append({name: own[name] if name in own else getattr(one, name) for name in COLUMNS})
    return rows


def media_by_area(
    conn: Connection, ground: Ground, level: str, from_day: date | None, to_day: date | None
) -> list[dict[str, Any]]:
    """Media reports of some days by area: all of them, praise, and exposures that count.

    Reports that name no place count for the city alone.

    Raises
    ------
    ParameterError
        The city has no such level.
    """
    levels = (CITY_LEVEL, *ground.city.area_levels)
    if level not in levels:
        raise ParameterError("level", f"there are {', '.join(levels)}, not {level[:40]!r}")
    rows = media_rows(conn, ground, from_day, to_day)
    if level == CITY_LEVEL:
        return [{"code": ground.city.code, "name": ground.city.name, **_counted(rows)}]
    places = {area.code: {one.code for one in ground.ancestors(area.id)} for area in ground.areas.values()}
    return [
        {
            "code": area.code,
            "name": area.name,
            **_counted([row for row in rows if area.code in places.get(row["area_code"] or "", ())]),
        }
        for area in ground.areas.values()
        if area.level == level
    ]


def _counted(rows: Sequence[dict[str, Any]]) -> dict[str, int]:
    return {
        "reports": len(rows),
        "positive": sum(row["tone"] != EXPOSURE for row in rows),
        "exposures": sum(bool(row["counts"]) for row in rows),
    }


def _counting(conn: Connection, printed: Sequence[MediaReport]) -> set[str]:
    """Refs of the exposures that count, each in its own ten-day period."""
    exposed = [one for one in printed if one.tone == EXPOSURE]
    told, places = reports_about(conn, {one.incident for one in exposed}), ancestry(conn)
    periods = {ten_day_period(one.day) for one in exposed}
    return {
        one.ref for period in periods for one in exposures_among(told, period, media_memory_days(conn, period), places)
    }
