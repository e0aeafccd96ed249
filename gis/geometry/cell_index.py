"""Point to cell: the lowest-ranked polygon that ST_Covers the point, bit for bit as PostGIS says it.

PostGIS judges a point against a polygon with plain double arithmetic: the winding number of each ring, edge by edge
(point_in_ring in its lwgeom_functions_analytic.c). For an edge from p1 to p2 and a point q

    side = (p2.x - p1.x) * (q.y - p1.y) - (q.x - p1.x) * (p2.y - p1.y)

side == 0 inside the edge's box means "on the ring"; p1.y <= q.y < p2.y with side > 0 adds one to the winding number;
p2.y <= q.y < p1.y with side < 0 takes one away. This module computes the same products in the same order on the same
vertices in the same direction, so the two agree also on points whose side rounds to the wrong sign.

How few edges are enough
------------------------
Call u(p) = 1 where p.y > q.y, else 0. An edge that runs to the right of q adds u(p2) - u(p1), one that runs to its left
adds 0, and only for edges nearer than rounding errors is there anything to compute. So inside a bucket a ring's edges
are of three kinds. Those that touch the bucket, grown by a margin, are computed. Those to the left add nothing. Those
to the right add u(p2) - u(p1), and along a chain of them this telescopes, leaving the chain's two ends. An end is
either outside the bucket's row, where u is the same for every q of the row, or a vertex shared with an edge that
touches the bucket. Hence, with one constant `base` per ring and bucket,

    winding(q) = base + sum over touching edges of (computed - [next is to the right] u(p2) + [previous is] u(p1))

and a point costs about one edge per candidate cell, however many vertices a cell has. Buckets that no edge touches have
one answer for all their points.

Two fine points. Before the arithmetic PostGIS asks whether the point is in the polygon's bounding box, kept as 32-bit
floats rounded outwards; that matters for points a rounding error outside the box, so it is asked here too (only along
x: above and below the box the winding number is zero anyhow). And PostGIS 3.3 ignores edges shorter than 1e-12 degrees
on one of its two code paths but not on the other, later versions on neither; this module ignores none.
"""

from __future__ import annotations

from typing import Self

import numpy as np
import numpy.typing as npt

from gis.geometry.locate import (
    CHUNK,
    FIRST,
    MARGIN_DEG,
    MAX_BUCKETS,
    NEXT_RIGHT,
    PAIRS_AT_A_TIME,
    PREVIOUS_RIGHT,
    BucketGrid,
    Entered,
    Floats,
    Rings,
    Whole,
    batches,
    bucket_count,
    enter,
    ragged,
    run_starts,
    stable_order,
)

EDGES_PER_BATCH = 30_000
TOUCHED = -2
"""In the grid: values above are ranks, or -1; TOUCHED - n is touched bucket n."""

ON_RING = 1 << 12
"""Added to a winding number for every edge the point lies on; no ring has so many windings."""


def _joined(entered: list[Entered], name: str) -> npt.NDArray[np.integer]:
    """One field of all batches, end to end."""
    return np.concatenate([getattr(batch, name) for batch in entered] or [np.zeros(0, np.int32)])


def _label(grid: BucketGrid, rings: Rings, entered: list[Entered]) -> tuple[Whole, Whole, Whole]:
    """Write the rank into every untouched bucket that lies in a cell.

    Returns
    -------
    slot, ring, winding
        One element for every touched bucket that lies inside a ring none of whose edges touches it.
    """
    empty = np.zeros(0, np.int32)
    inside, compound = [(empty, empty, empty)], [(empty, empty)]
    for batch in reversed(entered):  # ranks fall, so that where polygons overlap the lowest is written last
        span, column = ragged(batch.span_first, batch.span_last - batch.span_first + 1)
        span, column = span[::-1], column[::-1]
        slot, ring = grid.slot(column, batch.span_row[span]), batch.span_ring[span]
        touched, several = grid.values[slot] == TOUCHED, rings.compound[ring]
        inside.append((slot[touched], ring[touched], batch.span_winding[span[touched]]))
        simple, rest = ~touched & ~several, ~touched & several
        grid.values[slot[simple]] = rings.cell[ring[simple]]
        compound.append((slot[rest], ring[rest]))
    _label_compound(grid, rings, *(np.concatenate(arrays) for arrays in zip(*compound, strict=True)))
    slot, ring, winding = (np.concatenate(arrays) for arrays in zip(*inside, strict=True))
    return slot, ring, winding


def _label_compound(grid: BucketGrid, rings: Rings, slot: Whole, ring: Whole) -> None:
    """Write the rank into untouched buckets that lie inside rings of polygons with several rings."""
    parts = int(rings.part.max(initial=0)) + 1
    key, exterior = slot.astype(np.int64) * parts + rings.part[ring], rings.order[ring] == 0
    cell_of_part = np.zeros(parts, np.int32)
    cell_of_part[rings.part] = rings.cell
    # Ascending by bucket and rank; read backwards, the lowest rank is written last here too.
    covered = np.sort(key[exterior][~np.isin(key[exterior], key[~exterior], kind="sort")])[::-1]
    slot, cell = covered // parts, cell_of_part[covered % parts]
    value = grid.values[slot]
    grid.values[slot] = np.where(value < 0, cell, np.minimum(value, cell))


def _float_boxes(rings: Rings) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """West and east end of every polygon as 32-bit floats, rounded outwards as PostGIS keeps them."""
    polygons = int(rings.cell.max(initial=-1)) + 1
    west, east = np.full(polygons, np.inf), np.full(polygons, -np.inf)
    boxes = rings.boxes(0.0)
    np.minimum.at(west, rings.cell, boxes[:, 0])
    np.maximum.at(east, rings.cell, boxes[:, 2])
    low, high = west.astype(np.float32), east.astype(np.float32)
    return (
        np.where(low > west, np.nextafter(low, np.float32(-np.inf)), low),
        np.where(high < east, np.nextafter(high, np.float32(np.inf)), high),
    )


class CellIndex:
    """Point to cell by a bucket grid; build it with `CellIndex.build`. Immutable, so threads may share it."""

    def __init__(self, rings: Rings, grid: BucketGrid) -> None:
        self._grid = grid
        self._rings = rings
        self._compound = bool(rings.compound.any())
        self._ring_of_edge = np.repeat(np.arange(len(rings.start), dtype=np.int32), rings.edges + 2)
        self._cell_of_edge = rings.cell[self._ring_of_edge]
        self._west, self._east = _float_boxes(rings)
        self._fill()
        self._views: tuple[memoryview, ...] = tuple(
            array.data
            for array in (
                self._bucket_start,
                self._item,
                self._base,
                rings.x,
                rings.y,
                self._cell_of_edge,
                self._west,
                self._east,
            )
        )

    @classmethod
    def build(cls, polygons: npt.NDArray[np.object_]) -> Self:
        """Index polygons.

        Parameters
        ----------
        polygons
            Shape (n,): shapely Polygon or MultiPolygon, longitude and latitude in degrees (EPSG:4326, longitude first),
            in ascending order of code. They may have holes, overlap, leave gaps, or be empty or None; an empty one
            covers nothing.

        Raises
        ------
        ParameterError
            A geometry is not a polygon, or a vertex is NaN or infinite.
        """
        rings = Rings.of(np.asarray(polygons, dtype=object))
        boxes = rings.boxes(MARGIN_DEG)
        outer = boxes[rings.order == 0]
        if not len(outer):
            return cls(rings, BucketGrid(boxes, 1.0, 1.0))
        # Smaller buckets answer more points without arithmetic but take more memory; polygons with many vertices need
        # more buckets to keep the edges per bucket few.
        per_side = max(6.0, (len(rings.x) / len(outer)) ** 0.5)
        width, height = (float(size) for size in np.median(outer[:, 2:] - outer[:, :2], axis=0) / per_side)
        while bucket_count(outer, width, height) > MAX_BUCKETS:
            width, height = width * 1.25, height * 1.25
        return cls(rings, BucketGrid(boxes, width, height))

    def _fill(self) -> None:
        """Enter all rings; leave the answer in every untouched bucket and the list of items in every touched one."""
        grid, rings = self._grid, self._rings
        entered = [enter(grid, rings, run.start, run.stop) for run in batches(rings.edges, EDGES_PER_BATCH)]
        slot, item, base = (_joined(entered, name) for name in ("slot", "item", "base"))
        grid.values[slot] = TOUCHED
        inside_slot, inside_ring, inside_base = _label(grid, rings, entered)
        # A ring around a touched bucket is a candidate there; the edge without length carries its winding number.
        empty_edge = rings.start[inside_ring] + rings.edges[inside_ring]
        slot, base = np.concatenate([slot, inside_slot]), np.concatenate([base, inside_base])
        item = np.concatenate([item, (empty_edge << 3 | FIRST).astype(np.int32)])
        key = slot.astype(np.int64)
        if len(inside_slot):  # without them the items already are in ring order
            key = key * len(rings.start) + self._ring_of_edge[item >> 3]
        order = stable_order(key)
        slot = slot[order]
        starts = run_starts(slot)
        grid.values[slot[starts]] = TOUCHED - np.arange(len(starts))
        self._bucket_start = np.append(starts, len(slot)).astype(np.int32)
        self._item, self._base = item[order], base[order]

    def locate(self, lon: Floats, lat: Floats) -> npt.NDArray[np.int32]:
        """Rank of the cell of every point.

        Parameters
        ----------
        lon, lat
            Shape (n,): degrees, in the datum of the polygons.

        Returns
        -------
        numpy.ndarray
            Shape (n,), int32: the lowest position, in the array given to `build`, of a polygon that covers the point,
            edges and corners included, as ST_Covers says it; -1 where none does and where a coordinate is NaN or
            infinite (rule book, section 3).
        """
        lon, lat = np.ascontiguousarray(lon, np.float64), np.ascontiguousarray(lat, np.float64)
        rank = np.empty(len(lon), np.int32)
        for start in range(0, len(lon), CHUNK):
            x, y = lon[start : start + CHUNK], lat[start : start + CHUNK]
            value = self._grid.look_up(x, y)
            touched = np.flatnonzero(value <= TOUCHED)
            bucket = TOUCHED - value.take(touched)
            first = self._bucket_start.take(bucket)
            count = self._bucket_start.take(bucket + 1) - first
            for run in batches(count, PAIRS_AT_A_TIME):
                at = touched[run]
                value[at] = self._judge(first[run], count[run], x.take(at), y.take(at))
            rank[start : start + CHUNK] = value
        return rank

    def _judge(self, first_item: Whole, count: Whole, x: Floats, y: Floats) -> Whole:
        """Lowest rank that covers each point, given the items of the touched bucket it lies in."""
        owner, position = ragged(first_item, count)
        item = self._item.take(position)
        edge = item >> 3
        flags = item.astype(np.int8)  # the low bits: sums of ones and zeros are fastest in bytes
        x1, y1 = self._rings.x.take(edge), self._rings.y.take(edge)
        edge += 1
        run, rise = self._rings.x.take(edge), self._rings.y.take(edge)
        edge -= 1
        qx, qy = x.take(owner), y.take(owner)
        above_1, above_2 = (y1 > qy).view(np.int8), (rise > qy).view(np.int8)
        # From here on as PostGIS has it, in place because fresh memory costs more than arithmetic.
        run -= x1
        rise -= y1
        qx -= x1
        qy -= y1
        side = run * qy
        side -= qx * rise
        crossing = above_2 - above_1
        crossing *= crossing == (side > 0).view(np.int8) - (side < 0).view(np.int8)
        crossing += above_1 & flags  # PREVIOUS_RIGHT is the lowest bit
        crossing -= above_2 & (flags >> 1)
        winding = self._base.take(position)
        winding += crossing
        on = np.flatnonzero(side == 0)
        if len(on):
            winding[on[self._in_box(edge[on], x[owner[on]], y[owner[on]])]] += ON_RING
        first = np.flatnonzero(flags & FIRST)
        winding = np.add.reduceat(winding, first, dtype=np.int32)
        edge, owner = edge.take(first), owner.take(first)
        covered = winding != 0
        if self._compound:
            self._combine_rings(covered, winding, self._ring_of_edge[edge], owner)
        # Candidates come in ascending rank: written backwards, the lowest is written last.
        chosen = np.flatnonzero(covered)[::-1]
        cell, owner = self._cell_of_edge[edge[chosen]], owner[chosen]
        lon = x[owner]
        boxed = (self._west[cell] <= lon) & (lon <= self._east[cell])
        rank = np.full(len(x), -1, np.int32)
        rank[owner[boxed]] = cell[boxed]
        return rank

    def _in_box(self, edge: Whole, qx: Floats, qy: Floats) -> npt.NDArray[np.bool_]:
        """Whether each point is in the box of its edge; in line with the edge but beyond its ends it is not."""
        x1, y1, x2, y2 = self._rings.x[edge], self._rings.y[edge], self._rings.x[edge + 1], self._rings.y[edge + 1]
        along_x = (np.minimum(x1, x2) <= qx) & (qx <= np.maximum(x1, x2))
        return along_x & (np.minimum(y1, y2) <= qy) & (qy <= np.maximum(y1, y2))

    def _combine_rings(self, covered: npt.NDArray[np.bool_], winding: Whole, ring: Whole, owner: Whole) -> None:
        """Turn "covered by the ring" into "covered by the polygon part", told at the part's exterior.

        On the exterior: covered. Inside it, the first hole whose ring contains or touches the point decides: touching
        is covered.
        """
        rings = self._rings
        some = np.flatnonzero(rings.compound[ring])
        if not len(some):
            return
        winding, ring = winding[some], ring[some]
        order, part = rings.order[ring], rings.part[ring]
        on = winding > ON_RING // 2
        group = np.flatnonzero((np.diff(owner[some], prepend=-1) != 0) | (np.diff(part, prepend=-1) != 0))
        # The lowest verdict of a part decides; even: covered, odd: not. An exterior touched is 0, hole k is 2k or 2k +
        # 1.
        never = np.iinfo(np.int32).max - 1
        verdict = np.where(order == 0, np.where(on, 0, never), np.where(winding == 0, never, 2 * order + ~on))
        lowest = np.minimum.reduceat(verdict, group)
        covered[some] = False
        covered[some[group]] = (order[group] == 0) & (winding[group] != 0) & (lowest % 2 == 0)

    def locate_one(self, lon: float, lat: float) -> int:
        """Rank of the cell of one point; the same answer as `locate` gives, without its cost per call.

        Parameters
        ----------
        lon, lat
            Degrees, in the datum of the polygons.
        """
        value = self._grid.look_up_one(lon, lat)
        if value > TOUCHED:
            return value
        windings = self._windings_one(TOUCHED - value, lon, lat)
        if self._compound:
            windings = self._combine_one(windings)
        *_, cell_of_edge, west, east = self._views
        for edge, _ in windings:
            cell = cell_of_edge[edge]
            if west[cell] <= lon <= east[cell]:
                return cell
        return -1

    def _windings_one(self, bucket: int, lon: float, lat: float) -> list[tuple[int, int]]:
        """An edge and the winding number, where that is not zero, of every candidate ring in a bucket."""
        bucket_start, items, bases, x, y, *_ = self._views
        windings = []
        winding = edge = 0
        for position in range(bucket_start[bucket], bucket_start[bucket + 1]):
            item = items[position]
            if item & FIRST:
                if winding:
                    windings.append((edge, winding))
                winding = bases[position]
            edge = item >> 3
            x1, y1, x2, y2 = x[edge], y[edge], x[edge + 1], y[edge + 1]
            side = (x2 - x1) * (lat - y1) - (lon - x1) * (y2 - y1)
            if y1 > lat:
                winding += (item & PREVIOUS_RIGHT) - (side < 0 and y2 <= lat)
            elif side > 0 and y2 > lat:
                winding += 1
            if item & NEXT_RIGHT and y2 > lat:
                winding -= 1
            if side == 0 and min(x1, x2) <= lon <= max(x1, x2) and min(y1, y2) <= lat <= max(y1, y2):
                winding += ON_RING
        if winding:
            windings.append((edge, winding))
        return windings

    def _combine_one(self, windings: list[tuple[int, int]]) -> list[tuple[int, int]]:
        """Keep, of the rings with a winding number, the exterior of every part that covers the point."""
        rings = self._rings
        kept: list[tuple[int, int]] = []
        open_part = -1  # the part whose exterior holds the point while none of its holes has decided yet
        for edge, winding in windings:
            ring = self._ring_of_edge[edge]
            on = winding > ON_RING // 2
            if rings.order[ring] == 0:
                kept.append((edge, winding))
                open_part = -1 if on else rings.part[ring]
            elif rings.part[ring] == open_part:
                open_part = -1
                if not on:
                    kept.pop()
        return kept

    @property
    def nbytes(self) -> int:
        """Bytes the index holds."""
        rings = self._rings
        arrays = (
            self._bucket_start,
            self._item,
            self._base,
            self._cell_of_edge,
            self._ring_of_edge,
            self._west,
            self._east,
        )
        return self._grid.nbytes + sum(a.nbytes for a in arrays) + rings.nbytes
