"""Coverage 普查覆盖率: how much of the roads was surveyed in a period (clauses 5 and 9)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from pyproj import CRS
from sqlalchemy import Connection

from gis.city import City, read_city
from gis.errors import ParameterError
from gis.operations import Inside
from gis.policies import city_policy
from gis.rules.coverage import coverage, is_enough
from gis.rules.periods import Period, ten_day_period, ten_day_periods
from gis.rules.policy import Policy
from gis.store.database import sql
from gis.store.schema import ROAD_CLASSES

CITY, CLASS, GROUP, SEGMENT = "city", "class", "group", "segment"
OTHER_LEVELS = (CITY, CLASS, GROUP, SEGMENT)
COLUMNS = ("code", "name", "segments", "surveyed_segments", "length_m", "surveyed_m", "coverage", "enough")
SEGMENT_COLUMNS = ("code", "name", "length_m", "surveyed_m", "coverage", "surveyed")
NAMES = {
    "ring": "环路",
    "trunk": "主干路",
    "main": "次干路",
    "branch": "支路",
    "back_street": "背街",
    "one_ring_fifteen_roads": "一环十五路",
}
NOTHING, MILLIMETRE = Decimal(0), Decimal("0.001")


@dataclass(frozen=True)
class CoverageRow:
    """One area, class, group, segment, or the city.

    Parameters
    ----------
    id
        Database id of the area or segment; None for what is neither.
    segments, surveyed_segments
        Road segments, and those of them of which enough was surveyed.
    length_m, surveyed_m
        Geodesic metres, exact; what was passed twice counts once.
    share
        Surveyed by all, 0 to 1; None where there are no roads.
    enough
        Whether that is enough for a standing that counts; None where there are no roads.
    """

    id: int | None
    code: str
    name: str
    segments: int
    surveyed_segments: int
    length_m: Decimal
    surveyed_m: Decimal
    share: float | None
    enough: bool | None

    def as_dict(self) -> dict[str, Any]:
        """The row's columns."""
        own = {"coverage": self.share, "surveyed": self.surveyed_segments > 0}
        names = dict.fromkeys((*COLUMNS, *SEGMENT_COLUMNS))
        return {name: own[name] if name in own else getattr(self, name) for name in names}


@dataclass(frozen=True)
class Coverage:
    """Coverage of a level in a period, in the order of codes (classes: the larger road first).

    Parameters
    ----------
    policy
        Whose numbers were used: that of the period's last day.
    total
        The whole city.
    without_area
        Segments that lie in no area of the level, so that rows and this one add up to the city; None where the level is
        not one of areas.
    """

    level: str
    period: Period
    policy: Policy
    rows: list[CoverageRow]
    total: CoverageRow
    without_area: CoverageRow | None

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of the rows."""
        return SEGMENT_COLUMNS if self.level == SEGMENT else COLUMNS

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        head = {"level": self.level, **period_facts(self.period), "rule": rule_facts(self.policy)}
        head["total"] = _sums(self.total)
        if self.without_area is not None:
            head["without_area"] = _sums(self.without_area)
        return head

    def listed(self) -> Iterator[dict[str, Any]]:
        """The rows with the columns of the level."""
        for row in self.rows:
            whole = row.as_dict()
            yield {name: whole[name] for name in self.columns}


def _sums(row: CoverageRow) -> dict[str, Any]:
    whole = row.as_dict()
    return {name: whole[name] for name in COLUMNS[2:]}


def period_facts(period: Period) -> dict[str, Any]:
    """A period as answers name it; `to` is the day after its last."""
    return {"period": period.name, "from": period.first, "to": period.after}


def rule_facts(policy: Policy) -> dict[str, Any]:
    """The rule with its numbers, dated."""
    return {
        "clause": "9",
        "effective": policy.effective,
        "coverage_needed": policy.coverage_needed,
        "surveyed_share": policy.surveyed_share,
        "text": "surveyed length / length of all roads; a segment counts as surveyed from `surveyed_share` of its "
        "length on; below `coverage_needed` a street's standing is provisional",
    }


def default_period(city: City, today: date) -> Period:
    """The ten-day period that is meant where none is said: the last of the city's demo window, else today's."""
    day = city.demo_window[1] - timedelta(days=1) if city.demo_window else today
    return ten_day_period(day)


def policy_of(conn: Connection, period: Period) -> Policy:
    """The policy of a period's last day."""
    return city_policy(conn, period.after - timedelta(days=1))


def firsts_of(period: Period) -> list[date]:
    """First days of the ten-day periods that a period consists of, as the roll-up keeps them."""
    return [one.first for one in ten_day_periods(period)]


def road_coverage(
    conn: Connection, period: Period, level: str | None = None, operation: Inside | None = None
) -> Coverage:
    """How much of the roads was surveyed.

    Parameters
    ----------
    period
        A ten-day period, or a month: then what was surveyed in any of its three.
    level
        city, district, street, community (as the city has them), class, group or segment; None: street, or the lowest
        level above it that the city has.
    operation
        Only what lies inside a special operation and was passed in its window; `period` is then not looked at, and rows
        are only those with roads inside, cut at its edge.

    Raises
    ------
    ParameterError
        The city has no such level.
    """
    city = read_city(conn)
    level = _checked(city, level)
    if operation is not None:
        period = Period(operation.from_day, operation.to_day, operation.operation.code)
    policy = policy_of(conn, period)
    asked: dict[str, Any] = {"level": level, "share": policy.surveyed_share}
    if operation is None:
        question, asked["firsts"] = "coverage", firsts_of(period)
    else:
        question, asked["metric_srid"] = "operation_coverage", CRS.from_user_input(city.metric_crs).to_epsg()
        asked |= operation.binds()
    rows = [_row(found, policy) for found in conn.execute(sql(question), asked)]
    whole = _summed(rows if level != GROUP else _city_rows(conn, question, asked, policy), policy, city)
    outside = [row for row in rows if not row.code]
    rows = [row for row in rows if row.code]
    if level == CITY:
        rows = [whole]
    elif level == CLASS:
        there = {row.code: row for row in rows}
        none = CoverageRow(None, "", "", 0, 0, NOTHING, NOTHING, None, None)
        rows = [_named(there.get(code, none), code) for code in ROAD_CLASSES]
    elif level == GROUP:
        rows = [_named(row, row.code) for row in rows]
    without = _summed(outside, policy, city) if level in city.area_levels else None
    return Coverage(level, period, policy, rows, whole, without)


def _checked(city: City, level: str | None) -> str:
    levels = (*city.area_levels, *OTHER_LEVELS)
    if level is None:
        return next((one for one in ("street", "district") if one in levels), CITY)
    if level in levels:
        return level
    raise ParameterError("level", f"{city.name_en} has {', '.join(levels)}; not {level[:40]!r}")


def _row(found: Any, policy: Policy) -> CoverageRow:
    length_m, surveyed_m = found.length_m, found.surveyed_m.quantize(MILLIMETRE)
    return CoverageRow(
        found.id,
        found.code or "",
        found.name or "",
        found.segments,
        found.surveyed_segments,
        length_m,
        surveyed_m,
        coverage(surveyed_m, length_m),
        is_enough(surveyed_m, length_m, policy),
    )


def _city_rows(conn: Connection, question: str, asked: dict[str, Any], policy: Policy) -> list[CoverageRow]:
    """The city as a row of its own: groups overlap, so they do not add up to it."""
    return [_row(found, policy) for found in conn.execute(sql(question), {**asked, "level": CITY})]


def _summed(rows: list[CoverageRow], policy: Policy, city: City) -> CoverageRow:
    length_m = sum((row.length_m for row in rows), NOTHING)
    surveyed_m = sum((row.surveyed_m for row in rows), NOTHING)
    return CoverageRow(
        None,
        city.code or city.slug,
        city.name,
        sum(row.segments for row in rows),
        sum(row.surveyed_segments for row in rows),
        length_m,
        surveyed_m,
        coverage(surveyed_m, length_m),
        is_enough(surveyed_m, length_m, policy),
    )


def _named(row: CoverageRow, code: str) -> CoverageRow:
    return replace(row, id=None, code=code, name=NAMES.get(code, code))
