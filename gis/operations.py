"""Special operations 专项行动: a named polygon and a window whose problems and work can be shown alone (clause 13)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gis.city import read_city
from gis.errors import NotFound, ParameterError
from gis.instants import midnight
from gis.loading import GEOMETRY, INSTANT, TEXT, LoadSummary, reject_elsewhere, spans, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, sql

OPERATIONS = Layout("operations", ("code", "name", "valid_from", "valid_to"), ("name_en",), "polygon")
LAYER = "operations"
DAY = timedelta(days=1)
SHOWN = 8


@dataclass(frozen=True)
class Operation:
    """A special operation.

    Parameters
    ----------
    valid_from, valid_to
        Its window, aware, half-open.
    area_km2
        Geodesic, exact.
    """

    id: int
    code: str
    name: str
    name_en: str | None
    valid_from: datetime
    valid_to: datetime
    area_km2: Decimal

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """The days of the city that its window touches, the second one exclusive."""
        return _days_of(self.valid_from, self.valid_to, zone)

    def as_dict(self) -> dict[str, Any]:
        """What is said of it, without its shape."""
        names = ("code", "name", "name_en", "valid_from", "valid_to", "area_km2")
        return {name: getattr(self, name) for name in names}


def _days_of(from_at: datetime, to_at: datetime, zone: ZoneInfo) -> tuple[date, date]:
    last = to_at.astimezone(zone) - timedelta(microseconds=1)
    return from_at.astimezone(zone).date(), last.date() + DAY


@dataclass(frozen=True)
class Inside:
    """The inside of an operation: its polygon, and the part of its window that is asked about.

    A point is inside where the polygon covers it, the edge included, an instant where the window holds it: the first
    instant is in, the last is not.

    Parameters
    ----------
    from_at, to_at
        Aware, half-open.
    from_day, to_day
        The days of the city that hold these, `to_day` exclusive.
    """

    operation: Operation
    from_at: datetime
    to_at: datetime
    from_day: date
    to_day: date

    @property
    def days(self) -> float:
        """Its length: an operation may begin and end within a day."""
        return (self.to_at - self.from_at) / DAY

    def binds(self) -> dict[str, Any]:
        """Values of the parameters by which a question keeps to the inside."""
        return {
            "operation": self.operation.id,
            "from_at": self.from_at,
            "to_at": self.to_at,
            "from_day": self.from_day,
            "to_day": self.to_day,
        }

    def before(self, zone: ZoneInfo) -> Inside:
        """The same place over the same length of time, just before."""
        from_at, to_at = self.from_at - (self.to_at - self.from_at), self.from_at
        return Inside(self.operation, from_at, to_at, *_days_of(from_at, to_at, zone))


def named(inside: Inside | None) -> dict[str, Any]:
    """What an answer says of the special operation that it keeps to; nothing without one."""
    if inside is None:
        return {}
    facts = {"code": inside.operation.code, "name": inside.operation.name}
    return {"operation": {**facts, "from": inside.from_at, "to": inside.to_at}}


OUTSIDE_BINDS: dict[str, Any] = {"operation": None, "from_at": None, "to_at": None}
"""For questions that can be asked with and without an operation."""


def inside(conn: Connection, code: str, from_day: date | None = None, to_day: date | None = None) -> Inside:
    """The inside of the operation `code`, narrowed to some of its days.

    Parameters
    ----------
    from_day, to_day
        Days of the city among those of the operation, `to_day` exclusive; None: from its beginning, to its end.

    Raises
    ------
    ParameterError
        There is no such operation, or it has no such day.
    """
    zone = read_city(conn).zone
    found = operations(conn, code)
    if not found:
        names = [one.code for one in operations(conn)]
        there = f"there are {', '.join(names[:SHOWN])}{', ...' if len(names) > SHOWN else ''}" if names else "none yet"
        raise ParameterError("operation", f"there is no special operation {code[:60]!r}; {there}")
    operation = found[0]
    first, after = operation.days(zone)
    for name, day, last in (("from", from_day, after - DAY), ("to", to_day, after)):
        if day is not None and not (first if name == "from" else first + DAY) <= day <= last:
            msg = (
                f"{day} is none of the days of {operation.code}: leave it out, or choose within from={first} to={after}"
            )
            raise ParameterError(name, msg)
    if from_day is not None and to_day is not None and to_day <= from_day:
        raise ParameterError("to", f"must be after from={from_day}; it is exclusive")
    from_at, to_at = operation.valid_from, operation.valid_to
    if from_day is not None:
        from_at = max(from_at, midnight("from", from_day, zone))
    if to_day is not None:
        to_at = min(to_at, midnight("to", to_day, zone))
    return Inside(operation, from_at, to_at, from_day or first, to_day or after)


def operations(conn: Connection, code: str | None = None) -> list[Operation]:
    """All special operations, the latest first; or the one with a code, if there is one."""
    if code is not None and "\0" in code:
        return []
    return [Operation(*row) for row in conn.execute(sql("operations"), {"code": code})]


def read_operation(conn: Connection, code: str) -> Operation:
    """One special operation.

    Raises
    ------
    NotFound
        There is none of that code.
    """
    found = operations(conn, code)
    if not found:
        msg = f"there is no special operation {code[:60]!r}; GET /operations lists all"
        raise NotFound(msg)
    return found[0]


def shape_texts(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Their polygons as GeoJSON text in longitude, latitude, by id."""
    rows = conn.execute(sql("operation_shapes"), {"ids": list(ids)})
    return {row.id: row.shape.encode() for row in rows}


def load_operations(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load special operations; one that is stored under the same code becomes what the file says.

    `valid_from` is the first instant, `valid_to` the first no longer: ISO days or times, of the city where they name no
    zone; both are needed.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    return store_operations(conn, read_features(path, crs, mapping or {}, OPERATIONS, layer=layer, encoding=encoding))


def store_operations(conn: Connection, features: Features) -> LoadSummary:
    """Judge and store operations by their code.

    Raises
    ------
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    city = read_city(conn)
    first, stop = spans(features, "valid_from", "valid_to", city)
    reject_elsewhere(features, city)
    _judge(features)
    features.refuse()
    summary = LoadSummary.of(LAYER, features)
    columns: dict[str, tuple[str, Any]] = {name: (TEXT, features.column(name)) for name in ("code", "name", "name_en")}
    columns |= {"first": (INSTANT, first.instants), "stop": (INSTANT, stop.instants)}
    stage(conn, "incoming_operations", {**columns, "geom": (GEOMETRY, features.geometry)})
    summary.merged([row.added for row in conn.execute(sql("merge_operations"))])
    for code in conn.execute(sql("operations_beside_cells")).scalars():
        summary.warnings.append(f"{code} touches no cell: nothing inside it is counted in a cell")
    if summary.changes:
        bump_version(conn, LAYER)
    return summary


def _judge(features: Features) -> None:
    rows: dict[str, int] = {}
    fields = [features.column(name) for name in ("code", "name", "valid_from", "valid_to")]
    for at, (code, name, begins, ends) in enumerate(zip(*fields, strict=True)):
        named = {"code": code, "name": name, "valid_from": begins, "valid_to": ends}
        if missing := [field for field, value in named.items() if not value]:
            features.reject(at, f"it has no {' and no '.join(missing)}")
        elif code is not None and (other := rows.setdefault(code, at + 1)) != at + 1:
            features.reject(at, f"the code {code} stands in row {other}, too")
