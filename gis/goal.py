"""The goal 整治目标 of an area: how far each of the four chaoses fell against a base period (clause 2)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.density import DensityQuery, DensityTable, density
from gis.errors import ParameterError
from gis.ground import DM2_PER_KM2, Ground
from gis.policies import city_policy
from gis.rules.goal import Fall, fall_of
from gis.rules.policy import Policy
from gis.store.database import sql
from gis.store.schema import CHAOSES

ANY = "any"
"""All four chaoses together."""
CATEGORIES = (*CHAOSES, ANY)
LAYERS = ("city", "reports", "categories", "cells", "areas", "policy")
COLUMNS = (
    "code",
    "name",
    "category",
    "area_km2",
    "count",
    "base_count",
    "rate_now",
    "rate_base",
    "fall",
    "fall_low",
    "fall_high",
    "reached",
    "note",
)


@dataclass(frozen=True)
class GoalQuery:
    """Which periods are compared, and what is counted.

    Parameters
    ----------
    from_day, to_day
        The period that is judged, `to_day` exclusive.
    base_from, base_to
        The base period, `base_to` exclusive; it ends before the other begins.
    chaoses
        Some of CATEGORIES; empty: all.
    sources
        As in `gis.density.DensityQuery`: people do not report evenly, so patrols alone may be asked for.

    Raises
    ------
    ParameterError
        A period is empty, the base is not before the other, or there is no such chaos.
    """

    from_day: date
    to_day: date
    base_from: date
    base_to: date
    chaoses: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what cannot be compared."""
        DensityQuery(self.from_day, self.to_day)
        if self.base_to <= self.base_from:
            raise ParameterError("base_to", f"must be after base_from={self.base_from}; it is exclusive")
        if self.base_to > self.from_day:
            msg = f"the base period ends at from={self.from_day} or before, so that no day is compared with itself"
            raise ParameterError("base_to", msg)
        for one in self.chaoses:
            if one not in CATEGORIES:
                msg = f"the goal is about the four chaoses: {', '.join(CATEGORIES)}; not {one[:40]!r}"
                raise ParameterError("category", msg)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The chaoses that are shown, in the order of CATEGORIES."""
        return tuple(one for one in CATEGORIES if one in self.chaoses or not self.chaoses)

    @property
    def days(self) -> tuple[int, int]:
        """Lengths of the period and of the base period."""
        return (self.to_day - self.from_day).days, (self.base_to - self.base_from).days


@dataclass(frozen=True)
class GoalRow:
    """One chaos of one area, or of the city."""

    code: str
    name: str
    category: str
    area_km2: Decimal
    count: int
    base_count: int
    fall: Fall

    def as_dict(self) -> dict[str, Any]:
        """The row with COLUMNS."""
        whole = {**{name: getattr(self, name) for name in COLUMNS[:6]}, **asdict(self.fall)}
        return {name: whole[name] for name in COLUMNS}


@dataclass(frozen=True)
class Goal:
    """The rows of a level, areas in code order, in each the chaoses as they were asked for.

    Parameters
    ----------
    ids
        Database id of each row's area.
    policy
        Whose numbers were used: that of the period's last day.
    total
        The whole city, one row per chaos.
    """

    level: str
    query: GoalQuery
    policy: Policy
    ids: NDArray[np.int32]
    rows: list[GoalRow]
    total: list[GoalRow]

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        query, policy = self.query, self.policy
        return {
            "level": self.level,
            "from": query.from_day,
            "to": query.to_day,
            "days": query.days[0],
            "base_from": query.base_from,
            "base_to": query.base_to,
            "base_days": query.days[1],
            "rule": {
                "clause": "2",
                "effective": policy.effective,
                "goal": policy.goal_reduction,
                "confidence": policy.goal_confidence,
                "text": "fall = 1 - rate_now / rate_base, rates per km2 and day; reached: yes where all of the "
                "interval reaches the goal, no where none of it does",
            },
            "total": [row.as_dict() for row in self.total],
        }

    def listed(self) -> Iterator[dict[str, Any]]:
        """The rows with COLUMNS."""
        return (row.as_dict() for row in self.rows)


def goal(conn: Connection, ground: Ground, level: str, query: GoalQuery) -> Goal:
    """How far each chaos fell in each area of a level, on the responsible area of today.

    Raises
    ------
    ParameterError
        The city has no such level, or there is no such source.
    """
    if level not in ground.city.area_levels:
        msg = f"{ground.city.name_en} has the levels {', '.join(ground.city.area_levels)}, not {level[:40]!r}"
        raise ParameterError("level", msg)
    policy = city_policy(conn, query.to_day - timedelta(days=1))
    known = {row.chaos for row in conn.execute(sql("category_chaoses")) if row.chaos}
    tables = {
        chaos: (
            _counted(conn, ground, level, query, chaos, query.from_day, query.to_day),
            _counted(conn, ground, level, query, chaos, query.base_from, query.base_to),
        )
        # A dictionary without a chaos has no problems of it.
        for chaos in CHAOSES
        if chaos in known
    }
    listed, _ = ground.cells_by_area(level)
    areas = _areas(ground, level)
    counts = {
        chaos: tuple(table.columns["count"] for table in tables[chaos])
        if chaos in tables
        else (np.zeros(len(listed), np.int64),) * 2
        for chaos in CHAOSES
    }
    counts[ANY] = tuple(sum((counts[chaos][at] for chaos in CHAOSES), np.int64(0)) for at in (0, 1))
    rows = [
        _row(area.code, area.name, chaos, km2, int(counts[chaos][0][at]), int(counts[chaos][1][at]), query, policy)
        for at, (area, km2) in enumerate(zip(listed, areas, strict=True))
        for chaos in query.chosen
    ]
    ids = np.repeat(np.array([area.id for area in listed], np.int32), len(query.chosen))
    whole = sum(areas, Decimal(0))
    city = ground.city
    total = [
        _row(
            city.code, city.name, chaos, whole, int(counts[chaos][0].sum()), int(counts[chaos][1].sum()), query, policy
        )
        for chaos in query.chosen
    ]
    return Goal(level, query, policy, ids, rows, total)


def _counted(
    conn: Connection, ground: Ground, level: str, query: GoalQuery, chaos: str, first: date, after: date
) -> DensityTable:
    return density(conn, ground, level, DensityQuery(first, after, (f"chaos:{chaos}",), query.sources))


def _areas(ground: Ground, level: str) -> Sequence[Decimal]:
    """Responsible area of each area of a level, km2, exact."""
    listed, position = ground.cells_by_area(level)
    held = position >= 0
    # Sums of whole numbers below 2**53 are exact in float64.
    dm2 = np.bincount(position[held], ground.cell_dm2[held], len(listed)).astype(np.int64)
    return [Decimal(one) / DM2_PER_KM2 for one in dm2.tolist()]


def _row(
    code: str, name: str, chaos: str, km2: Decimal, now: int, base: int, query: GoalQuery, policy: Policy
) -> GoalRow:
    days, base_days = query.days
    return GoalRow(code, name, chaos, km2, now, base, fall_of(now, base, km2 * days, km2 * base_days, policy))
