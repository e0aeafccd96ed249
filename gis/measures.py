"""Engineering measures 工程措施: barriers, bollards, pocket greens, parking spaces: where, since when, at what cost.

Whether one helped is the question of `gis.effects` (clause 12).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import shapely
from sqlalchemy import Connection

from gis.city import read_city
from gis.errors import NotFound
from gis.evidence_files import days_of, reject_long, reject_repeated, reject_reversed, reject_without, whole_numbers
from gis.loading import DATE, GEOMETRY, TEXT, LoadSummary, reject_elsewhere, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, sql

LAYER = "measures"
NEEDED = ("ref", "kind", "name", "valid_from")
MEASURES = Layout("measures", NEEDED, ("valid_to", "begun", "cost_yuan"), "point, line or polygon")
MOST_YUAN = 10**15
COLUMNS = (
    "ref",
    "kind",
    "name",
    "valid_from",
    "valid_to",
    "begun",
    "cost_yuan",
    "shape",
    "length_m",
    "area_m2",
)


@dataclass(frozen=True)
class Measure:
    """An engineering measure 工程措施.

    Parameters
    ----------
    kind
        A free code: barrier, bollard, pocket_green, exercise_equipment, park, parking_spaces, ...
    valid_from, valid_to
        First day in place, first day no longer; None: it is there.
    begun
        First day of the works; None: the day it was in place.
    cost_yuan
        None: not known.
    shape
        point, line or polygon.
    length_m, area_m2
        Geodesic; 0 for other shapes.
    """

    id: int
    ref: str
    kind: str
    name: str
    valid_from: date
    valid_to: date | None
    begun: date | None
    cost_yuan: int | None
    shape: str
    length_m: Decimal
    area_m2: Decimal

    def as_dict(self) -> dict[str, Any]:
        """What is said of it, without its shape."""
        sizes = {"length_m": float(self.length_m), "area_m2": float(self.area_m2)}
        return {name: sizes[name] if name in sizes else getattr(self, name) for name in COLUMNS}


def measures(
    conn: Connection, *, ref: str | None = None, kind: str | None = None, on_day: date | None = None
) -> list[Measure]:
    """Measures by ref: all, those of a kind, those in place on a day."""
    if "\0" in (ref or "") + (kind or ""):
        return []
    return [Measure(*row) for row in conn.execute(sql("measures"), {"ref": ref, "kind": kind, "on_day": on_day})]


def read_measure(conn: Connection, ref: str) -> Measure:
    """One measure.

    Raises
    ------
    NotFound
        There is none of that ref.
    """
    found = measures(conn, ref=ref)
    if not found:
        msg = f"there is no measure {ref[:60]!r}; GET /measures lists all"
        raise NotFound(msg)
    return found[0]


def measure_shapes(conn: Connection, ids: Sequence[int]) -> dict[int, bytes]:
    """Their shapes as drawn, as GeoJSON text in longitude, latitude, by id."""
    return {row.id: row.shape.encode() for row in conn.execute(sql("measure_shapes"), {"ids": list(ids)})}


def load_measures(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load measures; one that is stored under the same ref becomes what the file says, the others stay.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    city = read_city(conn)
    features = read_features(path, crs, mapping or {}, MEASURES, layer=layer, encoding=encoding)
    reject_elsewhere(features, city)
    _reject_degenerate(features)
    reject_without(features, NEEDED)
    reject_long(features, "ref", "kind")
    reject_repeated(features, "ref")
    first, stop, begun = (days_of(features, name) for name in ("valid_from", "valid_to", "begun"))
    reject_reversed(features, first, stop)
    for at, (works, in_place) in enumerate(zip(begun, first, strict=True)):
        if works is not None and in_place is not None and works > in_place:
            features.reject(at, "its works began after it was in place: begun is not after valid_from")
    costs = whole_numbers(features, "cost_yuan", 0, MOST_YUAN)
    features.refuse()
    columns: dict[str, tuple[str, Any]] = {name: (TEXT, features.column(name)) for name in ("ref", "kind", "name")}
    columns |= {"valid_from": (DATE, first), "valid_to": (DATE, stop), "begun": (DATE, begun)}
    columns["cost_yuan"] = (TEXT, [None if cost is None else str(cost) for cost in costs])
    stage(conn, "incoming_measures", {**columns, "geom": (GEOMETRY, features.geometry)})
    summary = LoadSummary.of(LAYER, features)
    summary.merged(list(conn.execute(sql("merge_measures")).scalars()))
    if summary.changes:
        bump_version(conn, LAYER)
    return summary


def _reject_degenerate(features: Features) -> None:
    """Reject lines without length; polygons were repaired or refused before."""
    if features.geometry is None:
        return
    for at in np.flatnonzero(~shapely.is_missing(features.geometry) & ~shapely.is_valid(features.geometry)).tolist():
        features.reject(at, f"its geometry is not valid: {shapely.is_valid_reason(features.geometry[at])}")
