"""Low zooms: features summed up by squares of a grid that is nested in the tile pyramid.

Each feature belongs to the square, and so to the one tile, in which the point on it lies. Places are sorted along the
Morton curve, where a square of any size is one run; with running sums beside them a square's sum is one subtraction,
whatever it holds. Sums are of whole numbers, so they are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gis.tiles.mvt import Column, Drawing, Ints
from gis.tiles.pyramid import EXTENT, FINEST, MAX_ZOOM, column_row, places, tile_range, tile_size

FINEST_GRID = 6
"""Halvings of a tile's side at most: 64 squares, 8 pixels of a screen tile each."""
TYPICAL = 2.0
"""A square is at least so many typical features wide, so that each stands for several."""
FEATURES = "features"


@dataclass(frozen=True)
class Summand:
    """A property whose sums squares show.

    Parameters
    ----------
    values
        int64, one per feature: the property times `scale`, a whole number.
    scale
        1 for counts (sums are shown as integers), 10^8 for km2 and 10^3 for m (as exact as the database keeps them).
    """

    values: Ints
    scale: int = 1


@dataclass(frozen=True)
class Rate:
    """A property that is one sum divided by another: `over` / (`under` x `size`)."""

    name: str
    over: str
    under: str
    size: float = 1


class Places:
    """Where features lie, sorted along the Morton curve.

    Parameters
    ----------
    points
        EPSG:3857, shape (n, 2). Those beyond the pyramid's latitudes are in no tile.
    """

    def __init__(self, points: NDArray[np.float64]) -> None:
        found = places(points)
        order = np.argsort(found, kind="stable")
        beyond = int(np.searchsorted(found[order], 0))
        self.order = order[beyond:]
        """Positions of the features, in the order of `codes`."""
        self.codes = found[self.order]

    def most_in_a_tile(self, z: int) -> int:
        """The largest number of features whose points share a tile."""
        if not len(self.codes):
            return 0
        tiles = self.codes >> 2 * (FINEST - z)
        return int(np.diff(np.flatnonzero(tiles[1:] != tiles[:-1]), prepend=-1, append=len(tiles) - 1).max())


class Sums:
    """Running sums of properties along the curve.

    Parameters
    ----------
    summands
        Name -> values of all features (not only those within the pyramid), in their own order.
    features
        How many features each stands for; None: one.
    rates
        What squares show besides.
    """

    def __init__(
        self, where: Places, summands: Mapping[str, Summand], rates: tuple[Rate, ...] = (), features: Ints | None = None
    ) -> None:
        self.codes, self.rates = where.codes, rates
        number = len(where.codes)
        self._running = {FEATURES: (np.arange(number + 1) if features is None else _running(features[where.order]), 1)}
        for name, summand in summands.items():
            self._running[name] = _running(summand.values[where.order]), summand.scale

    @property
    def names(self) -> list[str]:
        """Properties of a square."""
        return [*self._running, *(rate.name for rate in self.rates)]

    def squares(self, z: int, x: int, y: int, halvings: int) -> tuple[Drawing, list[Column]]:
        """Squares of a tile that hold anything, with their sums.

        Parameters
        ----------
        halvings
            k: the tile's side has 2^k squares.
        """
        first, last = (int(at) for at in np.searchsorted(self.codes, tile_range(z, x, y)))
        of_square = self.codes[first:last] >> 2 * (FINEST - z - halvings)
        starts = np.concatenate([[0], np.flatnonzero(of_square[1:] != of_square[:-1]) + 1])[: len(of_square)]
        ends = np.append(starts[1:], len(of_square))[: len(starts)]
        totals = {
            name: (running[ends + first] - running[starts + first], scale)
            for name, (running, scale) in self._running.items()
        }
        column, row = column_row(of_square[starts] & ((1 << 2 * halvings) - 1))
        columns = [
            Column(name, "integer", total) if scale == 1 else Column(name, "number", total / scale)
            for name, (total, scale) in totals.items()
        ]
        for rate in self.rates:
            over, over_scale = totals[rate.over]
            under, under_scale = totals[rate.under]
            with np.errstate(divide="ignore", invalid="ignore"):
                values = (over / over_scale) / (under / under_scale) / rate.size
            columns.append(Column(rate.name, "number", np.where(under > 0, values, np.nan)))
        return squares_drawn(column, row, halvings), columns


def squares_drawn(column: Ints, row: Ints, halvings: int) -> Drawing:
    """Squares of a tile, clockwise from the north-western corner."""
    side = EXTENT >> halvings
    corner = np.stack([column, row], axis=1) * side
    units = corner[:, None, :] + np.array([[0, 0], [side, 0], [side, side], [0, side]])
    ones = np.ones(len(column), np.int64)
    return Drawing("polygon", units.reshape(-1, 2), 4 * ones, ones)


def halvings_of(z: int, width: float) -> int:
    """Into how many squares a tile's side is divided (as a power of 2) for features of a typical width in metres."""
    if width <= 0:
        return FINEST_GRID
    return int(np.clip(np.floor(np.log2(tile_size(z) / (TYPICAL * width))), 0, FINEST_GRID))


def detail_zoom(where: Places, width: float, *, legible: float, crowded: int, latest: int) -> int:
    """The zoom from which features are shown themselves.

    Parameters
    ----------
    width
        Typical size of a feature in metres; 0 for points.
    legible
        Units that a typical feature needs.
    crowded
        Most features in a tile.
    latest
        Zoom from which crowding does not matter any more.
    """
    zoom = 0
    while zoom < MAX_ZOOM and width > 0 and width < legible * tile_size(zoom) / EXTENT:
        zoom += 1
    while zoom < latest and where.most_in_a_tile(zoom) > crowded:
        zoom += 1
    return zoom


def _running(values: Ints) -> Ints:
    answer = np.zeros(len(values) + 1, np.int64)
    np.cumsum(values, out=answer[1:])
    return answer
