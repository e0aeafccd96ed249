"""What the indexes stand on: buckets, and geometries as flat arrays.

`gis.geometry.cell_index` and `gis.geometry.segment_index` cut the plane into buckets much smaller than a cell or a
reach, work out once what can be the answer inside each bucket, and then answer a point by one look-up and a few exact
tests. Here are the buckets (`BucketGrid`), the way an edge runs through them (`row_pieces`), and polygons taken apart
into edges (`Rings`).
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import ParameterError

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.integer[Any]]
Shorts = npt.NDArray[np.int16]

CHUNK = 1 << 16
"""Points worked on at a time: small enough for the temporary arrays to stay in the processor's cache."""

SHIFT = 5
"""A tile is 2**SHIFT buckets wide and high."""

LOW = (1 << SHIFT) - 1
MARGIN_DEG = 1e-9
"""Edges nearer to a bucket than this touch it: a million roundings, a tenth of a millimetre."""

# An item is one edge in one bucket: edge number << 3 | flags.
FIRST, NEXT_RIGHT, PREVIOUS_RIGHT = 4, 2, 1

PAIRS_AT_A_TIME = 1 << 20
"""Bound on the pairs of points and edges held in memory together, however crowded a bucket is."""

MAX_TILES = 4_000_000
MAX_BUCKETS = 8_000_000


class Raster:
    """Where the buckets are: column c covers x0 + c * width up to x0 + (c + 1) * width, give or take rounding."""

    def __init__(self, x0: float, y0: float, width: float, height: float, columns: int, rows: int) -> None:
        self.x0, self.y0 = x0, y0
        self.width, self.height = width, height
        self.per_width, self.per_height = 1 / width, 1 / height
        self.columns, self.rows = columns, rows

    def column(self, x: Floats) -> Whole:
        """Column of every x, clamped to the free border; NaN goes to the border."""
        return np.fmin(np.fmax((x - self.x0) * self.per_width, 0.0), self.columns - 1.0).astype(np.int32)

    def row(self, y: Floats) -> Whole:
        """Row of every y, clamped to the free border; NaN goes to the border."""
        return np.fmin(np.fmax((y - self.y0) * self.per_height, 0.0), self.rows - 1.0).astype(np.int32)

    def coarser(self, halvings: int) -> Raster:
        """Raster whose buckets each hold 2**halvings by 2**halvings buckets of this one, from the same corner."""
        times = 1 << halvings
        columns, rows = -(-self.columns // times), -(-self.rows // times)
        return Raster(self.x0, self.y0, self.width * times, self.height * times, columns, rows)


class BucketGrid(Raster):
    """Buckets of equal size over a set of boxes; memory goes to the tiles that a box touches, not to the extent.

    A city may be a few far-apart towns, so the buckets live in tiles of 32 x 32 and only tiles touched by a box have
    storage of their own; all others share tile 0. The outermost two columns and rows on every side are free of boxes,
    so a point that is clamped to the border, or is not a number, lands in a bucket that nothing touches.

    Parameters
    ----------
    boxes
        Shape (n, 4): x_min, y_min, x_max, y_max of what will be entered, each already grown by whatever margin is used
        there. Any CRS; n may be 0.
    width, height
        Wanted bucket size in units of the CRS; grown where tiles or buckets would become too many.
    """

    def __init__(self, boxes: Floats, width: float, height: float) -> None:
        low = boxes[:, :2].min(axis=0) if len(boxes) else np.zeros(2)
        high = boxes[:, 2:].max(axis=0) if len(boxes) else np.zeros(2)
        span = high - low
        # A bucket far below the spacing of doubles around here would make column numbers meaningless.
        least = max(float(np.abs([low, high]).max()) * 1e-9, 1e-12)
        width, height = max(width, least), max(height, least)
        while (span[0] / width + 40) * (span[1] / height + 40) > MAX_TILES << (2 * SHIFT) or min(
            bucket_count(boxes, width, height), span[0] / width * span[1] / height
        ) > MAX_BUCKETS:
            width, height = width * 1.25, height * 1.25
        columns, rows = int(span[0] / width) + 6, int(span[1] / height) + 6
        super().__init__(float(low[0]) - 2 * width, float(low[1]) - 2 * height, width, height, columns, rows)
        # Eight more than there are, so that the last bucket of a coarser raster may be cut into buckets of this one.
        self._tile_columns = ((self.columns + 8) >> SHIFT) + 1
        self._directory = self._lay_out_tiles(boxes)
        #: One number per stored bucket, -1 until the owner of the grid says otherwise.
        self.values: Whole = np.full(int(self._directory.max(initial=0)) + (1 << 2 * SHIFT), -1, np.int32)
        self._directory_view, self._values_view = self._directory.data, self.values.data

    def _lay_out_tiles(self, boxes: Floats) -> Whole:
        """Give every tile under a box its place in `values`.

        Returns the first slot of every tile, in order of tile number; 0, the shared tile, where no box is.
        """
        touched = np.zeros((((self.rows + 8) >> SHIFT) + 2, self._tile_columns + 1), np.int32)
        c0, c1 = self.column(boxes[:, 0]) >> SHIFT, self.column(boxes[:, 2]) >> SHIFT
        r0, r1 = self.row(boxes[:, 1]) >> SHIFT, self.row(boxes[:, 3]) >> SHIFT
        for r, c, sign in ((r0, c0, 1), (r1 + 1, c0, -1), (r0, c1 + 1, -1), (r1 + 1, c1 + 1, 1)):
            np.add.at(touched, (r, c), np.int32(sign))
        covered = touched.cumsum(axis=0).cumsum(axis=1)[:-1, :-1] > 0
        directory = np.zeros(covered.size, np.int32)
        own = np.flatnonzero(covered)
        directory[own] = (np.arange(len(own), dtype=np.int32) + 1) << (2 * SHIFT)
        return directory

    def slot(self, column: Whole, row: Whole) -> Whole:
        """Place in `values` of every bucket (column, row)."""
        tile = (row >> SHIFT) * self._tile_columns + (column >> SHIFT)
        return self._directory.take(tile) + ((row & LOW) << SHIFT | column & LOW)

    def look_up(self, x: Floats, y: Floats) -> Whole:
        """Value of the bucket under every point; a fresh array."""
        with np.errstate(over="ignore"):  # a point beyond all reason is off the grid like any other
            return self.values.take(self.slot(self.column(x), self.row(y)))

    def look_up_one(self, x: float, y: float) -> int:
        """Value of the bucket under one point, in plain Python: the same bucket as `look_up` finds; -1 off the grid."""
        across, up = (x - self.x0) * self.per_width, (y - self.y0) * self.per_height
        if not (0.0 <= across < self.columns and 0.0 <= up < self.rows):
            return -1
        column, row = int(across), int(up)
        tile = (row >> SHIFT) * self._tile_columns + (column >> SHIFT)
        return self._values_view[self._directory_view[tile] + ((row & LOW) << SHIFT | column & LOW)]

    @property
    def first_own_slot(self) -> int:
        """Slots below this are those of the shared tile."""
        return 1 << (2 * SHIFT)

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return self._directory.nbytes + self.values.nbytes


def bucket_count(boxes: Floats, width: float, height: float) -> float:
    """About how many buckets the boxes (shape (n, 4)) touch, each box counted by itself and for its excess over one."""
    wide, tall = (boxes[:, 2] - boxes[:, 0]) / width, (boxes[:, 3] - boxes[:, 1]) / height
    return float((wide * tall + wide + tall).sum())


def ragged(start: Whole, count: Whole) -> tuple[Whole, Whole]:
    """Walk through many runs at once.

    Returns
    -------
    owner, position
        For every element of every run start[i], start[i] + 1, ... (count[i] of them): i, and the element.
    """
    owner = np.repeat(np.arange(len(count), dtype=np.int64), count)
    end = np.cumsum(count, dtype=np.int64)
    offset = start - (end - count)
    return owner, np.arange(len(owner), dtype=np.int64) + offset.take(owner)


def row_pieces(grid: Raster, a: Floats, b: Floats, margin: float) -> tuple[Whole, Whole, Whole, Whole]:
    """Cut edges into their pieces per bucket row.

    Conservative: a bucket that comes within `margin` of an edge along x and along y is inside one of the edge's pieces.
    Rounding is covered by growing the margin by parts in a billion.

    Parameters
    ----------
    a, b
        Shape (n, 2): the ends of the edges.

    Returns
    -------
    edge, row, first_column, last_column
        One element per piece, edges in order, rows ascending within an edge.
    """
    bottom, top = np.minimum(a[:, 1], b[:, 1]), np.maximum(a[:, 1], b[:, 1])
    first_row = grid.row(bottom - margin)
    edge, row = ragged(first_row, grid.row(top + margin) - first_row + 1)
    row = row.astype(np.int32)
    x, y = a[edge, 0], a[edge, 1]
    run, rise = b[edge, 0] - x, b[edge, 1] - y
    flat = rise == 0.0
    rise[flat] = 1.0
    floor = grid.y0 + row * grid.height - margin * (1 + 1e-9)
    ceiling = floor + (grid.height + 2 * margin * (1 + 1e-9))
    # Where the edge enters and leaves the row, as shares of its length; a flat edge is in the row with its whole
    # length.
    enter = np.clip((floor - y) / rise, 0.0, 1.0)
    leave = np.clip((ceiling - y) / rise, 0.0, 1.0)
    enter[flat], leave[flat] = 0.0, 1.0
    x_enter, x_leave = x + enter * run, x + leave * run
    first = grid.column(np.minimum(x_enter, x_leave) - margin)
    last = grid.column(np.maximum(x_enter, x_leave) + margin)
    return edge, row, first, last


def batches(weights: Whole, budget: int) -> list[slice]:
    """Cut things into runs that weigh about `budget` at most, a thing that weighs more being a run of its own."""
    load = np.cumsum(weights, dtype=np.int64)
    if not len(load) or load[-1] <= budget:
        return [slice(0, len(load))] if len(load) else []
    ends = [*(run_starts((load - 1) // budget)[1:]).tolist(), len(load)]
    return [slice(start, end) for start, end in pairwise([0, *ends])]


def run_starts(values: Whole) -> Whole:
    """Where each run of equal values begins."""
    begins = np.ones(len(values), bool)
    np.not_equal(values[1:], values[:-1], out=begins[1:])
    return np.flatnonzero(begins)


def stable_order(key: Whole) -> Whole:
    """Stable argsort of numbers >= 0: faster than NumPy's where key and position fit into 64 bits."""
    bits = max(len(key), 1).bit_length()
    if int(key.max(initial=0)).bit_length() + bits > 63:
        return np.argsort(key, kind="stable")
    return np.sort(key << bits | np.arange(len(key))) & ((1 << bits) - 1)


@dataclass(frozen=True, slots=True)
class Rings:
    """All rings of all polygons, exteriors followed by their holes, in rank order; repeated vertices taken out.

    Edge e runs from vertex e to vertex e + 1. Every ring ends with a second copy of its last vertex, so the ring's last
    edge number is an edge without length: it contributes nothing and stands for "no edge here" where a bucket lies
    inside a ring.
    """

    x: Floats  # (v,) longitude of every vertex
    y: Floats  # (v,) latitude of every vertex
    start: Whole  # (r,) first vertex, and so first edge, of each ring
    edges: Whole  # (r,) number of edges, not counting the one without length
    cell: Whole  # (r,) rank of the polygon
    part: Whole  # (r,) running number of the polygon part
    order: Whole  # (r,) 0 for an exterior, 1, 2, ... for holes
    compound: npt.NDArray[np.bool_]  # (r,) the polygon has more than this one ring

    @classmethod
    def of(cls, polygons: npt.NDArray[np.object_]) -> Self:
        """Take polygons apart; ParameterError for other geometries and for vertices that are not finite."""
        kinds = shapely.get_type_id(polygons)
        wrong = np.flatnonzero(~np.isin(kinds, (-1, 3, 6)))
        if len(wrong):
            raise ParameterError(
                "polygons", f"geometry {wrong[0]} is a {polygons[wrong[0]].geom_type}, not a (Multi)Polygon"
            )
        parts, cell_of_part = shapely.get_parts(polygons, return_index=True)
        rings, part = shapely.get_rings(parts, return_index=True)
        full = ~shapely.is_empty(rings)
        rings, part = rings[full], part[full]
        points, ring = shapely.get_coordinates(rings, return_index=True)
        if not np.isfinite(points).all():
            raise ParameterError("polygons", "a vertex is not a finite number")
        fresh = np.ones(len(points), bool)
        fresh[1:] = (ring[1:] != ring[:-1]) | (points[1:] != points[:-1]).any(axis=1)
        points, ring = points[fresh], ring[fresh]
        count = np.bincount(ring, minlength=len(rings))
        last = np.zeros(len(points), bool)
        last[np.cumsum(count) - 1] = True
        cell = cell_of_part[part]
        x, y = np.repeat(points.T, last + 1, axis=1)
        return cls(
            x=x,
            y=y,
            start=(np.cumsum(count + 1) - count - 1).astype(np.int64),
            edges=(count - 1).astype(np.int64),
            cell=cell.astype(np.int32),
            part=part.astype(np.int32),
            order=(np.arange(len(part)) - np.searchsorted(part, part)).astype(np.int32),
            compound=np.bincount(cell, minlength=1)[cell] > 1,
        )

    @property
    def nbytes(self) -> int:
        """Bytes held."""
        return sum(getattr(self, name).nbytes for name in self.__slots__)

    def boxes(self, margin: float) -> Floats:
        """Bounding box of every ring, grown by the margin."""
        if not len(self.start):
            return np.zeros((0, 4))
        low = [np.minimum.reduceat(values, self.start) - margin for values in (self.x, self.y)]
        high = [np.maximum.reduceat(values, self.start) + margin for values in (self.x, self.y)]
        return np.column_stack(low + high)


@dataclass(frozen=True, slots=True)
class Entered:
    """What entering some rings into the grid gives, in ring order.

    Items: one per edge and bucket it touches. Spans: runs of buckets of one row that lie inside a ring and that no edge
    of it touches.
    """

    slot: Whole
    item: Whole
    base: Shorts
    span_ring: Whole
    span_row: Whole
    span_first: Whole
    span_last: Whole
    span_winding: Shorts


def enter(grid: BucketGrid, rings: Rings, r0: int, r1: int) -> Entered:
    """Enter rings r0 up to r1 into the grid."""
    ring, edge = ragged(rings.start[r0:r1], rings.edges[r0:r1])
    a = np.column_stack([rings.x[edge], rings.y[edge]])
    b = np.column_stack([rings.x[edge + 1], rings.y[edge + 1]])
    piece_edge, row, first, last = row_pieces(grid, a, b, MARGIN_DEG)
    centre = grid.y0 + (row + 0.5) * grid.height
    above_1, above_2 = a[piece_edge, 1] > centre, b[piece_edge, 1] > centre
    cross = above_2.astype(np.int8) - above_1
    next_first, previous_first = _neighbour_columns(grid, rings, r0, ring, a, piece_edge, row, first)

    # Items in order of ring, row, column. Every (ring, row) gets a number so that the sort key is one integer.
    piece_ring = ring[piece_edge]
    ring_start = run_starts(piece_ring)
    low = np.minimum.reduceat(row, ring_start) if len(row) else row
    height = (np.maximum.reduceat(row, ring_start) - low + 1 if len(row) else row).astype(np.int64)
    line_of_ring = np.zeros(r1 - r0, np.int64)
    line_of_ring[piece_ring[ring_start]] = np.cumsum(height) - height - low
    line = line_of_ring[piece_ring] + row
    piece, column = ragged(first, last - first + 1)
    key = line[piece] * grid.columns + column
    order = stable_order(key)
    piece, column, key = piece[order], column[order].astype(np.int32), key[order]

    # Edges that cross the row's centre line further left, or here, are not to the right; those of a whole row add up to
    # zero.
    running = np.cumsum(np.where(column == first[piece], cross[piece], 0))
    starts = run_starts(key)
    ends = np.append(starts[1:], len(key)) - 1
    winding = -running[ends] if len(key) else running
    next_right, previous_right = next_first[piece] > column, previous_first[piece] > column
    at_centre = (previous_right & above_1[piece]).astype(np.int32) - (next_right & above_2[piece])
    base = np.zeros(len(key), np.int64)
    if len(key):
        base[starts] = winding - np.add.reduceat(at_centre, starts)
    is_first = np.zeros(len(key), np.int64)
    is_first[starts] = FIRST
    item = edge[piece_edge[piece]] << 3 | is_first | next_right * NEXT_RIGHT | previous_right * PREVIOUS_RIGHT

    # Between two buckets touched in the same row the winding number cannot change.
    left, right = starts[:-1], starts[1:]
    gap = (key[right] - key[left] > 1) & (winding[:-1] != 0)
    left, right = left[gap], right[gap]
    return Entered(
        slot=grid.slot(column, row[piece]),
        item=item.astype(np.int32),
        base=base.astype(np.int16),
        span_ring=(r0 + piece_ring[piece[left]]).astype(np.int32),
        span_row=row[piece[left]],
        span_first=column[left] + 1,
        span_last=column[right] - 1,
        span_winding=winding[:-1][gap].astype(np.int16),
    )


def _neighbour_columns(
    grid: BucketGrid, rings: Rings, r0: int, ring: Whole, a: Floats, piece_edge: Whole, row: Whole, first: Whole
) -> tuple[Whole, Whole]:
    """First column, in the same row, of the ring's next and previous edge.

    -1 where the vertex between them is not in the row.
    """
    edge_count = len(a)
    local_start = np.cumsum(rings.edges[r0 : r0 + (ring[-1] + 1 if edge_count else 0)])
    following = np.arange(1, edge_count + 1)
    ring_first = np.append(0, local_start)[:-1]
    has_edges = rings.edges[r0 : r0 + len(local_start)] > 0
    following[local_start[has_edges] - 1] = ring_first[has_edges]
    preceding = np.empty_like(following)
    preceding[following] = np.arange(edge_count)
    piece_start = np.searchsorted(piece_edge, np.arange(edge_count))
    first_row = row[piece_start] if edge_count else row
    low, high = grid.row(a[:, 1] - MARGIN_DEG), grid.row(a[:, 1] + MARGIN_DEG)

    def first_column_of(other: Whole, vertex: Whole) -> Whole:
        shared = (low[vertex] <= row) & (row <= high[vertex])
        place = np.where(shared, piece_start[other] + row - first_row[other], 0)
        return np.where(shared, first[place], np.int32(-1)) if edge_count else first

    after, before = following[piece_edge], preceding[piece_edge]
    return first_column_of(after, after), first_column_of(before, piece_edge)
