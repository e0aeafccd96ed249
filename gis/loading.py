"""What every load has in common: staging rows beside the tables, and the account it gives afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
import pyproj
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.city import City
from gis.errors import RowProblem
from gis.geometry.datum import parse_crs
from gis.readers import Features
from gis.report_times import read_times
from gis.store.copying import CopyColumn, copy_in

SRID = 4326
FAR_DEG = 1.0  # a city may reach a little beyond the strip that its metric CRS is made for

# Column type of a staging table -> how its values are sent. Codes compare by code point, as in the tables themselves.
SENT_AS = {
    'text COLLATE "C"': "text",
    "integer": "int4",
    "date": "date",
    "timestamptz": "timestamptz",
    "geometry(Geometry, 4326)": "bytea",
    "geometry": "bytea",
}
TEXT, INTEGER, DATE, INSTANT, GEOMETRY, PLAIN_GEOMETRY = SENT_AS


@dataclass
class LoadSummary:
    """What a load found and did.

    Parameters
    ----------
    layer
        areas, cells, roads, tiers, coordinators, responsibles or categories.
    file
        Name of the file; None for a lattice.
    crs
        What its coordinates were in; empty where it has none.
    read
        Rows of the file, or cells of the lattice.
    counted
        What the next four count, where that is not the rows: `cells` for tiers, `responsibilities` for responsibles.
    added, changed, unchanged, retired
        What became of them in the city.
    reassigned
        Reports whose cell or segment changed by this.
    repairs
        Rows whose geometry was mended, and how.
    warnings
        What is allowed but should be looked at.
    """

    layer: str
    file: str | None = None
    crs: str = ""
    read: int = 0
    counted: str = ""
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    retired: int = 0
    reassigned: int = 0
    repairs: list[RowProblem] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, layer: str, features: Features) -> LoadSummary:
        """The account of a file that was read and not stored yet."""
        return cls(
            layer,
            features.path.name,
            features.crs,
            features.rows,
            repairs=features.repairs,
            warnings=list(features.notes),
        )

    @property
    def changes(self) -> bool:
        """Whether the city differs from before."""
        return bool(self.added or self.changed or self.retired)

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "layer": self.layer,
            "file": self.file,
            "crs": self.crs,
            "read": self.read,
            "counted": self.counted or self.layer,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "retired": self.retired,
            "reassigned": self.reassigned,
            "repairs": [{"row": one.row, "code": one.code, "reason": one.reason} for one in self.repairs],
            "warnings": self.warnings,
        }

    def merged(self, touched: list[bool]) -> None:
        """Count what a merge answered: one entry per row it wrote, True where that row is new."""
        self.added += sum(touched)
        self.changed += len(touched) - sum(touched)
        self.unchanged = self.read - self.added - self.changed


def stage(conn: Connection, table: str, columns: dict[str, tuple[str, Any]]) -> None:
    """Put rows into a temporary table that lives as long as the transaction; one of that name is replaced.

    Parameters
    ----------
    columns
        Name -> (TEXT, INTEGER, DATE, INSTANT, GEOMETRY or PLAIN_GEOMETRY, n values). Integers, days since 1970 and
        microseconds since 1970 UTC may be None; geometry is shapely, with SRID 4326 or, plain, without any.
    """
    definition = ", ".join(f'"{name}" {kind}' for name, (kind, _) in columns.items())
    conn.execute(text(f"DROP TABLE IF EXISTS pg_temp.{table}"))
    conn.execute(text(f"CREATE TEMPORARY TABLE {table} ({definition}) ON COMMIT DROP"))
    copy_in(conn, table, [_column(name, kind, values) for name, (kind, values) in columns.items()])
    conn.execute(text(f"ANALYZE {table}"))


def _column(name: str, kind: str, values: Any) -> CopyColumn:
    sent = SENT_AS[kind]
    if kind == TEXT:
        return CopyColumn(name, sent, pa.array(values, pa.string()))
    if kind in (GEOMETRY, PLAIN_GEOMETRY):
        return CopyColumn(name, sent, pa.array(ewkb(values, SRID if kind == GEOMETRY else 0), pa.binary()))
    valid = np.array([value is not None for value in values], dtype=bool)
    return CopyColumn(name, sent, np.array([value or 0 for value in values], dtype=np.int64), valid)


def ewkb(geometry: Any, srid: int = SRID) -> list[bytes]:
    """Geometry as PostGIS keeps it; an SRID of 0 is none."""
    marked = shapely.set_srid(np.asarray(geometry, dtype=object), srid)
    return list(shapely.to_wkb(marked, include_srid=True, byte_order=1))


class Shaped(Protocol):
    """Anything with a polygon."""

    @property
    def geometry(self) -> shapely.Geometry:
        """In longitude, latitude."""


def shapes_of(things: Sequence[Shaped]) -> NDArray[np.object_]:
    """The geometry of each, as an array."""
    shapes = np.empty(len(things), dtype=object)
    shapes[:] = [thing.geometry for thing in things]
    return shapes


def reject_elsewhere(features: Features, city: City) -> None:
    """Reject rows far from where the city's metric CRS is used: swapped coordinates and wrong datums end up there."""
    used = pyproj.CRS.from_user_input(parse_crs(city.metric_crs).name).area_of_use
    if features.geometry is None or used is None:
        return
    box = shapely.box(used.west, used.south, used.east, used.north)
    there = ~shapely.is_missing(features.geometry)
    far = there & ~shapely.dwithin(features.geometry, box, FAR_DEG)
    for at in np.flatnonzero(far).tolist():
        lon, lat = shapely.get_coordinates(features.geometry[at])[0].tolist()
        features.reject(
            at,
            f"it lies at longitude {lon:.4f}, latitude {lat:.4f}, far from where {city.metric_crs} is used "
            f"({used.west} to {used.east}, {used.south} to {used.north}): swapped, another datum, or another city?",
        )


@dataclass(frozen=True)
class Ends:
    """One end of each row's time, None where it is open.

    Parameters
    ----------
    days
        Days since 1970 in the city's time zone.
    instants
        Microseconds since 1970 UTC.
    """

    days: list[int | None]
    instants: list[int | None]


def spans(features: Features, first: str, stop: str, city: City) -> tuple[Ends, Ends]:
    """Read the fields `first` (included) and `stop` (excluded) as times of the city; empty is open.

    Rows whose times cannot be read, or that stop before they begin, are rejected.
    """
    begin, end = _ends(features, first, city), _ends(features, stop, city)
    for at, (from_us, to_us) in enumerate(zip(begin.instants, end.instants, strict=True)):
        if from_us is not None and to_us is not None and to_us <= from_us:
            features.reject(at, f"its {stop} is not after its {first}; {stop} is the first instant no longer included")
    return begin, end


def _ends(features: Features, name: str, city: City) -> Ends:
    texts = features.column(name)
    times = read_times(pa.array(texts, pa.string()), city.time_zone)
    ends = Ends([None] * features.rows, [None] * features.rows)
    for at, value in enumerate(texts):
        if value is not None and not times.readable[at]:
            features.reject(at, f"its {name} {value!r} is no date or time; write 2016-06-01 or 2016-06-01T08:00:00")
        elif value is not None:
            ends.days[at], ends.instants[at] = int(times.day[at]), int(times.instant_us[at])
    return ends
