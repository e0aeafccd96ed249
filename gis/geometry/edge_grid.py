"""All edges of road segments near a point, not the nearest alone: what matching tracks needs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from gis.geometry.locate import BucketGrid, Floats, Whole, ragged, row_pieces, run_starts, stable_order
from gis.geometry.segment_index import edges_of

SLACK_M = 1e-6
"""Added to the reach: far above rounding errors of metric coordinates."""


@dataclass(frozen=True)
class Near:
    """Pairs of a point and an edge that is near it, ascending by point.

    Parameters
    ----------
    point
        Position of the point.
    edge
        Number of the edge.
    distance_m
        Between the two.
    share
        Where on the edge's line the point projects to: 0 at the edge's beginning, 1 at its end; below 0 and above 1
        beyond them.
    """

    point: Whole
    edge: Whole
    distance_m: Floats
    share: Floats

    def take(self, chosen: npt.NDArray[np.bool_] | Whole) -> Near:
        """Some of the pairs, by a mask or their positions."""
        return Near(self.point[chosen], self.edge[chosen], self.distance_m[chosen], self.share[chosen])


class EdgeGrid:
    """The edges of lines by bucket. Immutable: threads may share it.

    Parameters
    ----------
    lines
        Shape (n,): shapely LineString or MultiLineString in a planar CRS in metres; may be empty.
    reach_m
        Largest distance at which an edge is near.

    Attributes
    ----------
    line
        int32 of shape (e,): the line of each edge, as its position in `lines`.
    begin_m, length_m
        float64 of shape (e,): where along its line the edge begins (parts one after another), and its own length.
    east, north
        float64 of shape (e,): direction of the edge, a vector of length 1.
    opens, ends
        Bool of shape (e,): whether the edge is the first, or the last, of its part.
    part_begin_m, part_end_m
        float64 of shape (e,): where along its line the edge's part begins and ends.
    line_m
        float64 of shape (n,): length of each line in the plane.
    """

    def __init__(self, lines: npt.NDArray[np.object_], reach_m: float) -> None:
        lines = np.asarray(lines, dtype=object)
        self.reach_m = reach_m
        a, b, line = edges_of(lines)
        length = np.hypot(*(b - a).T)
        real = length > 0
        a, b, self.line, self.length_m = a[real], b[real], line[real], length[real]
        self.east, self.north = ((b - a) / self.length_m[:, None]).T
        self._x, self._y = a.T.copy()
        starts = run_starts(self.line)
        running = np.cumsum(self.length_m) - self.length_m
        self.begin_m = running - np.repeat(running[starts], np.diff(starts, append=len(running)))
        # A part begins where an edge does not continue the one before it.
        joined = (self.line[1:] == self.line[:-1]) & (a[1:] == b[:-1]).all(axis=1)
        self.opens, self.ends = np.ones(len(a), bool), np.ones(len(a), bool)
        self.opens[1:], self.ends[:-1] = ~joined, ~joined
        parts = np.flatnonzero(self.opens)
        edges = np.diff(parts, append=len(a))
        self.part_begin_m = np.repeat(self.begin_m[parts], edges)
        self.part_end_m = np.repeat((self.begin_m + self.length_m)[self.ends], edges)
        self.line_m = np.bincount(self.line, self.length_m, len(lines))
        grow = 2 * reach_m
        self._grid = BucketGrid(np.hstack([np.minimum(a, b) - grow, np.maximum(a, b) + grow]), reach_m, reach_m)
        self._fill(a, b)

    def _fill(self, a: Floats, b: Floats) -> None:
        """Leave in every bucket the number of its list of edges."""
        grid = self._grid
        edge, row, first, last = row_pieces(grid, a, b, self.reach_m + SLACK_M)
        piece, column = ragged(first, last - first + 1)
        key = row[piece].astype(np.int64) * grid.columns + column
        order = stable_order(key)
        key = key[order]
        starts = run_starts(key)
        slot = grid.slot(*(part.astype(np.int32) for part in np.divmod(key[starts], grid.columns)[::-1]))
        grid.values[slot] = np.arange(len(slot))
        grid.values[: grid.first_own_slot] = -1
        self._start = np.append(starts, len(key))
        self._edge = edge[piece[order]].astype(np.int32)

    def near(self, x: Floats, y: Floats) -> Near:
        """Every edge within the reach (inclusive) of every point.

        Parameters
        ----------
        x, y
            Shape (n,): metres in the CRS of the lines.
        """
        bucket = self._grid.look_up(x, y)
        inside = np.flatnonzero(bucket >= 0)
        first = self._start[bucket[inside]]
        owner, position = ragged(first, self._start[bucket[inside] + 1] - first)
        point, edge = inside[owner], self._edge[position]
        dx, dy = x[point] - self._x[edge], y[point] - self._y[edge]
        along = dx * self.east[edge] + dy * self.north[edge]
        short = along - np.clip(along, 0.0, self.length_m[edge])
        across = dx * self.north[edge] - dy * self.east[edge]
        distance = np.hypot(short, across)
        found = Near(point, edge, distance, along / self.length_m[edge])
        return found.take(distance <= self.reach_m)

    def along_m(self, near: Near) -> Floats:
        """How far along its line each pair's place is, in metres of the plane."""
        length = self.length_m[near.edge]
        answer: Floats = self.begin_m[near.edge] + np.clip(near.share, 0.0, 1.0) * length
        return answer


def lines_of(wkb: list[bytes]) -> npt.NDArray[np.object_]:
    """Lines out of their WKB."""
    return np.asarray(shapely.from_wkb(np.array(wkb, dtype=object)), dtype=object) if wkb else np.empty(0, object)
