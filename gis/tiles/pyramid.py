"""The tile pyramid WebMercatorQuad (OGC Two Dimensional Tile Matrix Set): where tiles lie, and where points."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from gis.errors import NotFound, ParameterError

MAX_ZOOM = 22
EXTENT = 4096
"""Units per tile side."""
BUFFER = 64
"""Units by which a tile shows what lies beyond its sides, so that outlines do not end at them."""
RADIUS = 6_378_137.0
HALF = math.pi * RADIUS
"""Half the side of the square world in metres of EPSG:3857."""
FINEST = 28
"""Levels of halving by which places are kept: the squares of a tile of MAX_ZOOM, 64 per side."""
MAX_LATITUDE = 89.999_999
"""Degrees; the projection has no poles. Far beyond the pyramid, which ends at 85.0511."""

Bounds = tuple[float, float, float, float]


def check_tile(z: int, x: int, y: int) -> None:
    """Refuse what is no tile.

    Raises
    ------
    ParameterError
        The zoom is not one of the pyramid's.
    NotFound
        The zoom has no such column or row.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise ParameterError("z", f"a zoom from 0 to {MAX_ZOOM}, not {z}")
    side = 1 << z
    if not (0 <= x < side and 0 <= y < side):
        msg = f"zoom {z} has columns and rows 0 to {side - 1}; there is no tile {z}/{x}/{y}"
        raise NotFound(msg)


def tile_bounds(z: int, x: int, y: int) -> Bounds:
    """West, south, east, north of a tile in metres of EPSG:3857; row 0 is the northernmost.

    Raises
    ------
    ParameterError, NotFound
        As `check_tile`.
    """
    check_tile(z, x, y)
    size = tile_size(z)
    return (x * size - HALF, HALF - (y + 1) * size, (x + 1) * size - HALF, HALF - y * size)


def tile_size(z: int) -> float:
    """Side of a tile in metres of EPSG:3857."""
    return 2 * HALF / (1 << z)


def buffered(bounds: Bounds) -> Bounds:
    """What a tile shows: its bounds, BUFFER units beyond, and the half of one that rounding brings in."""
    west, south, east, north = bounds
    more = (east - west) * (BUFFER + 0.5) / EXTENT
    return west - more, south - more, east + more, north + more


def to_mercator(lonlat: NDArray[np.float64]) -> NDArray[np.float64]:
    """WGS 84 longitude and latitude in degrees, shape (n, 2), as EPSG:3857 in metres; closed form, as PROJ has it."""
    answer = np.empty_like(lonlat)
    answer[:, 0] = np.radians(lonlat[:, 0]) * RADIUS
    latitude = np.radians(np.clip(lonlat[:, 1], -MAX_LATITUDE, MAX_LATITUDE))
    answer[:, 1] = np.arctanh(np.sin(latitude)) * RADIUS
    return answer


def to_lonlat(x: float, y: float) -> tuple[float, float]:
    """A point of EPSG:3857 in WGS 84 degrees."""
    return math.degrees(x / RADIUS), math.degrees(math.atan(math.sinh(y / RADIUS)))


def places(points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where points lie at the finest level, as one number each in which a tile of any zoom is one range.

    Column and row at level FINEST, their bits in turn (Morton code, the row's bit above the column's).

    Parameters
    ----------
    points
        EPSG:3857, shape (n, 2).

    Returns
    -------
    int64 of shape (n,)
        -1 for points north or south of the pyramid. A point on the border of two tiles belongs to the eastern or
        southern one; on the pyramid's own eastern or southern border, to the last one.
    """
    side = 1 << FINEST
    across = np.floor((points[:, 0] + HALF) / (2 * HALF) * side)
    down = np.floor((HALF - points[:, 1]) / (2 * HALF) * side)
    # The last unit of rounding must not push a point that lies on the pyramid's border out of it.
    beyond = np.abs(points[:, 1]) > HALF * (1 + 1e-12)
    x = np.clip(across, 0, side - 1).astype(np.uint64)
    y = np.clip(down, 0, side - 1).astype(np.uint64)
    answer = (_spread(x) | (_spread(y) << np.uint64(1))).astype(np.int64)
    answer[beyond] = -1
    return answer


def tile_range(z: int, x: int, y: int) -> tuple[int, int]:
    """First place of a tile and the one after its last."""
    number = int(_spread(np.array([x], np.uint64))[0] | (_spread(np.array([y], np.uint64))[0] << np.uint64(1)))
    shift = 2 * (FINEST - z)
    return number << shift, (number + 1) << shift


def column_row(numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Undo what `places` does to columns and rows."""
    codes = numbers.astype(np.uint64)
    return _gather(codes).astype(np.int64), _gather(codes >> np.uint64(1)).astype(np.int64)


STEPS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def _spread(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Put a zero between each two bits."""
    for shift, mask in STEPS:
        values = (values | (values << np.uint64(shift))) & np.uint64(mask)
    return values


def _gather(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keep every second bit, from the lowest on."""
    values = values & np.uint64(STEPS[-1][1])
    for (shift, _), (_, mask) in zip(reversed(STEPS), [*reversed(STEPS[:-1]), (0, 0x00000000FFFFFFFF)], strict=True):
        values = (values | (values >> np.uint64(shift))) & np.uint64(mask)
    return values
