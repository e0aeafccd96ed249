"""Facilities 设施: parking places with their spaces, public toilets, ..., and how they grow over time (clause 12)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gis.city import read_city
from gis.errors import ParameterError
from gis.evidence_files import (
    area_ids,
    days_of,
    reject_long,
    reject_repeated,
    reject_reversed,
    reject_without,
    whole_numbers,
)
from gis.ground import Area, Ground
from gis.loading import DATE, GEOMETRY, INTEGER, TEXT, LoadSummary, reject_elsewhere, stage
from gis.period_counts import periods_between
from gis.readers import Layout, read_features
from gis.rules.periods import Period
from gis.satisfaction import CITY_LEVEL
from gis.store.database import bump_version, sql

LAYER = "facilities"
DAY = timedelta(days=1)
NEEDED = ("code", "kind", "name", "valid_from")
FACILITIES = Layout("facilities", NEEDED, ("valid_to", "capacity", "area_code"), "point or polygon")
COLUMNS = ("code", "kind", "name", "capacity", "valid_from", "valid_to", "area_code", "area_name")
GROWTH_COLUMNS = (
    "code",
    "name",
    "period",
    "count",
    "capacity",
    "added",
    "removed",
    "capacity_added",
    "capacity_removed",
)


@dataclass(frozen=True)
class Facility:
    """A facility 设施.

    Parameters
    ----------
    kind
        A free code: parking_place, public_toilet, ...
    capacity
        Spaces, seats, ...; None: not counted in any.
    valid_from, valid_to
        First day there, first day no longer; None: it is there.
    area_id
        The area it belongs to; None: it lies outside all.
    """

    id: int
    code: str
    kind: str
    name: str
    capacity: int | None
    valid_from: date
    valid_to: date | None
    area_id: int | None

    def is_there(self, day: date) -> bool:
        """Whether it is there on a day."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


def facilities(conn: Connection, *, kind: str | None = None, on_day: date | None = None) -> list[Facility]:
    """Facilities by code: all, those of a kind, those there on a day."""
    if "\0" in (kind or ""):
        return []
    return [Facility(*row) for row in conn.execute(sql("facilities"), {"kind": kind, "on_day": on_day})]


def facility_rows(ground: Ground, found: Sequence[Facility]) -> list[dict[str, Any]]:
    """Facilities with the name of their area."""
    rows = []
    for one in found:
        area = ground.areas.get(one.area_id or 0)
        own = {"area_code": area.code if area else None, "area_name": area.name if area else None}
        rows.append({name: own[name] if name in own else getattr(one, name) for name in COLUMNS})
    return rows


def facility_shapes(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Their outlines, else their points, as GeoJSON text in longitude, latitude, by id."""
    return {row.id: row.shape.encode() for row in conn.execute(sql("facility_shapes"), {"ids": list(ids)})}


@dataclass(frozen=True)
class GrowthQuery:
    """Whose growth, and when.

    Parameters
    ----------
    level
        `city`, or a level of areas that the city has.
    from_day, to_day
        Days of the city, `to_day` exclusive; the periods that hold them are counted whole.
    by
        `period` (ten days) or `month`.
    kind
        None: all kinds together.
    """

    level: str
    from_day: date
    to_day: date
    by: str = "period"
    kind: str | None = None


def growth(conn: Connection, ground: Ground, query: GrowthQuery) -> list[dict[str, Any]]:
    """Facilities there at the end of each period, and what came and went in it, by area.

    The count of a period is that of the one before, plus added, minus removed: a facility is added in the period that
    holds its first day, and removed in the one that holds the first day it is gone. Facilities outside all areas count
    for the city alone.

    Raises
    ------
    ParameterError
        There is no such level or step, or the window is wrong.
    """
    levels = (CITY_LEVEL, *ground.city.area_levels)
    if query.level not in levels:
        raise ParameterError("level", f"there are {', '.join(levels)}, not {query.level[:40]!r}")
    periods = periods_between(query.from_day, query.to_day, query.by)
    found = facilities(conn, kind=query.kind)
    if query.level == CITY_LEVEL:
        return _rows(ground.city.code, ground.city.name, found, periods)
    of_area: dict[int, list[Facility]] = {}
    for one in found:
        area = _area_of(ground, one.area_id, query.level)
        if area is not None:
            of_area.setdefault(area.id, []).append(one)
    rows = []
    for area in ground.areas.values():
        if area.level == query.level:
            rows += _rows(area.code, area.name, of_area.get(area.id, []), periods)
    return rows


def _area_of(ground: Ground, area_id: int | None, level: str) -> Area | None:
    return None if area_id is None or area_id not in ground.areas else ground.area_of(area_id, level)


def _rows(code: str, name: str, found: Sequence[Facility], periods: Sequence[Period]) -> list[dict[str, Any]]:
    rows = []
    for period in periods:
        there = [one for one in found if one.is_there(period.after - DAY)]
        added = [one for one in found if one.valid_from in period]
        removed = [one for one in found if one.valid_to is not None and one.valid_to in period]
        rows.append(
            {
                "code": code,
                "name": name,
                "period": period.name,
                "count": len(there),
                "capacity": _capacity(there),
                "added": len(added),
                "removed": len(removed),
                "capacity_added": _capacity(added),
                "capacity_removed": _capacity(removed),
            }
        )
    return rows


def _capacity(found: Sequence[Facility]) -> int:
    return sum(one.capacity or 0 for one in found)


def load_facilities(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load facilities; one that is stored under the same code becomes what the file says, the others stay.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    city = read_city(conn)
    features = read_features(path, crs, mapping or {}, FACILITIES, layer=layer, encoding=encoding)
    reject_elsewhere(features, city)
    reject_without(features, NEEDED)
    reject_long(features, "code", "kind")
    reject_repeated(features, "code")
    first, stop = days_of(features, "valid_from"), days_of(features, "valid_to")
    reject_reversed(features, first, stop)
    columns: dict[str, tuple[str, Any]] = {name: (TEXT, features.column(name)) for name in ("code", "kind", "name")}
    columns["capacity"] = (INTEGER, whole_numbers(features, "capacity"))
    columns["area_id"] = (INTEGER, area_ids(conn, features, city.area_levels))
    features.refuse()
    columns |= {"valid_from": (DATE, first), "valid_to": (DATE, stop)}
    stage(conn, "incoming_facilities", {**columns, "geom": (GEOMETRY, features.geometry)})
    summary = LoadSummary.of(LAYER, features)
    summary.merged(list(conn.execute(sql("merge_facilities")).scalars()))
    if summary.changes:
        bump_version(conn, LAYER)
    return summary
