"""How polygons lie to each other: what they share, what sticks out, and how many square metres that is.

Overlays happen in plain longitude, latitude, where edges are straight as ST_Covers takes them; square metres are
geodesic, on the WGS 84 ellipsoid.
"""

from __future__ import annotations

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

Geometries = NDArray[np.object_]
Floats = NDArray[np.float64]
Ranks = NDArray[np.intp]

_GEOD = pyproj.Geod(ellps="WGS84")
INTERIORS_MEET = "T********"


def geodesic_area_m2(geoms: Geometries) -> Floats:
    """Geodesic area in square metres of each (Multi)Polygon in longitude, latitude; 0 for None, lines and points.

    The orientation of rings does not count. Of an invalid polygon it is what its rings enclose by their winding.
    """
    area = np.zeros(len(geoms))
    for at, geometry in enumerate(shapely.orient_polygons(geoms)):
        if geometry is not None and not geometry.is_empty:
            area[at] = abs(_GEOD.geometry_area_perimeter(geometry)[0])
    return area


def overlaps(geoms: Geometries, least_m2: float, of: Ranks | None = None) -> tuple[Ranks, Ranks, Floats]:
    """Pairs that share more than `least_m2` square metres.

    Parameters
    ----------
    geoms
        Valid (Multi)Polygons in longitude, latitude.
    of
        Only pairs with at least one of these ranks; None: all pairs.

    Returns
    -------
    tuple of ndarray
        Lower rank, higher rank, shared square metres; sorted by the ranks.
    """
    asked = np.arange(len(geoms)) if of is None else of
    first, second = shapely.STRtree(geoms).query(geoms[asked])
    pairs = np.sort(np.stack((asked[first], second), axis=1), axis=1)
    low, high = np.unique(pairs[pairs[:, 0] < pairs[:, 1]], axis=0).T
    shapely.prepare(geoms)
    meet = shapely.relate_pattern(geoms[low], geoms[high], INTERIORS_MEET)
    low, high = low[meet], high[meet]
    shared = geodesic_area_m2(shapely.intersection(geoms[low], geoms[high]))
    enough = shared > least_m2
    return low[enough], high[enough], shared[enough]


def outside_m2(inner: Geometries, outer: Geometries) -> Floats:
    """Square metres of each inner polygon that lie outside the outer one of the same rank."""
    out = np.zeros(len(inner))
    shapely.prepare(outer)
    sticks_out = np.flatnonzero(~shapely.covers(outer, inner))
    out[sticks_out] = geodesic_area_m2(shapely.difference(inner[sticks_out], outer[sticks_out]))
    return out


def largest_share(inner: Geometries, outer: Geometries) -> tuple[Ranks, Floats]:
    """For each inner polygon the outer one that holds most of it (-1: none), and which share of it that is, 0 to 1."""
    best = np.full(len(inner), -1, dtype=np.intp)
    share = np.zeros(len(inner))
    if not len(outer) or not len(inner):
        return best, share
    at, candidate = shapely.STRtree(outer).query(inner)
    # Shares compare planar areas of one small place, so degrees are as good as metres here.
    part = shapely.area(shapely.intersection(inner[at], outer[candidate])) / shapely.area(inner[at])
    for rank in np.lexsort((-candidate, part)).tolist():
        if part[rank] > 0:
            best[at[rank]], share[at[rank]] = candidate[rank], part[rank]
    return best, share
