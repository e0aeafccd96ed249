"""Point to road segment: the nearest line within reach, with a tie rule that does not hang on the last bits.

Which edges can matter in a bucket
----------------------------------
The distance to an edge is 1-Lipschitz: from the centre c of a bucket to any point p in it, it changes by at most the
half diagonal R. If edge e is within a tie of the nearest edge f for some p in the bucket, then

    d_e(c) <= d_e(p) + R <= d_f(p) + tie + R <= d_f(c) + tie + 2 R

whatever f is, hence also for the edge nearest to c; and if it is within reach of p, d_e(c) <= reach + R. So every
bucket keeps only the edges that meet both bounds at its centre: in a dense network two or three of them. The lists are
made for large buckets first and handed down to quarters of quarters, each time pruned again.
"""

from __future__ import annotations

from math import hypot, inf, nan, sqrt
from typing import Self

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import ParameterError
from gis.geometry.locate import (
    CHUNK,
    PAIRS_AT_A_TIME,
    BucketGrid,
    Floats,
    Raster,
    Whole,
    batches,
    ragged,
    row_pieces,
    run_starts,
    stable_order,
)

BUCKET_SHARE = 0.4
"""Bucket size as a share of the reach."""

HALVINGS = 2
"""How often the buckets in which edges are enumerated are halved to become the buckets that are kept."""

SLACK_M = 1e-6
"""Added to every bound: far above rounding errors of metric coordinates, far below anything that costs a candidate."""

EDGES_PER_BATCH, PAIRS_PER_BATCH = 30_000, 100_000

_Lists = tuple[Whole, Whole, Whole, Whole]
"""Column and row of every bucket, length of its list, and all lists of edges end to end, ascending within a bucket."""


class SegmentIndex:
    """Point to nearest segment by a bucket grid; made by `SegmentIndex.build`. Immutable: threads may share it."""

    def __init__(self, lines: npt.NDArray[np.object_], reach_m: float, tie_m: float) -> None:
        self.reach_m, self.tie_m = reach_m, tie_m
        a, b, self._rank_of_edge = edges_of(lines)
        run = b - a
        square = (run * run).sum(axis=1)
        # x1, y1, dx, dy, 1 / length**2; an edge without length is its first vertex.
        self._edge = np.vstack([a.T, run.T, np.divide(1.0, square, out=np.zeros(len(a)), where=square > 0)])
        size = BUCKET_SHARE * reach_m
        grow = reach_m + size
        self._grid = BucketGrid(np.hstack([np.minimum(a, b) - grow, np.maximum(a, b) + grow]), size, size)
        self._fill(a, b)
        self._views: tuple[memoryview, ...] = tuple(
            array.data for array in (self._bucket_start, self._candidate, self._rank_of_edge, *self._edge)
        )

    @classmethod
    def build(cls, lines: npt.NDArray[np.object_], reach_m: float = 30.0, tie_m: float = 0.001) -> Self:
        """Index lines.

        Parameters
        ----------
        lines
            Shape (n,): shapely LineString or MultiLineString in a planar CRS in metres, in ascending order of code.
            They may cross, coincide, or be empty or None; an empty one is near nothing.
        reach_m
            Largest distance, inclusive, at which a segment is an answer (rule book, section 3: 30 m).
        tie_m
            Distances within this of the smallest are a tie.

        Raises
        ------
        ParameterError
            A geometry is not a line, a vertex is NaN or infinite, or a distance is not usable.
        """
        if not 0 < reach_m < inf:
            raise ParameterError("reach_m", f"{reach_m} is not a distance above zero")
        if not 0 <= tie_m < inf:
            raise ParameterError("tie_m", f"{tie_m} is not a distance")
        return cls(np.asarray(lines, dtype=object), float(reach_m), float(tie_m))

    def _fill(self, a: Floats, b: Floats) -> None:
        """Leave in every bucket near an edge the number of its list of candidates."""
        grid = self._grid
        coarse = grid.coarser(HALVINGS)
        column, row, count, edge = self._enumerate(coarse, a, b)
        columns, rows, counts, edges = [column[:0]], [row[:0]], [count[:0]], [edge[:0]]
        first = np.cumsum(count) - count
        for run in batches(count, PAIRS_PER_BATCH):
            lists = (column[run], row[run], count[run], edge[first[run.start] :][: count[run].sum()])
            for halvings in reversed(range(HALVINGS)):
                lists = self._prune(grid.coarser(halvings), *_quarter(*lists))
            for kept, new in zip((columns, rows, counts, edges), lists, strict=True):
                kept.append(new)
        column, row, count = np.concatenate(columns), np.concatenate(rows), np.concatenate(counts)
        slot = grid.slot(column, row)
        grid.values[slot] = np.arange(len(slot))
        # Tile 0 is what no box touches, so nothing there is within reach.
        grid.values[: grid.first_own_slot] = -1
        self._bucket_start = np.append(0, np.cumsum(count)).astype(np.int32)
        self._candidate = np.concatenate(edges).astype(np.int32)

    def _enumerate(self, raster: Raster, a: Floats, b: Floats) -> _Lists:
        """Lists of the edges that can matter in every bucket of a raster."""
        keys: list[Whole] = [np.zeros(0, np.int64)]
        edges: list[Whole] = [np.zeros(0, np.int64)]
        for start in range(0, len(a), EDGES_PER_BATCH):
            part = slice(start, start + EDGES_PER_BATCH)
            piece_edge, piece_row, first, last = row_pieces(raster, a[part], b[part], self.reach_m + SLACK_M)
            piece, column = ragged(first, last - first + 1)
            keys.append(piece_row[piece].astype(np.int64) * raster.columns + column)
            edges.append(piece_edge[piece] + start)
        key, edge = np.concatenate(keys), np.concatenate(edges)
        order = stable_order(key)
        key, edge = key[order], edge[order]
        starts = run_starts(key)
        row, column = np.divmod(key[starts], raster.columns)
        return self._prune(raster, column, row, np.diff(starts, append=len(key)), edge)

    def _prune(self, raster: Raster, column: Whole, row: Whole, count: Whole, edge: Whole) -> _Lists:
        """Drop the edges that cannot be an answer anywhere in their bucket, then the buckets without edges."""
        if not len(count):
            return column, row, count, edge
        owner = np.repeat(np.arange(len(count)), count)
        x = np.asarray(raster.x0 + (column + 0.5) * raster.width, np.float64)
        y = np.asarray(raster.y0 + (row + 0.5) * raster.height, np.float64)
        distance = _distance(x.take(owner), y.take(owner), self._edge, edge)
        radius = hypot(raster.width, raster.height) / 2 + SLACK_M
        least = np.minimum.reduceat(distance, np.cumsum(count) - count)
        bound = np.minimum(least + 2 * radius + self.tie_m, self.reach_m + radius)
        keep = distance <= bound.take(owner)
        count = np.bincount(owner[keep], minlength=len(count))
        some = count > 0
        return column[some], row[some], count[some], edge[keep]

    def nearest(self, x: Floats, y: Floats) -> tuple[npt.NDArray[np.int32], Floats]:
        """Nearest segment of every point.

        Parameters
        ----------
        x, y
            Shape (n,): metres, in the CRS of the lines.

        Returns
        -------
        rank
            Shape (n,), int32: among the lines within the reach whose distance is within the tie of the smallest, the
            lowest position in the array given to `build`; -1 where no line is within reach (inclusive) and where a
            coordinate is NaN or infinite.
        distance_m
            Shape (n,), float64: planar distance to that line in metres, NaN where there is none.
        """
        x, y = np.ascontiguousarray(x, np.float64), np.ascontiguousarray(y, np.float64)
        rank, distance = np.full(len(x), -1, np.int32), np.full(len(x), nan)
        for start in range(0, len(x), CHUNK):
            bucket = self._grid.look_up(x[start : start + CHUNK], y[start : start + CHUNK])
            near = np.flatnonzero(bucket >= 0)
            bucket = bucket.take(near)
            first = self._bucket_start.take(bucket)
            count = self._bucket_start.take(bucket + 1) - first
            for run in batches(count, PAIRS_AT_A_TIME):
                at = near[run] + start
                rank[at], distance[at] = self._judge(first[run], count[run], x.take(at), y.take(at))
        return rank, distance

    def _judge(self, first: Whole, count: Whole, x: Floats, y: Floats) -> tuple[Whole, Floats]:
        """Rank and distance for points in buckets with candidates."""
        owner, position = ragged(first, count)
        edge = self._candidate.take(position)
        distance = _distance(x.take(owner), y.take(owner), self._edge, edge)
        least = np.minimum.reduceat(distance, np.cumsum(count) - count)
        limit = np.where(least <= self.reach_m, np.minimum(least + self.tie_m, self.reach_m), -1.0)
        tied = np.flatnonzero(distance <= limit[owner])
        owner, distance, edge_rank = owner[tied], distance[tied], self._rank_of_edge[edge[tied]]
        # Candidates come in ascending rank: written backwards, the lowest is written last.
        rank = np.full(len(x), -1, np.int32)
        rank[owner[::-1]] = edge_rank[::-1]
        # Several edges of the chosen line may be among the tied ones.
        own = edge_rank == rank[owner]
        owner, distance = owner[own], distance[own]
        own_distance = np.full(len(x), nan)
        if len(owner):
            starts = run_starts(owner)
            own_distance[owner[starts]] = np.minimum.reduceat(distance, starts)
        return rank, own_distance

    def nearest_one(self, x: float, y: float) -> tuple[int, float]:
        """Rank and distance_m of the nearest segment of one point: the answer of `nearest`, without its cost per call.

        Parameters
        ----------
        x, y
            Metres, in the CRS of the lines.
        """
        bucket = self._grid.look_up_one(x, y)
        if bucket < 0:
            return -1, nan
        bucket_start, candidates, rank_of_edge, x1, y1, dx, dy, per_square = self._views
        found: list[tuple[float, int]] = []
        least = inf
        for position in range(bucket_start[bucket], bucket_start[bucket + 1]):
            edge = candidates[position]
            ax, ay, run, rise = x - x1[edge], y - y1[edge], dx[edge], dy[edge]
            share = (ax * run + ay * rise) * per_square[edge]
            share = 0.0 if share < 0.0 else min(share, 1.0)
            ax, ay = ax - share * run, ay - share * rise
            distance = sqrt(ax * ax + ay * ay)
            found.append((distance, rank_of_edge[edge]))
            least = min(least, distance)
        if least > self.reach_m:
            return -1, nan
        limit = min(least + self.tie_m, self.reach_m)
        rank = min(rank for distance, rank in found if distance <= limit)
        return rank, min(distance for distance, other in found if other == rank)

    @property
    def nbytes(self) -> int:
        """Bytes the index holds."""
        arrays = (self._edge, self._rank_of_edge, self._bucket_start, self._candidate)
        return self._grid.nbytes + sum(array.nbytes for array in arrays)


def edges_of(lines: npt.NDArray[np.object_]) -> tuple[Floats, Floats, npt.NDArray[np.int32]]:
    """Both ends, shape (e, 2), and the line of every edge, in order of the lines."""
    wrong = np.flatnonzero(~np.isin(shapely.get_type_id(lines), (-1, 1, 2, 5)))
    if len(wrong):
        raise ParameterError("lines", f"geometry {wrong[0]} is a {lines[wrong[0]].geom_type}, not a (Multi)LineString")
    parts, line_of_part = shapely.get_parts(lines, return_index=True)
    points, part = shapely.get_coordinates(parts, return_index=True)
    if not np.isfinite(points).all():
        raise ParameterError("lines", "a vertex is not a finite number")
    joined = part[1:] == part[:-1]
    return points[:-1][joined], points[1:][joined], line_of_part[part[1:][joined]].astype(np.int32)


def _distance(x: Floats, y: Floats, edge: Floats, which: Whole) -> Floats:
    """Planar distance from every point to its edge, one of the columns x1, y1, dx, dy, 1 / length**2. Spoils x, y."""
    x1, y1, dx, dy, per_square = (row.take(which) for row in edge)
    x -= x1
    y -= y1
    # The same operations in the same order as in `nearest_one`, in place because fresh memory costs more than
    # arithmetic.
    np.multiply(x, dx, out=x1)
    np.multiply(y, dy, out=y1)
    x1 += y1
    x1 *= per_square
    np.maximum(x1, 0.0, out=x1)
    np.minimum(x1, 1.0, out=x1)
    dx *= x1
    dy *= x1
    x -= dx
    y -= dy
    x *= x
    y *= y
    x += y
    return np.sqrt(x, out=x)


def _quarter(column: Whole, row: Whole, count: Whole, edge: Whole) -> _Lists:
    """Hand every bucket's list down to its four quarters."""
    start, count = np.repeat(np.cumsum(count) - count, 4), np.repeat(count, 4)
    right, up = np.tile([0, 1, 0, 1], len(column)), np.tile([0, 0, 1, 1], len(column))
    return np.repeat(column, 4) * 2 + right, np.repeat(row, 4) * 2 + up, count, edge[ragged(start, count)[1]]
