"""Indicators 考核指标 of cases by place, department and category: what the rule divides, counted (clause 8)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import Connection, select

from gis.breakdowns import TARGETS, Member, areas_within, department_id, four_chaoses, level_of, members
from gis.density import category_ids
from gis.errors import ParameterError
from gis.ground import Ground
from gis.operations import Inside
from gis.rules.indicators import RATES, Counts, summed
from gis.store.database import sql
from gis.store.schema import categories

LEVELS = ("city", "district", "street", "community", "cell", "department", "category")
COUNTED = ("accepted", "filed", "dispatched", "due", "closed", "on_time", "rework", "extended")
ENFORCEMENT = ("enforcement_needed", "enforcement_valid")
COLUMNS = ("code", "name", *COUNTED, *ENFORCEMENT, *RATES)
LAYERS = ("city", "cases", "categories", "cells", "areas", "departments")
"""Layers that an answer is made of."""
Exclusion = Literal["four_chaos"]


@dataclass(frozen=True)
class IndicatorQuery:
    """Which cases count.

    Parameters
    ----------
    from_day, to_day
        Days of the city, `to_day` exclusive.
    categories
        As in `gis.density.DensityQuery`.
    exclude
        four_chaos: without the four chaoses 四乱.
    department
        Code of the department that was the lead at the window's end; None: any.
    street
        Code of a street or another area; None: the whole city and what lies outside all cells.
    operation
        Only cases inside the polygon of a special operation, for what happened to them in its window.
    """

    from_day: date
    to_day: date
    categories: tuple[str, ...] = ()
    exclude: Exclusion | None = None
    department: str | None = None
    street: str | None = None
    operation: Inside | None = None

    def __post_init__(self) -> None:
        """Refuse windows that hold nothing."""
        if self.to_day <= self.from_day:
            msg = f"must be after from={self.from_day}; it is exclusive, so one week is from=2019-04-08 to=2019-04-15"
            raise ParameterError("to", msg)


@dataclass(frozen=True)
class IndicatorTable:
    """Rows of a level in code order.

    Parameters
    ----------
    as_of
        The instant at which open cases were judged: the window's end, or now where that lies ahead.
    total
        All cases that the query means, also those that belong to no row.
    """

    level: str
    as_of: datetime
    members: list[Member]
    counts: dict[int | None, Counts] = field(default_factory=dict)

    @property
    def total(self) -> dict[str, Any]:
        """The sum over all cases, with its rates."""
        return shown(summed(self.counts.values()))

    @property
    def elsewhere(self) -> dict[str, Any]:
        """Cases that belong to no row: outside all cells or, by department, without a lead."""
        return shown(self.counts.get(None, Counts()))

    @property
    def target(self) -> str | None:
        """Table that has the geometry of the rows; None: they have none."""
        return TARGETS.get(self.level)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts."""
        for one in self.members:
            yield {"code": one.code, "name": one.name, **shown(self.counts.get(one.key, Counts()))}


def shown(counts: Counts) -> dict[str, int | Decimal | None]:
    """Counts and rates as columns."""
    return {name: getattr(counts, name) for name in (*COUNTED, *ENFORCEMENT)} | counts.rates()


def indicators(conn: Connection, ground: Ground, level: str, query: IndicatorQuery, now: datetime) -> IndicatorTable:
    """Counts and rates of a window.

    Parameters
    ----------
    level
        One of LEVELS that the city has.
    now
        The clock, aware: a window that has not ended is judged by this moment.

    Raises
    ------
    ParameterError
        There is no such level, category, department or area.
    """
    level_of(ground, level, ("department", "category"))
    if query.operation is None:
        from_at, to_at = (datetime.combine(day, time(), ground.city.zone) for day in (query.from_day, query.to_day))
    else:
        from_at, to_at = query.operation.from_at, query.operation.to_at
    as_of = min(to_at, now)
    given = {
        "from_at": from_at,
        "to_at": to_at,
        "end_at": as_of,
        "operation": None if query.operation is None else query.operation.operation.id,
        "level": level,
        "categories": _categories(conn, query),
        "area_ids": None if query.street is None else areas_within(ground, query.street),
        "department_id": None if query.department is None else department_id(conn, query.department),
    }
    counts = {
        row.pop("key"): Counts(**row) for row in map(dict, conn.execute(sql("indicator_counts"), given).mappings())
    }
    return IndicatorTable(level, as_of, members(conn, ground, level, counts), counts)


def _categories(conn: Connection, query: IndicatorQuery) -> list[int] | None:
    """Ids of the categories that count; None: all."""
    wanted = category_ids(conn, query.categories)
    if query.exclude is None:
        return None if wanted is None else list(wanted)
    known = set(conn.execute(select(categories.c.id)).scalars()) if wanted is None else set(wanted)
    return sorted(known - four_chaoses(conn))
