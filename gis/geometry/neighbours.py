"""Which points in metres are within reach of each other, without a look at all pairs.

Points lie in buckets whose diagonal is the reach, so points of one bucket are neighbours without a look. Two buckets
are compared by the boxes round their points first: wholly within reach, wholly beyond it, or in need of a look at
each pair. A crowded bucket is cut into smaller ones, so that of thousands of points in one place few are compared one
by one.
Every bound is monotone in floating point (differences, squares, sums), so it decides as the pairs themselves would.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from gis.geometry.locate import Floats, Whole, batches, ragged, run_starts, stable_order

NOISE = -1
"""Label of a point that belongs to no cluster."""

INSIDE = 1 - 1e-9
"""Buckets are so much smaller than the reach allows, which is far more than rounding can take away."""

CROWD = 64
"""A bucket with more positions is cut until about so many are left in each part."""
MOST_CUTS = 10

PAIRS_AT_ONCE = 1_000_000
PAIRS_KEPT = 4_000_000
"""With at most so many pairs within reach they are kept from the first look to the next."""

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Positions:
    """Distinct positions, ascending by x, then y: all that follows is worked out on them, so the input's order is gone.

    Parameters
    ----------
    weight
        How many input points stand there.
    of_point
        Position of each input point.
    """

    x: Floats
    y: Floats
    weight: Whole
    of_point: Whole

    @classmethod
    def of(cls, x: Floats, y: Floats) -> Positions:
        """Positions of points in metres."""
        order = np.lexsort((y, x))
        xs, ys = x[order], y[order]
        new = np.ones(len(x), bool)
        new[1:] = (xs[1:] != xs[:-1]) | (ys[1:] != ys[:-1])
        number = np.cumsum(new) - 1
        of_point = np.empty(len(x), np.int64)
        of_point[order] = number
        return cls(xs[new], ys[new], np.bincount(number, minlength=int(new.sum())).astype(np.int64), of_point)


@dataclass
class Neighbourhood:
    """Positions by bucket, and which buckets are near each other.

    A "place" is a position in the order by bucket; `at` leads back.

    Parameters
    ----------
    start, size
        First place of each bucket, and how many.
    bucket
        Of each place.
    whole
        Pairs of buckets all of whose places are within reach of each other; also implied of a bucket with itself.
    mixed
        Pairs that need a look at each place.
    """

    x: Floats
    y: Floats
    weight: Whole
    at: Whole
    start: Whole
    size: Whole
    bucket: Whole
    whole: tuple[Whole, Whole]
    mixed: tuple[Whole, Whole]
    reach2: float
    _kept: list[tuple[Whole, Whole, Floats]] = field(default_factory=list)
    _looked: bool = False

    @classmethod
    def of(cls, positions: Positions, reach_m: float) -> Neighbourhood:
        """Put positions into buckets; there is at least one."""
        at, square, bucket, tall = _bucket_order(positions, reach_m)
        x, y = positions.x[at], positions.y[at]
        start = run_starts(bucket)
        size = np.diff(np.append(start, len(at)))
        one, other = _bucket_pairs(square[start], tall)
        west, east = np.minimum.reduceat(x, start), np.maximum.reduceat(x, start)
        south, north = np.minimum.reduceat(y, start), np.maximum.reduceat(y, start)
        far = (np.maximum(east[one], east[other]) - np.minimum(west[one], west[other])) ** 2
        far += (np.maximum(north[one], north[other]) - np.minimum(south[one], south[other])) ** 2
        gap_x = np.maximum(np.maximum(west[one] - east[other], west[other] - east[one]), 0)
        gap_y = np.maximum(np.maximum(south[one] - north[other], south[other] - north[one]), 0)
        reach2 = reach_m * reach_m
        whole = far <= reach2
        mixed = ~whole & (gap_x**2 + gap_y**2 <= reach2)
        bucket = np.repeat(np.arange(len(start)), size)
        pairs = [(one[kind], other[kind]) for kind in (whole, mixed)]
        return cls(x, y, positions.weight[at], at, start, size, bucket, pairs[0], pairs[1], reach2)

    def near_pairs(self, useful: Flags | None = None) -> Iterator[tuple[Whole, Whole, Floats]]:
        """Places (i, j) within reach of each other in mixed pairs of buckets, and their squared distance.

        Parameters
        ----------
        useful
            Which mixed pairs are asked about; None: all. Where all are kept from an earlier look, all come.
        """
        if self._looked:
            yield from self._kept
            return
        found = 0 if useful is None else PAIRS_KEPT + 1
        kept: list[tuple[Whole, Whole, Floats]] = []
        one, other = self.mixed if useful is None else (self.mixed[0][useful], self.mixed[1][useful])
        for part in batches(self.size[one] * self.size[other], PAIRS_AT_ONCE):
            i, j = self._places_of(one[part], other[part])
            apart = self._apart(i, j)
            near = apart <= self.reach2
            pairs = i[near], j[near], apart[near]
            found += len(pairs[0])
            kept = [*kept, pairs] if found <= PAIRS_KEPT else []
            yield pairs
        self._kept, self._looked = kept, found <= PAIRS_KEPT

    def counts(self) -> Whole:
        """How many points lie within reach of each place, those on it included."""
        of_bucket = np.add.reduceat(self.weight, self.start)
        one, other = self.whole
        near = of_bucket.astype(float)  # sums of whole numbers below 2**53 are exact
        near += np.bincount(one, of_bucket[other], len(near)) + np.bincount(other, of_bucket[one], len(near))
        counts = near[self.bucket]
        for i, j, _ in self.near_pairs():
            counts += np.bincount(i, self.weight[j], len(counts)) + np.bincount(j, self.weight[i], len(counts))
        return counts.astype(np.int64)

    def cluster(self, core: Flags, group: Whole) -> Whole:
        """Number of the cluster of each place, NOISE for none.

        Parameters
        ----------
        core
            Cores within reach of each other are of one cluster.
        group
            A place that is no core goes to the nearest core of its own group; with NOISE, to none.
        """
        with_core = np.bincount(self.bucket, core, len(self.start)) > 0
        one, other = self.whole
        tied = with_core[one] & with_core[other]
        ties = [(one[tied], other[tied])]
        waiting = ~core & (group != NOISE)
        with_waiting = np.bincount(self.bucket, waiting, len(self.start)) > 0
        borders = [self._nearest(*pairs, group) for pairs in self._border_pairs(core, waiting, with_core, with_waiting)]
        # In a crowd nearly all is decided by whole pairs, so few mixed ones have anything to add.
        so_far = _components(len(self.start), *ties[0])
        a, b = self.mixed
        useful = with_core[a] & with_core[b] & (so_far[a] != so_far[b])
        useful |= (with_core[a] & with_waiting[b]) | (with_waiting[a] & with_core[b])
        for i, j, apart in self.near_pairs(useful):
            both = core[i] & core[j]
            ties.append((self.bucket[i[both]], self.bucket[j[both]]))
            for border, centre in ((i, j), (j, i)):
                chosen = waiting[border] & core[centre]
                borders.append(self._nearest(border[chosen], centre[chosen], apart[chosen], group))
        a, b = (np.concatenate(parts) for parts in zip(*ties, strict=True))
        root = _components(len(self.start), a, b)
        found = np.where(core, root[self.bucket], NOISE)
        if borders:
            border, centre, apart = (np.concatenate(parts) for parts in zip(*borders, strict=True))
            border, centre, _ = self._nearest(border, centre, apart, group)
            found[border] = root[self.bucket[centre]]
        return found

    def _nearest(self, border: Whole, centre: Whole, apart: Floats, group: Whole) -> tuple[Whole, Whole, Floats]:
        """Of pairs of a place and a core of its own group the nearest for each place, in a tie the lowest position."""
        same = group[border] == group[centre]
        border, centre, apart = border[same], centre[same], apart[same]
        order = np.lexsort((self.at[centre], apart, border))
        border, centre, apart = border[order], centre[order], apart[order]
        first = run_starts(border) if len(border) else np.empty(0, np.int64)
        return border[first], centre[first], apart[first]

    def _border_pairs(
        self, core: Flags, waiting: Flags, with_core: Flags, with_waiting: Flags
    ) -> Iterator[tuple[Whole, Whole, Floats]]:
        """Places that wait, each with every core of its own bucket and of buckets wholly within reach."""
        one, other = self.whole
        itself = np.arange(len(self.start))
        here, there = np.concatenate([itself, one, other]), np.concatenate([itself, other, one])
        useful = with_waiting[here] & with_core[there]
        here, there = here[useful], there[useful]
        for part in batches(self.size[here] * self.size[there], PAIRS_AT_ONCE):
            border, centre = self._places_of(here[part], there[part])
            chosen = waiting[border] & core[centre]
            border, centre = border[chosen], centre[chosen]
            yield border, centre, self._apart(border, centre)

    def _places_of(self, one: Whole, other: Whole) -> tuple[Whole, Whole]:
        """Every place of one bucket with every place of the other, for pairs of buckets."""
        return _product(self.start[one], self.size[one], self.start[other], self.size[other])

    def _apart(self, i: Whole, j: Whole) -> Floats:
        return (self.x[i] - self.x[j]) ** 2 + (self.y[i] - self.y[j]) ** 2


def _bucket_order(positions: Positions, reach_m: float) -> tuple[Whole, Whole, Whole, int]:
    """Order of the positions by bucket.

    Returns
    -------
    at, square, bucket
        Positions in the order by bucket; the square that each lies in (column * tall + row) and its bucket, which is
        the square or, where that is crowded, a part of it.
    tall
        Squares from one column to the next.
    """
    side = reach_m / sqrt(2) * INSIDE
    east, north = (positions.x - positions.x.min()) / side, (positions.y - positions.y.min()) / side
    column, row = np.floor(east), np.floor(north)
    tall = int(row.max()) + 5  # so that two rows beyond an end are not the next column's
    square = column.astype(np.int64) * tall + row.astype(np.int64) + 2
    at = stable_order(square)
    square = square[at]
    start = run_starts(square)
    size = np.diff(np.append(start, len(at)))
    if size.max() <= CROWD:
        return at, square, square, tall
    cuts = np.clip(np.ceil(np.log2(size / CROWD) / 2), 0, MOST_CUTS)
    parts = np.repeat(2**cuts, size)
    across = np.minimum((east - column)[at] * parts, parts - 1).astype(np.int64)
    up = np.minimum((north - row)[at] * parts, parts - 1).astype(np.int64)
    bucket = ((np.repeat(np.arange(len(start)), size) << MOST_CUTS) + across << MOST_CUTS) + up
    again = stable_order(bucket)
    return at[again], square[again], bucket[again], tall


def _bucket_pairs(square: Whole, tall: int) -> tuple[Whole, Whole]:
    """Pairs of buckets in squares up to two columns and rows apart, or in the same one, each pair once.

    Parameters
    ----------
    square
        Of each bucket, ascending.
    """
    first = run_starts(square)
    parts = np.diff(np.append(first, len(square)))
    squares = square[first]
    ones, others = [], []
    for columns in (0, 1, 2):
        low = np.searchsorted(squares, squares + columns * tall + (-2 if columns else 1))
        high = np.searchsorted(squares, squares + columns * tall + 3)
        one, other = ragged(low, high - low)
        ones.append(one)
        others.append(other)
    one, other = np.concatenate(ones), np.concatenate(others)
    if len(first) == len(square):
        return one, other
    one, other = _product(first[one], parts[one], first[other], parts[other])
    cut = parts > 1
    here, there = _product(first[cut], parts[cut], first[cut], parts[cut])
    once = here < there
    return np.concatenate([one, here[once]]), np.concatenate([other, there[once]])


def _product(first_a: Whole, count_a: Whole, first_b: Whole, count_b: Whole) -> tuple[Whole, Whole]:
    """Every element of run a with every element of run b, for many pairs of runs."""
    pair, number = ragged(np.zeros(len(count_a), np.int64), count_a * count_b)
    one, other = np.divmod(number, count_b[pair])
    return first_a[pair] + one, first_b[pair] + other


def _components(count: int, a: Whole, b: Whole) -> Whole:
    """The lowest number that each of `count` numbers is tied to by pairs (a, b), directly or through others."""
    root = np.arange(count)
    while True:
        low, high = root[a], root[b]
        apart = low != high
        if not apart.any():
            return root
        a, b, low, high = a[apart], b[apart], low[apart], high[apart]
        np.minimum.at(root, np.maximum(low, high), np.minimum(low, high))
        while True:
            above = root[root]
            if np.array_equal(above, root):
                break
            root = above
