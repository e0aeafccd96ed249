"""Places that are alike: groups of neighbouring cells, what is compared of them, and which are nearest (clause 12).

A place is a group of as many neighbouring cells as the measure touches, so that what happens to neighbours together
(a market day, a new patrol) happens to a compared place together, too. Pure NumPy and SciPy; no database.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NONE = -1

TIER_WEIGHT = 3.0
"""Another tier is as far away as three standard deviations of the level: taken only where nothing else is left."""
HALF = 0.5
"""Added to counts before their logarithm is taken, so that none is not infinitely far from one."""
DEEP = 6
"""How many candidates are looked at for each place that is wanted, as neighbours of one another are passed over."""
TIE = 9
"""Decimals to which distances between features are compared."""
MOST_MEMBERS = 8_000_000
"""64 MB; a city of 100,000 cells has so many in places of 80 cells."""


@dataclass(frozen=True)
class Ground:
    """Cells as they are compared; n cells.

    Parameters
    ----------
    xy
        Shape (n, 2): a point of each in the city's metric CRS, metres.
    traits
        Shape (n, t): what does not change in time, already weighted so that 1 is a usual difference between places:
        tiers, road density, class of road.
    free
        Shape (n,): whether no measure reached the cell in the window; only such cells make up compared places.
    """

    xy: Floats
    traits: Floats
    free: NDArray[np.bool_]


@dataclass(frozen=True)
class Places:
    """Groups of neighbouring free cells, one around each free cell; p places of m cells.

    Parameters
    ----------
    members
        Shape (p, m): positions of the cells, the middle one first.
    middle
        Shape (p, 2): metres.
    radius
        Shape (p,): metres from the middle to the farthest member.
    traits
        Shape (p, t): means over the members.
    """

    members: Ints
    middle: Floats
    radius: Floats
    traits: Floats

    def sums(self, counts: Floats) -> Floats:
        """Sums over members of (parts, cells), as (parts, places)."""
        return np.asarray(counts[:, self.members].sum(axis=2))


def places_of(ground: Ground, size: int) -> Places | None:
    """A place of `size` cells around every free cell; None where there are not that many free cells.

    Where that were more than MOST_MEMBERS cells in all, around every second one, every third one, ... by rank.

    The members are the free cells nearest to the middle one, so places near a measure or at the city's edge are less
    round than others.
    """
    free = np.flatnonzero(ground.free)
    if len(free) < size:
        return None
    xy = ground.xy[free]
    middle = xy[:: -(-len(free) * size // MOST_MEMBERS)]
    distance, nearest = cKDTree(xy).query(middle, size)
    distance, nearest = distance.reshape(len(middle), size), nearest.reshape(len(middle), size)
    members = free[nearest].astype(np.int64)
    return Places(members, middle, distance[:, -1], ground.traits[members].mean(axis=1))


def features(sums: Floats, traits: Floats, scale: Floats) -> Floats:
    """What is compared of places: levels by part, as logarithms in units of their usual spread, then traits.

    Parameters
    ----------
    sums
        Shape (levels, places): counts of the parts that are compared.
    scale
        Shape (levels,): standard deviations of the logarithms among all places.
    """
    return np.column_stack([(np.log(sums + HALF) / scale[:, None]).T, traits])


def usual_spread(sums: Floats) -> Floats:
    """Standard deviation of the logarithm of each part's counts among places; 1 where all are alike."""
    spread = np.log(sums + HALF).std(axis=1)
    return np.where(spread > 0, spread, 1.0)


def alike(
    wanted: Floats,
    at: Floats,
    reach: Floats,
    candidates: cKDTree,
    places: Places,
    count: int,
    barred: NDArray[np.bool_] | None = None,
) -> Ints:
    """The places nearest in their features to each wanted one, apart from it and from one another.

    Parameters
    ----------
    wanted
        Shape (w, f): features.
    at, reach
        Shape (w, 2) and (w,): middle and radius of what is wanted, metres; what could share a cell with it is no match.
    candidates
        Tree over the features of `places`.
    count
        How many are wanted.
    barred
        Shape (p,): places that are no match for anybody; None: all may be.

    Returns
    -------
    int64 of shape (w, count)
        Positions among `places`, nearest first; NONE where there are no more.
    """
    passed_over = 0 if barred is None else int(barred.sum())
    deep = min(count * DEEP + passed_over, len(places.middle))
    distance, nearest = (found.reshape(len(wanted), deep) for found in candidates.query(wanted, deep))
    # Equal counts are equally near: the lowest rank, so the lowest code, goes first.
    order = np.lexsort((nearest, np.round(distance, TIE)), axis=1)
    nearest = np.take_along_axis(nearest, order, axis=1)
    chosen = np.full((len(wanted), count), NONE, np.int64)
    found = np.zeros(len(wanted), np.int64)
    rows = np.arange(len(wanted))
    for rank in range(deep):
        candidate = nearest[:, rank]
        middle, radius = places.middle[candidate], places.radius[candidate]
        apart = np.hypot(*(middle - at).T) > radius + reach
        if barred is not None:
            apart &= ~barred[candidate]
        others = places.middle[chosen], places.radius[chosen]
        away = np.hypot(*np.moveaxis(others[0] - middle[:, None], 2, 0)) > others[1] + radius[:, None]
        apart &= (away | (chosen == NONE)).all(axis=1)
        take = apart & (found < count)
        chosen[rows[take], found[take]] = candidate[take]
        found += take
        if (found == count).all():
            break
    return chosen
