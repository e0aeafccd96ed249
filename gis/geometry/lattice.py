"""Square grid cells (单元网格) and their codes, for communities whose cells nobody has surveyed.

The lattice lines are the multiples of the cell size in a metric CRS, counted from that CRS's own origin, so that
neighbouring parents are cut along the same lines. Everything after that happens in plain longitude, latitude: a lattice
line is the chain of straight segments between the corners of the lattice, transformed once each. All lines are noded
together and polygonised, so that neighbouring cells share their edges vertex by vertex and nothing is lost or doubled.

What holds exactly: the cells of one parent are a valid coverage, and their union is the parent up to the last bit of a
coordinate (a node put on a slanting edge is rounded, about 1e-14 degrees). Where two parents share a border, each gets
its own nodes where lattice lines cross it: the same up to that rounding, 1e-12 degrees at worst; or, where a line is
led through a vertex of one parent less than a ten-thousandth of a square away, up to as much apart along the border,
which makes neither gap nor overlap.

A geodesic area takes the edge between two vertices for a geodesic, not for the straight line in degrees that ST_Covers
and this module mean; between them lie up to L^3 tan(latitude) / 12 R, 9 m2 for an edge of 1 km at 35 N. Nodes bring the
two together. So the geodesic areas of the cells add up to that of the parent with their nodes in its border, and to
that of the parent as delivered as far as these slices cancel: to 1e-7 for a square of 10 km, to 1e-5 for a triangle of
1 km.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from gis.errors import CodeOverflow, ParameterError
from gis.geometry.datum import metric_transformer

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MAX_SQUARES = 1_000_000  # of the box around one parent; 100 km by 100 km at 100 m
MAX_AXIS_ERROR = 0.01  # scale, and turns above 8 degrees; a CRS made for the place stays below 0.003
SNAP_SHARE = 1e-4  # of a side, 1 cm at 100 m: more than a side bends or a file rounds, less than is drawn on purpose
METRES_PER_DEGREE = 111_320.0
TOO_NEAR_DEG = 1e-9  # 0.1 mm; a point this near to a face's edge may be on the wrong side of another line
ROUNDING = 1e-6  # of a square; pieces this small are left by rounding and are merged whatever `min_share` says


@dataclass(frozen=True)
class LatticeCell:
    """One cell of a lattice, clipped to its parent.

    Attributes
    ----------
    geometry : Polygon or MultiPolygon
        Longitude, latitude in degrees. A MultiPolygon only where the whole parent is one and smaller than a square.
    row : int
        From the north: row 0 is the northernmost that a cell of this parent has.
    column : int
        From the west: column 0 is the westernmost that a cell of this parent has.
    """

    geometry: shapely.Polygon | shapely.MultiPolygon
    row: int
    column: int


def square_cells(
    parent: shapely.Polygon | shapely.MultiPolygon, metric_crs: str, size_m: float = 100.0, min_share: float = 0.25
) -> list[LatticeCell]:
    """Cut a community, street or district into square cells that tile it without gap or overlap.

    Parameters
    ----------
    parent : Polygon or MultiPolygon
        Longitude, latitude in degrees (WGS 84); may be concave and have holes; z is dropped.
    metric_crs : str
        Projected CRS in metres, see `gis.geometry.datum.metric_transformer`; its northing and easting are what rows and
        columns follow.
    size_m : float
        Side of a square in metres of that CRS, above 0.
    min_share : float
        0 to 0.5. A piece with less than this share of a square is merged into the neighbour it shares the longest
        border with, smallest piece first; equal borders go to the one that comes first in code order. A piece without
        a neighbour (a small island) stays a cell. 0 merges only what rounding leaves (a millionth of a square).

    Returns
    -------
    list of LatticeCell
        In code order (rulebook 1): rows from north to south, within a row from west to east by column. Pieces of one
        square that the border separates stay separate cells; among them the one that reaches further west (to a
        thousandth of a square), then further north, comes first. A merged cell has row and column of its largest
        piece. A parent not larger than one square is one cell.

    Raises
    ------
    ParameterError
        Parent empty, invalid, not polygonal or not in degrees; size or share out of range; too many squares; or metric
        CRS not made for this place (its axes more than 1 % too long or turned by more than 8 degrees).
    CrsError
        See `metric_transformer`.
    """
    outline = _checked(parent, size_m, min_share)
    transformer = metric_transformer(metric_crs)
    _check_place(outline, metric_crs, transformer)
    # A straight edge in degrees bends in metres, so a densified outline is measured.
    west, south, east, north = outline.bounds
    drawn = _to_metric(shapely.segmentize(np.array([outline]), max(east - west, north - south) / 64), transformer)
    if shapely.area(drawn)[0] <= size_m * size_m:
        return [LatticeCell(outline, 0, 0)]
    faces = _faces(outline, _lattice_segments(outline, shapely.total_bounds(drawn), transformer, size_m))
    row, column = _squares(faces, transformer, size_m)
    order = _reading_order(faces, row, column, transformer, size_m)
    faces, row, column = faces[order], row[order], column[order]
    cell_of = _merged(faces, transformer, max(min_share, ROUNDING) * size_m * size_m)
    largest = np.unique(cell_of)
    cells, row, column = _united(faces, cell_of, largest), row[largest], column[largest]
    order = _reading_order(cells, row, column, transformer, size_m)
    row, column = row - row.min(), column - column.min()
    return [LatticeCell(cells[i], int(row[i]), int(column[i])) for i in order]


def number_codes(parent_code: str, count: int, digits: int = 3, first: int = 1) -> list[str]:
    """Codes of the cells of one parent: its code and a running number, filled up with zeros.

    Parameters
    ----------
    parent_code : str
        Code of the community, street or district.
    count : int
        How many codes, 0 or more; `square_cells` gives the cells in the order in which they are to be numbered.
    digits : int
        Length of the running number; 3 by the standard, 2 in older practice (rulebook 1).
    first : int
        Number of the first one, at least 1; above what is in use or retired already, because codes are never reused.

    Raises
    ------
    CodeOverflow
        The last number has more than `digits` digits.
    ParameterError
        A count below 0, or digits or first below 1.
    """
    for parameter, value, least in (("count", count, 0), ("digits", digits, 1), ("first", first, 1)):
        if value < least:
            raise ParameterError(parameter, f"{value} is below {least}")
    fit = max(0, 10**digits - first)
    if count > fit:
        raise CodeOverflow(
            f"{parent_code} has {count} cells to number from {first:0{digits}d}, but {digits} digits leave {fit} codes "
            f"(up to {10**digits - 1}); make the cells larger, or give cells more digits in the city's code lengths"
        )
    return [f"{parent_code}{number:0{digits}d}" for number in range(first, first + count)]


def _checked(parent: shapely.Polygon | shapely.MultiPolygon, size_m: float, min_share: float) -> shapely.Geometry:
    """Refuse what cannot be cut; return the parent without z."""
    if not isinstance(parent, shapely.Polygon | shapely.MultiPolygon):
        kind = parent.geom_type if isinstance(parent, shapely.Geometry) else type(parent).__name__
        raise ParameterError("parent", f"is a {kind}; cells are cut from a Polygon or MultiPolygon")
    if parent.is_empty:
        raise ParameterError("parent", "is empty; cells are cut from a Polygon or MultiPolygon with an area")
    if not parent.is_valid:
        raise ParameterError("parent", f"is not valid: {shapely.is_valid_reason(parent)}; repair it first")
    west, south, east, north = parent.bounds
    if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
        raise ParameterError(
            "parent", f"reaches ({west}, {south}) to ({east}, {north}); give longitude, latitude in degrees"
        )
    if not (math.isfinite(size_m) and size_m > 0):
        raise ParameterError("size_m", f"{size_m} is not a length above 0 m")
    if not 0 <= min_share <= 0.5:
        raise ParameterError("min_share", f"{min_share} is not a share of a square from 0 to 0.5")
    return shapely.force_2d(parent)


def _check_place(outline: shapely.Geometry, metric_crs: str, transformer: pyproj.Transformer) -> None:
    """Refuse a metric CRS in which, in the middle of the parent, 100 m east or north are not 100 m along that axis."""
    middle = outline.point_on_surface()
    lon, lat, _ = pyproj.Geod(ellps="WGS84").fwd([middle.x] * 3, [middle.y] * 3, [0.0, 90.0, 0.0], [0.0, 100.0, 100.0])
    x, y = transformer.transform(lon, lat)
    east, north = (x[1] - x[0]) / 100.0, (y[2] - y[0]) / 100.0
    if not max(abs(east - 1.0), abs(north - 1.0)) <= MAX_AXIS_ERROR:
        raise ParameterError(
            "metric_crs",
            f"{metric_crs} is made for another place: at ({middle.x:.4f}, {middle.y:.4f}) 100 m to the east count "
            f"{100 * east:.4g} m there and 100 m to the north {100 * north:.4g} m; give the CRS of this place",
        )


def _to_metric(geoms: Geometries, transformer: pyproj.Transformer) -> Geometries:
    return shapely.transform(geoms, transformer.transform, interleaved=False)


def _lattice_segments(
    outline: shapely.Geometry, bounds_m: Floats, transformer: pyproj.Transformer, size_m: float
) -> Geometries:
    """Sides of the lattice squares that touch the parent, each a straight line in longitude, latitude."""
    west, south, east, north = bounds_m / size_m
    columns = np.arange(math.floor(west) - 1, math.ceil(east) + 2)  # one to spare on each side
    rows = np.arange(math.floor(south) - 1, math.ceil(north) + 2)
    squares = len(columns) * len(rows)
    if squares > MAX_SQUARES:
        raise ParameterError(
            "size_m", f"{size_m} m makes {squares} squares around the parent, above {MAX_SQUARES}; enlarge it"
        )
    corner_x, corner_y = np.meshgrid(columns * size_m, rows * size_m)
    corners = np.stack(transformer.transform(corner_x, corner_y, direction="INVERSE"), axis=-1)
    across = np.stack((corners[:, :-1], corners[:, 1:]), axis=2).reshape(-1, 2, 2)
    along = np.stack((corners[:-1], corners[1:]), axis=2).reshape(-1, 2, 2)
    sides = np.concatenate((across, along))
    shapely.prepare(outline)
    touching = sides[shapely.intersects(outline, shapely.linestrings(sides))]
    return _snapped(touching, shapely.get_coordinates(outline), SNAP_SHARE * size_m / METRES_PER_DEGREE)


def _snapped(sides: Floats, vertices: Floats, reach_deg: float) -> Geometries:
    """Lines along the sides (n, 2, 2), led through the vertices of the parent that lie on them but for rounding.

    A parent that was drawn along the same lattice comes back with its border a little beside the lines: they are
    straight in degrees, and files round. Without this, slivers and long thin tails would remain between the two.
    """
    ends, points = sides.reshape(-1, 2), shapely.points(vertices)
    at, nearest = shapely.STRtree(points).query_nearest(shapely.points(ends), max_distance=reach_deg, all_matches=False)
    ends[at] = vertices[nearest]
    start, step = sides[:, 0], sides[:, 1] - sides[:, 0]
    vertex, side = shapely.STRtree(shapely.linestrings(sides)).query(points, predicate="dwithin", distance=reach_deg)
    share = ((vertices[vertex] - start[side]) * step[side]).sum(axis=1) / (step[side] ** 2).sum(axis=1)
    between = (share > 0.0) & (share < 1.0)
    vertex, side, share = vertex[between], side[between], share[between]
    n = len(sides)
    coords = np.concatenate((sides[:, 0], vertices[vertex], sides[:, 1]))
    of = np.concatenate((np.arange(n), side, np.arange(n)))
    order = np.lexsort((np.concatenate((np.zeros(n), share, np.ones(n))), of))
    lines: Geometries = shapely.linestrings(coords[order], indices=of[order])
    return lines


def _faces(outline: shapely.Geometry, segments: Geometries) -> Geometries:
    """Faces that outline and segments cut the parent into; neighbours share their edges vertex by vertex."""
    noded = shapely.union_all(np.append(segments, outline.boundary))
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(noded)))
    inner = _inner_points(faces)
    return faces[shapely.contains_xy(outline, inner[:, 0], inner[:, 1])]


def _inner_points(faces: Geometries) -> Floats:
    """Point well inside each face, also where a face is a sliver or has a tail that is thinner than rounding."""
    points = shapely.point_on_surface(faces)
    coords = shapely.get_coordinates(points)
    doubtful = np.flatnonzero(shapely.distance(points, shapely.boundary(faces)) < TOO_NEAR_DEG)
    # Every polygon holds a circle of radius area / perimeter, so half of that leaves its widest part.
    thin = faces[doubtful]
    core = shapely.point_on_surface(shapely.buffer(thin, -0.5 * shapely.area(thin) / shapely.length(thin)))
    rim = shapely.boundary(thin)
    better = shapely.contains(thin, core) & (shapely.distance(core, rim) > shapely.distance(points[doubtful], rim))
    coords[doubtful[better]] = shapely.get_coordinates(core[better])
    return coords


def _squares(faces: Geometries, transformer: pyproj.Transformer, size_m: float) -> tuple[Ints, Ints]:
    """Row (growing to the south) and column of the lattice square each face lies in."""
    # A square is convex, so the centroid of a part of it lies in it, whatever the shape of the part.
    centre = shapely.get_coordinates(shapely.centroid(faces))
    x, y = transformer.transform(centre[:, 0], centre[:, 1])
    return -np.floor(y / size_m).astype(np.int64), np.floor(x / size_m).astype(np.int64)


def _reading_order(
    pieces: Geometries, row: Ints, column: Ints, transformer: pyproj.Transformer, size_m: float
) -> NDArray[np.intp]:
    """Code order: row, column, and for pieces of one square how far west, then how far north they reach."""
    west, _, _, north = shapely.bounds(_to_metric(pieces, transformer)).T
    # To a thousandth of a square: a lattice line is straight in degrees, not in metres.
    return np.lexsort((-north, west, -np.round(north / size_m, 3), np.round(west / size_m, 3), column, row))


def _borders(faces: Geometries, transformer: pyproj.Transformer) -> tuple[Ints, Ints, Floats]:
    """Pairs of faces (lower, higher) and the metres of each edge they share; a pair may come several times."""
    rings, face_of_ring = shapely.get_rings(faces, return_index=True)
    coords, ring = shapely.get_coordinates(rings, return_index=True)
    edge = np.flatnonzero(ring[:-1] == ring[1:])
    # Each vertex gets a number by its exact coordinates, so that an edge is a pair of numbers in either direction.
    _, vertex = np.unique(coords.view(np.complex128).ravel(), return_inverse=True)
    ends = np.sort(np.stack((vertex[edge], vertex[edge + 1]), axis=1), axis=1)
    key = ends[:, 0] * (vertex.max() + 1) + ends[:, 1]
    order = np.argsort(key, kind="stable")
    twin = np.flatnonzero(key[order][:-1] == key[order][1:])
    first, second = edge[order[twin]], edge[order[twin + 1]]
    pair = np.sort(np.stack((face_of_ring[ring[first]], face_of_ring[ring[second]]), axis=1), axis=1)
    x, y = transformer.transform(coords[:, 0], coords[:, 1])
    return pair[:, 0], pair[:, 1], np.hypot(x[first + 1] - x[first], y[first + 1] - y[first])


def _merged(faces: Geometries, transformer: pyproj.Transformer, least_m2: float) -> Ints:
    """For each face the largest one of its cell, after all pieces below `least_m2` have found a neighbour."""
    piece: list[float] = np.round(shapely.area(_to_metric(faces, transformer)), 6).tolist()
    border: list[dict[int, float]] = [{} for _ in piece]
    for low, high, length in zip(*(column.tolist() for column in _borders(faces, transformer)), strict=True):
        border[low][high] = border[high][low] = border[low].get(high, 0.0) + length
    area, parent, largest = piece.copy(), list(range(len(piece))), list(range(len(piece)))
    queue = [(size, i) for i, size in enumerate(area) if size < least_m2]
    heapq.heapify(queue)
    while queue:
        size, small = heapq.heappop(queue)
        shared = border[small]
        if parent[small] != small or size != area[small] or not shared:
            continue  # merged or grown since it was queued, or an island
        # Lengths to the millimetre, so that equal ones tie and the first in code order wins.
        into = min(shared, key=lambda other: (-round(shared[other], 3), largest[other]))
        parent[small] = into
        area[into] += area[small]
        largest[into] = min(largest[into], largest[small], key=lambda i: (-piece[i], i))
        for other, length in shared.items():
            del border[other][small]
            if other != into:
                border[into][other] = border[other][into] = border[into].get(other, 0.0) + length
        if area[into] < least_m2:
            heapq.heappush(queue, (area[into], into))
    return np.array([largest[_root(parent, i)] for i in range(len(piece))], dtype=np.int64)


def _root(parent: list[int], i: int) -> int:
    while parent[i] != i:
        parent[i] = i = parent[parent[i]]
    return i


def _united(faces: Geometries, cell_of: Ints, largest: Ints) -> Geometries:
    """One polygon for each of `largest`, made of the faces of its cell; the vertices where neighbours meet stay."""
    cells = faces[largest]
    order = np.argsort(cell_of, kind="stable")
    start = np.searchsorted(cell_of[order], largest)
    count = np.bincount(cell_of, minlength=len(faces))[largest]
    for i in np.flatnonzero(count > 1):
        cells[i] = shapely.coverage_union_all(faces[order[start[i] : start[i] + count[i]]])
    return cells
