"""Geometry as it comes: moved to WGS 84, checked, made valid where possible, refused with a reason where not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.errors import RowProblem
from gis.geometry.datum import SourceCrs, geometry_to_wgs84, to_wgs84
from gis.geometry.overlay import geodesic_area_m2

Geometries = NDArray[np.object_]

KINDS: dict[str, tuple[str, ...]] = {
    "polygon": ("Polygon", "MultiPolygon"),
    "line": ("LineString", "MultiLineString"),
    "point": ("Point",),
    "point or polygon": ("Point", "Polygon", "MultiPolygon"),
    "point, line or polygon": ("Point", "MultiPoint", "LineString", "MultiLineString", "Polygon", "MultiPolygon"),
}
# Where a ring touches itself a repair leaves crumbs of some square millimetres.
CRUMB_M2 = 1.0


@dataclass
class Shapes:
    """What came out: valid geometry in WGS 84 (None where refused), and what was repaired or refused and why."""

    geometry: Geometries
    repairs: list[RowProblem]
    problems: list[RowProblem]


def clean_shapes(geometry: Geometries, kind: str, crs: SourceCrs, labels: Sequence[str | None]) -> Shapes:
    """Check every geometry and repair what can be.

    Invalid polygons are repaired by shapely.make_valid(method="structure"): rings are built anew, what collapses to a
    line is dropped, so that the area is kept as far as the rings mean one.

    Parameters
    ----------
    geometry
        Shapely geometries or None, in `crs`.
    kind
        polygon, line or point: which one every row must have; or several of them.
    labels
        Code or name of each row, for the messages.

    Returns
    -------
    Shapes
        MultiPolygon, MultiLineString, Point or MultiPoint, two-dimensional, longitude and latitude in degrees.
    """
    shapes = Shapes(np.full(len(geometry), None, dtype=object), [], [])

    def refuse(rows: NDArray[np.bool_], reason: str) -> None:
        shapes.problems += [RowProblem(at + 1, reason, labels[at]) for at in np.flatnonzero(rows).tolist()]

    missing = shapely.is_missing(geometry) | shapely.is_empty(geometry)
    refuse(missing, f"it has no geometry; a {kind} is needed")
    types = np.array(["" if one is None else one.geom_type for one in geometry], dtype=object)
    wrong = ~missing & ~np.isin(types, KINDS[kind])
    for name in sorted(set(types[wrong])):
        refuse(wrong & (types == name), f"its geometry is a {name}; a {kind} is needed")
    accepted = geometry.copy()
    accepted[missing | wrong] = None
    for at, reason in _bad_coordinates(accepted, crs):
        accepted[at] = None
        shapes.problems.append(RowProblem(at + 1, reason, labels[at]))
    shapes.geometry[:] = geometry_to_wgs84(accepted, crs)
    _repair(shapes, np.flatnonzero(_are(accepted, "polygon")), labels)
    shapes.geometry[:] = _as_multi(shapes.geometry)
    return shapes


def _bad_coordinates(geometry: Geometries, crs: SourceCrs) -> list[tuple[int, str]]:
    """Rows with a coordinate that is no number or not on Earth, and what is wrong with the first such."""
    coords, of = shapely.get_coordinates(geometry, return_index=True)
    lon, lat = to_wgs84(coords[:, 0], coords[:, 1], crs)
    bad = np.flatnonzero(~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)))
    rows, first = np.unique(of[bad], return_index=True)
    return [
        (row, _why_bad(float(x), float(y), crs)) for row, (x, y) in zip(rows.tolist(), coords[bad[first]], strict=True)
    ]


def _why_bad(x: float, y: float, crs: SourceCrs) -> str:
    if not (np.isfinite(x) and np.isfinite(y)):
        return f"the coordinate ({x}, {y}) is not a number"
    if crs.name.startswith("EPSG:") and crs.name not in {"EPSG:4326", "EPSG:4490"}:
        return f"the coordinate ({x}, {y}) is no position in {crs.name} ({crs.title})"
    if abs(x) <= 90 < abs(y) <= 180:
        return f"the coordinate ({x}, {y}) is outside longitude +-180, latitude +-90: are the two swapped?"
    return f"the coordinate ({x}, {y}) is outside longitude +-180, latitude +-90: is it in {crs.title} at all?"


def _repair(shapes: Shapes, rows: NDArray[np.intp], labels: Sequence[str | None]) -> None:
    broken = rows[~shapely.is_valid(shapes.geometry[rows])]
    if not len(broken):
        return
    before = shapes.geometry[broken]
    after = shapely.make_valid(before, method="structure", keep_collapsed=False)
    after = np.array([_polygonal(one) for one in after], dtype=object)
    reasons = shapely.is_valid_reason(before)
    change = geodesic_area_m2(after) - geodesic_area_m2(before)
    for at, reason, geometry, change_m2 in zip(broken.tolist(), reasons, after, change.tolist(), strict=True):
        if geometry is None:
            text = f"{_readable(reason)}: no area remains when repaired"
            shapes.problems.append(RowProblem(at + 1, text, labels[at]))
        else:
            text = f"{_readable(reason)}: repaired, its area changed by {round(change_m2, 2) + 0.0:+.2f} m2"
            shapes.repairs.append(RowProblem(at + 1, text, labels[at]))
        shapes.geometry[at] = geometry


def _readable(reason: str) -> str:
    """GEOS says `Self-intersection[113.6 34.7]`; people read `Self-intersection at (113.6, 34.7)`."""
    what, bracket, where = reason.partition("[")
    return f"{what.strip()} at ({', '.join(where.rstrip(']').split())})" if bracket else what


def _polygonal(geometry: shapely.Geometry) -> shapely.Geometry | None:
    """The polygons of a repaired geometry; crumbs beside larger ones are dropped, as no cell could be made of them."""
    parts = np.array(
        [part for part in shapely.get_parts(shapely.get_parts(geometry)) if part.geom_type == "Polygon" and part.area],
        dtype=object,
    )
    whole = parts[geodesic_area_m2(parts) >= CRUMB_M2] if len(parts) else parts
    return shapely.multipolygons(whole if len(whole) else parts) if len(parts) else None


def _are(geometry: Geometries, kind: str) -> NDArray[np.bool_]:
    """Which are of a kind."""
    return np.array([one is not None and one.geom_type in KINDS[kind] for one in geometry], dtype=bool)


def _as_multi(geometry: Geometries) -> Geometries:
    """Polygons and lines as their multi types; points as they are."""
    multi = geometry.copy()
    for kind, build in (("polygon", shapely.multipolygons), ("line", shapely.multilinestrings)):
        rows = np.flatnonzero(_are(geometry, kind))
        parts, owner = shapely.get_parts(geometry[rows], return_index=True)
        if len(parts):
            multi[rows] = build(parts, indices=owner)
    return multi
