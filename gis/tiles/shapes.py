"""Geometry of a layer in memory as flat arrays (EPSG:3857), and what a tile shows of it in whole units.

Rounding to a tile's units moves a vertex by up to 0.71 units. A polygon whose minimum clearance is larger than twice
that stays valid, so most are rounded as they are, all at once. The others, and those that reach beyond the tile's
buffer, go through GEOS: rounded, clipped (in this order, as PostGIS does it), and where that made them invalid, clipped
and snapped with their topology.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import shapely
from numpy.typing import NDArray

from gis.tiles.mvt import Drawing, Ints, Shape, runs, sum_by
from gis.tiles.pyramid import BUFFER, EXTENT, Bounds, buffered, to_mercator

CLEAR = 1.5
"""Units; more than twice the furthest that rounding moves a vertex (square root of 2 together)."""
STICKING_OUT = EXTENT // 2
"""Units by which a feature may stick out of the buffered tile without being clipped."""
SHOWN = (-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
POLYGON, LINE = 3, 1
CLOSED = {"point": 0, "line": 0, "polygon": 1}


class Shapes:
    """Geometry of n features, none of them empty.

    Parameters
    ----------
    shape
        point, line (multilinestrings) or polygon (multipolygons).
    geometries
        Shapely geometries in EPSG:4326, of that kind or its single form.

    Attributes
    ----------
    points
        float64 of shape (n, 2), EPSG:3857: a point on each feature, by which it belongs to one tile.
    width
        Typical size of a feature in metres of EPSG:3857; 0 for points.
    """

    def __init__(self, shape: Shape, geometries: NDArray[np.object_]) -> None:
        self.shape: Shape = shape
        projected = shapely.transform(np.asarray(geometries, object), to_mercator)
        if shape == "point":
            self.coords = shapely.get_coordinates(projected)
            self.points = self.coords
            self.bounds = np.hstack([self.coords, self.coords])
            self.offsets: tuple[Ints, ...] = ()
        else:
            projected = _prepared(shape, projected)
            self.points = shapely.get_coordinates(shapely.point_on_surface(projected))
            self.bounds = shapely.bounds(projected).reshape(-1, 4)
            self.coords, self.offsets = _ragged(shape, projected)
        # Where the parts of each feature begin: its lines, or the rings of its polygons.
        self._parts_at = {
            "point": lambda: np.zeros(0, np.int64),
            "line": lambda: self.offsets[1],
            "polygon": lambda: self.offsets[1][self.offsets[2]],
        }[shape]()
        self.width = self._typical_width()
        self._order = np.argsort(self.bounds[:, 0], kind="stable")
        self._west = self.bounds[self._order, 0]
        self._south, self._east, self._north = (self.bounds[self._order, at].copy() for at in (1, 2, 3))
        # Further left than all that reach this far east nothing needs to be looked at.
        self._reach = np.maximum.accumulate(self._east) if len(self._east) else self._east
        self._clearance: NDArray[np.float64] | None = None
        self._lock = threading.Lock()

    def __len__(self) -> int:
        """Features."""
        return len(self.points)

    def _typical_width(self) -> float:
        if self.shape == "point" or not len(self.bounds):
            return 0.0
        sides = self.bounds[:, 2:] - self.bounds[:, :2]
        return float(np.median(sides.max(axis=1) if self.shape == "line" else np.sqrt(sides.prod(axis=1))))

    def meeting(self, box: Bounds) -> Ints:
        """Features whose bounding box meets a box (EPSG:3857), ascending."""
        west, south, east, north = box
        first = int(np.searchsorted(self._reach, west, "left"))
        last = int(np.searchsorted(self._west, east, "right"))
        some = slice(first, last)
        met = (self._east[some] >= west) & (self._south[some] <= north) & (self._north[some] >= south)
        found = self._order[some][met]
        found.sort()
        return found

    def drawn(self, bounds: Bounds) -> tuple[Drawing, Ints]:
        """What a tile shows, and of which features; those that vanish when rounded are left out.

        Parameters
        ----------
        bounds
            Of the tile, EPSG:3857.
        """
        box = buffered(bounds)
        rows = self.meeting(box)
        unit = (bounds[2] - bounds[0]) / EXTENT
        inside = self._within(rows, box)
        if self.shape == "point":
            units = np.rint(_to_units(self.coords[rows], bounds)).astype(np.int64)
            ones = np.ones(len(rows), np.int64)
            return Drawing("point", units, ones, ones), rows
        clear = self.clearance[rows] > CLEAR * unit if self.shape == "polygon" else np.ones(len(rows), bool)
        # What sticks out by less than half a tile is not clipped: clients do that themselves, and GEOS takes longest.
        far = unit * STICKING_OUT
        near = ~inside & clear & self._within(rows, (box[0] - far, box[1] - far, box[2] + far, box[3] + far))
        near[near] = self._reaching_in(rows[near], bounds)
        flat = (inside & clear) | near
        plain, rest = rows[flat], rows[~flat]
        found = [self._flat(plain, bounds)]
        if len(rest):
            changed, kept = _through_geos(self.shape, self._geometries(rest, bounds), clear[~flat])
            found.append(changed)
            plain = np.concatenate([plain, rest[kept]])
        units, vertices, parts = (np.concatenate(one) for one in zip(*found, strict=True))
        drawing, left = _without_repeats(self.shape, np.rint(units).astype(np.int64), vertices, parts)
        return drawing, plain[left]

    @property
    def clearance(self) -> NDArray[np.float64]:
        """How far vertices of each polygon may move without making it invalid, metres; worked out when first needed."""
        if self._clearance is None:
            with self._lock:
                if self._clearance is None:
                    shapes = shapely.from_ragged_array(shapely.GeometryType.MULTIPOLYGON, self.coords, self.offsets)
                    self._clearance = shapely.minimum_clearance(shapes)
        return self._clearance

    def _within(self, rows: Ints, box: Bounds) -> NDArray[np.bool_]:
        """Whether bounding boxes lie in a box, its edge included."""
        bounds = self.bounds[rows]
        return (bounds[:, 0] >= box[0]) & (bounds[:, 1] >= box[1]) & (bounds[:, 2] <= box[2]) & (bounds[:, 3] <= box[3])

    def _reaching_in(self, rows: Ints, bounds: Bounds) -> NDArray[np.bool_]:
        """Whether a vertex lies in the buffered tile, by a unit at least; the others may only seem to meet it."""
        units, vertices, parts = self._flat(rows, bounds)
        low, high = SHOWN[0] + 1, SHOWN[2] - 1
        seen = (units[:, 0] > low) & (units[:, 1] > low) & (units[:, 0] < high) & (units[:, 1] < high)
        of_parts = sum_by(np.asarray(seen, np.int64), vertices)
        found: NDArray[np.bool_] = sum_by(of_parts, parts) > 0
        return found

    def _flat(self, rows: Ints, bounds: Bounds) -> tuple[NDArray[np.float64], Ints, Ints]:
        """Coordinates in units, vertices of each part, parts of each feature."""
        parts = self._parts_at[rows + 1] - self._parts_at[rows]
        of_parts = runs(self._parts_at[rows], parts)
        vertices = self.offsets[0][of_parts + 1] - self.offsets[0][of_parts] - CLOSED[self.shape]
        return _to_units(self.coords[runs(self.offsets[0][of_parts], vertices)], bounds), vertices, parts

    def _geometries(self, rows: Ints, bounds: Bounds) -> NDArray[np.object_]:
        """Features as geometries in units of a tile, not rounded."""
        nested, chosen = [], rows
        for offsets in reversed(self.offsets):
            counts = offsets[chosen + 1] - offsets[chosen]
            nested.append(np.concatenate([[0], np.cumsum(counts)]))
            chosen = runs(offsets[chosen], counts)
        kind = shapely.GeometryType.MULTILINESTRING if self.shape == "line" else shapely.GeometryType.MULTIPOLYGON
        return shapely.from_ragged_array(kind, _to_units(self.coords[chosen], bounds), tuple(reversed(nested)))


def _to_units(coords: NDArray[np.float64], bounds: Bounds) -> NDArray[np.float64]:
    west, south, east, north = bounds
    answer = np.empty_like(coords)
    answer[:, 0] = (coords[:, 0] - west) * (EXTENT / (east - west))
    answer[:, 1] = (north - coords[:, 1]) * (EXTENT / (north - south))
    return answer


def _prepared(shape: Shape, projected: NDArray[np.object_]) -> NDArray[np.object_]:
    if shape == "line":
        return _collected(projected, shapely.multilinestrings, LINE)[0]
    broken = np.flatnonzero(~shapely.is_valid(projected))
    if len(broken):  # valid in degrees, but an edge that touched now crosses by the last bit
        repaired = shapely.make_valid(projected[broken], method="structure")
        # Near the poles nothing may be left; every feature keeps its row, and no tile will show it.
        projected[broken] = np.where(shapely.area(repaired) > 0, repaired, projected[broken])
    return shapely.orient_polygons(_collected(projected, shapely.multipolygons, POLYGON)[0], exterior_cw=True)


def _collected(
    geometries: NDArray[np.object_], collect: Callable[..., NDArray[np.object_]], kind: int
) -> tuple[NDArray[np.object_], Ints]:
    """Parts of one kind collected by the geometry that they come from, and which geometries have any."""
    parts, of = shapely.get_parts(geometries, return_index=True)
    if (shapely.get_type_id(parts) != kind).any():
        parts, of_part = shapely.get_parts(parts, return_index=True)  # a collection may hold multipolygons
        chosen = shapely.get_type_id(parts) == kind
        parts, of = parts[chosen], of[of_part[chosen]]
    filled = ~shapely.is_empty(parts)
    kept, group = np.unique(of[filled], return_inverse=True)
    return collect(parts[filled], indices=group), kept


def _ragged(shape: Shape, geometries: NDArray[np.object_]) -> tuple[NDArray[np.float64], tuple[Ints, ...]]:
    if not len(geometries):
        nothing = np.zeros(1, np.int64)
        return np.empty((0, 2)), (nothing,) * (2 if shape == "line" else 3)
    _, coords, offsets = shapely.to_ragged_array(geometries, include_z=False)
    return coords, tuple(np.asarray(one, np.int64) for one in offsets)


def _through_geos(
    shape: Shape, geometries: NDArray[np.object_], clear: NDArray[np.bool_]
) -> tuple[tuple[NDArray[np.float64], Ints, Ints], Ints]:
    """Rounded and clipped to the buffered tile: coordinates, vertices of each part, parts of each; and which are left.

    Parameters
    ----------
    geometries
        Multilinestrings or multipolygons in tile units.
    clear
        Of which it is known that rounding leaves them valid.
    """
    whole = shapely.transform(geometries, np.rint)
    clipped = shapely.clip_by_rect(whole, *SHOWN)
    if shape == "line":
        lines, kept = _collected(clipped, shapely.multilinestrings, LINE)
        coords, offsets = _ragged(shape, lines)
        return (coords, np.diff(offsets[0]), np.diff(offsets[1])), kept
    rounded = shapely.transform(clipped, np.rint)
    # Either rounding closed a gap, or fast clipping left parts that overlap, as it sometimes does: the thorough way.
    sound = shapely.is_valid(rounded)
    sound[~clear] &= shapely.is_valid(whole[~clear])
    doubtful = np.flatnonzero(~sound)
    if len(doubtful):
        rounded[doubtful] = _thoroughly(geometries[doubtful])
    rounded, kept = _collected(rounded, shapely.multipolygons, POLYGON)
    # GEOS takes y as up, so what it calls anticlockwise is clockwise as seen.
    coords, offsets = _ragged(shape, shapely.orient_polygons(rounded, exterior_cw=False))
    starts = offsets[0][:-1]
    vertices = np.diff(offsets[0]) - 1
    parts = np.diff(offsets[1][offsets[2]])
    return (coords[runs(starts, vertices)], vertices, parts), kept


def _thoroughly(geometries: NDArray[np.object_]) -> NDArray[np.object_]:
    """Clipped to the buffered tile and snapped to whole units; valid, perhaps empty."""
    broken = np.flatnonzero(~shapely.is_valid(geometries))
    geometries[broken] = shapely.make_valid(geometries[broken], method="structure")
    return shapely.set_precision(shapely.intersection(geometries, shapely.box(*SHOWN)), 1.0)


def _without_repeats(shape: Shape, units: Ints, vertices: Ints, parts: Ints) -> tuple[Drawing, Ints]:
    """Leave out vertices that repeat the one before, parts that are too short then, features without parts."""
    first = np.cumsum(vertices) - vertices
    moved = np.empty(len(units), bool)
    if len(units):
        moved[1:] = (units[1:] != units[:-1]).any(axis=1)
        last = first + vertices - 1
        moved[first] = True if shape == "line" else (units[first] != units[last]).any(axis=1)
    if moved.all():
        return Drawing(shape, units, vertices, parts), np.arange(len(parts))
    left = sum_by(moved.astype(np.int64), vertices)
    long = left >= (2 if shape == "line" else 3)
    moved &= np.repeat(long, vertices)
    kept_parts = sum_by(long.astype(np.int64), parts)
    kept = np.flatnonzero(kept_parts)
    return Drawing(shape, units[moved], left[long], kept_parts[kept]), kept
