"""Density clusters of points in metres: DBSCAN, exact, and the same whatever order the points come in."""

from __future__ import annotations

from math import ceil

import numpy as np
import shapely

from gis.geometry.locate import Floats, Whole, run_starts
from gis.geometry.neighbours import NOISE, Flags, Neighbourhood, Positions

STRICTER = 1.5
"""By how much the least number grows where a cluster is too wide."""


def dbscan(x: Floats, y: Floats, reach_m: float, least: int) -> tuple[Whole, Flags]:
    """Cluster points by density.

    A point with at least `least` points within `reach_m` of it, itself and both bounds included, is a core. Cores
    within reach of each other are of one cluster. Any other point within reach of a core is at the border of a cluster:
    that of its nearest core, of equally near ones the one lowest by x, then y. The rest is noise.

    Parameters
    ----------
    x, y
        float64 of shape (n,): finite, in metres. Points may coincide; each counts.
    reach_m
        Above 0.
    least
        1 or more.

    Returns
    -------
    labels
        int64 of shape (n,): clusters are numbered 0, 1, ... by their lowest point (x, then y); NOISE elsewhere. A
        permutation of the input permutes the answer, no more.
    core
        bool of shape (n,).
    """
    positions = Positions.of(np.asarray(x, float), np.asarray(y, float))
    if not len(positions.x):
        return np.empty(0, np.int64), np.empty(0, bool)
    places = Neighbourhood.of(positions, reach_m)
    core = places.counts() >= least
    labels = _by_position(places, places.cluster(core, np.zeros(len(core), np.int64)))
    cores = np.empty_like(core)
    cores[places.at] = core
    return _renumbered(labels)[positions.of_point], cores[positions.of_point]


def spots(x: Floats, y: Floats, reach_m: float, least: int, width_m: float) -> Whole:
    """Clusters that are narrow enough to be called a spot.

    Along a busy street DBSCAN chains a kilometre of points together. A cluster that does not fit into a circle
    `width_m` across is therefore taken apart: of its points only those stay cores that have half as many neighbours
    again as was asked for (rounded up: 5, 8, 12, 18, ...), until its parts fit. Where no core would stay, the cluster
    stays as it is.

    Parameters
    ----------
    x, y, reach_m, least
        As for `dbscan`.
    width_m
        Above 0; infinity: plain DBSCAN.

    Returns
    -------
    int64 of shape (n,)
        As `dbscan`'s labels.
    """
    positions = Positions.of(np.asarray(x, float), np.asarray(y, float))
    if not len(positions.x):
        return np.empty(0, np.int64)
    places = Neighbourhood.of(positions, reach_m)
    counts = places.counts()
    answer = np.full(len(counts), NOISE, np.int64)
    group = np.zeros(len(counts), np.int64)
    given = 0
    while (group != NOISE).any():
        found = places.cluster((counts >= least) & (group != NOISE), group)
        least = ceil(least * STRICTER)
        settled = _settled(places, counts, found, least, width_m)
        answer[settled] = found[settled] + given
        given += len(places.start)
        group = np.where(settled, NOISE, found)
    return _renumbered(_by_position(places, answer))[positions.of_point]


def _settled(places: Neighbourhood, counts: Whole, found: Whole, least: int, width_m: float) -> Flags:
    """Places of clusters that are narrow enough, or in which nothing has `least` neighbours."""
    order = np.argsort(found, kind="stable")
    order = order[found[order] != NOISE]
    settled = np.zeros(len(found), bool)
    if not len(order):
        return settled
    first = run_starts(found[order])
    x, y = places.x[order], places.y[order]
    wide = np.maximum.reduceat(x, first) - np.minimum.reduceat(x, first)
    tall = np.maximum.reduceat(y, first) - np.minimum.reduceat(y, first)
    # The circle round a cluster's box is no smaller than its own, so few need the exact one.
    narrow = np.hypot(wide, tall) <= width_m
    narrow |= np.maximum.reduceat(counts[order], first) < least
    ends = np.append(first, len(order))
    for cluster in np.flatnonzero(~narrow).tolist():
        points = slice(ends[cluster], ends[cluster + 1])
        circle = shapely.minimum_bounding_radius(shapely.multipoints(np.column_stack([x[points], y[points]])))
        narrow[cluster] = 2 * circle <= width_m
    settled[order] = np.repeat(narrow, np.diff(ends))
    return settled


def _by_position(places: Neighbourhood, labels: Whole) -> Whole:
    answer = np.empty_like(labels)
    answer[places.at] = labels
    return answer


def _renumbered(labels: Whole) -> Whole:
    """Labels of positions in ascending order, numbered anew by the first position that has each."""
    inside = labels != NOISE
    names, first, back = np.unique(labels[inside], return_index=True, return_inverse=True)
    rank = np.empty(len(names), np.int64)
    rank[np.argsort(first)] = np.arange(len(names))
    answer = np.full(len(labels), NOISE, np.int64)
    answer[inside] = rank[back]
    return answer
