"""Whole numbers and shapes packed small enough to travel inside a page; static/packing.js unpacks them.

A list of whole numbers is one base64 text: zigzag (0, -1, 1, -2, ... become 0, 1, 2, 3, ...), then seven bits to a
byte, lowest first, the eighth bit set on all bytes of a number but its last.
"""

from __future__ import annotations

import base64

import numpy as np
import shapely
from numpy.typing import NDArray

STEPS_PER_DEGREE = 1_000_000
"""Coordinates are rounded to six decimals, about 0.1 m."""

MOST_BYTES = 10


def pack_numbers(values: NDArray[np.integer]) -> str:
    """Pack int64 values."""
    signed = np.asarray(values, np.int64)
    zigzag = ((signed << 1) ^ (signed >> 63)).astype(np.uint64)
    sevens = (zigzag[:, None] >> (np.uint64(7) * np.arange(MOST_BYTES, dtype=np.uint64))) & np.uint64(0x7F)
    length = MOST_BYTES - np.argmax(sevens[:, ::-1] > 0, axis=1)
    length[zigzag == 0] = 1
    at = np.arange(MOST_BYTES)
    sevens[at < length[:, None] - 1] |= np.uint64(0x80)
    return base64.b64encode(sevens[at < length[:, None]].astype(np.uint8).tobytes()).decode()


def pack_steps(values: NDArray[np.integer]) -> str:
    """Pack the difference of each value to the one before, the first to 0."""
    steps = np.asarray(values, np.int64).copy()
    steps[1:] -= steps[:-1].copy()
    return pack_numbers(steps)


def pack_shapes(shapes: NDArray[np.object_]) -> dict[str, str]:
    """Pack (multi)polygons or (multi)linestrings in WGS 84 longitude and latitude.

    Returns
    -------
    dict
        `parts`: rings (or lines) of each shape; `points`: points of each ring or line, the closing point of a ring left
        out; `lon`, `lat`: steps of 1e-6 degrees from point to point, through all shapes.
    """
    single, of_shape = shapely.get_parts(shapes, return_index=True)
    if len(single) and shapely.get_type_id(single[0]) == shapely.GeometryType.POLYGON:
        lines, of_single = shapely.get_rings(single, return_index=True)
        of_shape = of_shape[of_single]
        closing = 1
    else:
        lines, closing = single, 0
    points = shapely.get_num_points(lines).astype(np.int64)
    at = shapely.get_coordinates(lines)
    if closing:
        at = np.delete(at, np.cumsum(points) - 1, axis=0)
        points -= 1
    steps = np.rint(at * STEPS_PER_DEGREE).astype(np.int64)
    return {
        "parts": pack_numbers(np.bincount(of_shape, minlength=len(shapes))),
        "points": pack_numbers(points),
        "lon": pack_steps(steps[:, 0]),
        "lat": pack_steps(steps[:, 1]),
    }
