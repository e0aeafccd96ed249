"""Double ten 双十 over many cases: how often ten minutes were kept, where, when and by whom (clause 7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection

from gis.breakdowns import TARGETS, Member, areas_within, level_of, members
from gis.density import category_ids
from gis.errors import ParameterError
from gis.ground import Ground
from gis.operations import OUTSIDE_BINDS, Inside
from gis.policies import city_policies
from gis.rules.response import STEPS, on_time_share
from gis.store.database import sql

LEVELS = ("city", "district", "street", "community", "cell", "person", "hour")
COUNTED = ("on_time", "late", "pending", "not_required", "missing")
COLUMNS = ("code", "name", *COUNTED, "rate", "median_s", "p95_s")
NOTHING: dict[str, Any] = dict.fromkeys(COUNTED, 0) | {"median_s": None, "p95_s": None}


@dataclass(frozen=True)
class ResponseQuery:
    """Which steps are judged.

    Parameters
    ----------
    from_day, to_day
        Days of the city on which the problem was found, `to_day` exclusive.
    steps
        1: the responsible person on the spot; 2: enforcement on the spot after persuasion failed.
    categories
        As in `gis.density.DensityQuery`.
    street
        Code of a street or another area; None: the whole city and what lies outside all cells.
    operation
        Only problems found inside a special operation, whose days `from_day` and `to_day` are then.
    """

    from_day: date
    to_day: date
    steps: tuple[int, ...] = STEPS
    categories: tuple[str, ...] = ()
    street: str | None = None
    operation: Inside | None = None

    def __post_init__(self) -> None:
        """Refuse windows that hold nothing."""
        if self.to_day <= self.from_day:
            msg = f"must be after from={self.from_day}; it is exclusive, so one day is from=2016-06-01 to=2016-06-02"
            raise ParameterError("to", msg)


@dataclass(frozen=True)
class ResponseTable:
    """Rows of a level in code order.

    Parameters
    ----------
    at
        The instant at which steps were judged.
    """

    level: str
    at: datetime
    members: list[Member]
    counts: dict[int | None, dict[str, Any]]

    @property
    def total(self) -> dict[str, Any]:
        """All steps that the query means, also those that belong to no row."""
        sums = {name: sum(one[name] for one in self.counts.values()) for name in COUNTED}
        return sums | {"rate": _rate(sums)}

    @property
    def elsewhere(self) -> dict[str, Any]:
        """Steps that belong to no row: outside all cells, nobody on duty, or not begun."""
        counts = self.counts.get(None, NOTHING)
        return {name: counts[name] for name in COUNTED} | {"rate": _rate(counts)}

    @property
    def target(self) -> str | None:
        """Table that has the geometry of the rows; None: they have none."""
        return TARGETS.get(self.level)

    def rows(self) -> Iterator[dict[str, Any]]:
        """The rows as dicts."""
        for one in self.members:
            found = self.counts.get(one.key, NOTHING)
            counted = {name: found[name] for name in COUNTED}
            seconds = {name: found[name] for name in ("median_s", "p95_s")}
            yield {"code": one.code, "name": one.name, **counted, "rate": _rate(found), **seconds}


def _rate(counts: dict[str, Any]) -> float | None:
    return on_time_share(counts["on_time"], counts["late"], counts["missing"])


def response(conn: Connection, ground: Ground, level: str, query: ResponseQuery, at: datetime) -> ResponseTable:
    """Verdicts of a window, counted.

    Parameters
    ----------
    level
        One of LEVELS that the city has.
    at
        The instant, aware, at which steps are judged; what happened later does not count.

    Raises
    ------
    ParameterError
        There is no such level, category or area.
    """
    level_of(ground, level, ("person", "hour"))
    wanted, policies = category_ids(conn, query.categories), city_policies(conn)
    given = {
        "from_day": query.from_day,
        "to_day": query.to_day,
        "at": at,
        "steps": list(query.steps),
        "limit_days": [policy.effective for policy in policies],
        "limits_s": [policy.response_limit_s for policy in policies],
        "level": level,
        "categories": None if wanted is None else list(wanted),
        "area_ids": None if query.street is None else areas_within(ground, query.street),
        "zone": ground.city.time_zone,
        **(OUTSIDE_BINDS if query.operation is None else query.operation.binds()),
    }
    counts = {row.pop("key"): row for row in map(dict, conn.execute(sql("response_counts"), given).mappings())}
    return ResponseTable(level, at, members(conn, ground, level, counts), counts)
