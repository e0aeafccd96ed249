"""Gi* (Getis and Ord) with conditional permutations and control of false discoveries; pure NumPy and SciPy.

Of each place is asked whether the values around it, its own included, are higher or lower than chance would have it.

How so many permutations are affordable
---------------------------------------
For place i the permutation test draws as many values as i has neighbours out of the n - 1 others, again and again. The
same draws serve all places (as in esda), told apart only by leaving i itself out: wherever i was drawn, the last place
stands in for it, which maps {0 .. n-2} one to one on {0 .. n-1} without i. Sums of the first k draws are then the same
for all places with k neighbours, but for the few draws that hit the place itself. So a place costs a search in a sorted
column, not 999 sums of its own: the cost is permutations x neighbours, whatever the number of places.

Values with many ties, such as rates of mostly empty cells, need care: a sum that equals the real one counts as high and
as low. Where it counted on one side only, empty neighbourhoods among empty cells would pass for cold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.spatial import KDTree

Floats = NDArray[np.float64]
Whole = NDArray[np.int64]

DRAWS_AT_ONCE = 2_000_000
ROUNDING = 1e-9
"""Sums that differ by less, in units of the largest value, are a tie: they count on both sides."""
CROWDED = 4
"""Drawing anew what was drawn twice is quick as long as there are so many times more places than draws."""


@dataclass(frozen=True)
class Neighbours:
    """Who is next to whom, without the place itself: binary weights, symmetric.

    Parameters
    ----------
    count
        How many neighbours each place has.
    one, other
        Each pair twice, once in either direction.
    """

    count: Whole
    one: Whole
    other: Whole

    def sums(self, values: Floats) -> Floats:
        """Sum of the neighbours' values of each place."""
        found: Floats = np.bincount(self.one, values[self.other], len(self.count)).astype(float)
        return found


def _both_ways(pairs: Whole, size: int) -> Neighbours:
    one, other = np.concatenate([pairs, pairs[:, ::-1]]).T
    order = np.lexsort((other, one))
    return Neighbours(np.bincount(one, minlength=size).astype(np.int64), one[order], other[order])


def within_reach(x: Floats, y: Floats, reach_m: float) -> Neighbours:
    """Places not further apart than `reach_m`, by their points in a metric CRS."""
    pairs = KDTree(np.column_stack([x, y])).query_pairs(reach_m, output_type="ndarray") if len(x) else []
    return _both_ways(np.asarray(pairs, np.int64).reshape(-1, 2), len(x))


def touching(shapes: NDArray[np.object_], gap_m: float) -> Neighbours:
    """Places that share an edge or a corner (queen contiguity), gaps up to `gap_m` of surveying passed over."""
    pairs = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=gap_m).T
    return _both_ways(np.asarray(pairs[pairs[:, 0] < pairs[:, 1]], np.int64), len(shapes))


def gi_star(values: Floats, neighbours: Neighbours) -> Floats:
    """Gi* as a standard score (Ord and Getis 1995); nan where it has no spread.

        z = (sum over i and its neighbours - w * mean) / (s * sqrt((n * w - w^2) / (n - 1))),  w = neighbours + 1

    Parameters
    ----------
    values
        Shape (n,), e.g. reports per km2.
    """
    n, weight = len(values), neighbours.count + 1.0
    if n < 2:
        return np.full(n, np.nan)
    mean, spread = values.mean(), values.std()
    below = spread * np.sqrt(np.maximum(n * weight - weight**2, 0) / (n - 1))
    above = neighbours.sums(values) + values - weight * mean
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = np.where(below > ROUNDING * max(spread, abs(mean)), above / below, np.nan)
    return found


def permutation_tails(values: Floats, neighbours: Neighbours, permutations: int, seed: int) -> tuple[Whole, Whole]:
    """How often values thrown at random around each place (its own stays) are as high, and as low, as they are.

    Returns
    -------
    high, low
        Of `permutations`, those with a sum of neighbours not below, and not above, the real one; ties count in both.
        A place without neighbours, or one whose neighbours are all the others, has `permutations` in both.
    """
    n, count = len(values), neighbours.count
    high, low = np.zeros(n, np.int64), np.zeros(n, np.int64)
    most = int(count.max(initial=0))
    if most == 0:
        return high + permutations, low + permutations
    tie = ROUNDING * max(1.0, float(np.abs(values).max())) * most
    sums = neighbours.sums(values)
    floor, ceiling = sums - tie, sums + tie
    by_count = [(k, np.flatnonzero(count == k)) for k in np.unique(count[count > 0]).tolist()]
    rng = np.random.default_rng(seed)
    done = 0
    while done < permutations:
        some = min(permutations - done, max(1, DRAWS_AT_ONCE // most))
        done += some
        drawn = _draws(rng, n - 1, some, most)
        totals = np.cumsum(values[drawn], axis=1)
        for k, places in by_count:
            column = np.sort(totals[:, k - 1])
            high[places] += some - np.searchsorted(column, floor[places], "left")
            low[places] += np.searchsorted(column, ceiling[places], "right")
        # Where a place was drawn for itself, the last one stands in for it.
        row, at = np.nonzero(np.arange(most) < count[drawn])
        place = drawn[row, at]
        before = totals[row, count[place] - 1]
        after = before + values[-1] - values[place]
        high += _changes(place, before >= floor[place], after >= floor[place], n)
        low += _changes(place, before <= ceiling[place], after <= ceiling[place], n)
    alone = count == 0
    high[alone] = low[alone] = permutations
    return high, low


def _changes(place: Whole, before: NDArray[np.bool_], after: NDArray[np.bool_], n: int) -> Whole:
    step = after.astype(np.int8) - before.astype(np.int8)
    moved = step != 0
    return np.rint(np.bincount(place[moved], step[moved], n)).astype(np.int64)


def _draws(rng: np.random.Generator, size: int, rows: int, columns: int) -> Whole:
    """Rows of so many different numbers below `size`, every row equally likely."""
    if size < CROWDED * columns:
        return rng.permuted(np.tile(np.arange(size), (rows, 1)), axis=1)[:, :columns]
    found = rng.integers(0, size, (rows, columns))
    again = np.arange(rows)
    while len(again):
        ordered = np.sort(found[again], axis=1)
        again = again[(ordered[:, 1:] == ordered[:, :-1]).any(axis=1)]
        found[again] = rng.integers(0, size, (len(again), columns))
    return found


def two_sided(high: Whole, low: Whole, permutations: int) -> Floats:
    """Two-sided pseudo p-values: twice the smaller tail, the real arrangement counted as one of them; at most 1."""
    return np.minimum(1.0, 2 * (np.minimum(high, low) + 1) / (permutations + 1))


def false_discovery_rates(p: Floats) -> Floats:
    """q-values of Benjamini and Hochberg 1995: calling q <= a, at most a share a is expected to be false."""
    order = np.argsort(p, kind="stable")
    scaled = p[order] * len(p) / np.arange(1, len(p) + 1)
    found = np.empty(len(p))
    found[order] = np.minimum(1.0, np.minimum.accumulate(scaled[::-1])[::-1])
    return found
