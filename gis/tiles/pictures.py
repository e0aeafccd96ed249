"""A layer in memory, cut into tiles of which none is larger than LIMIT."""

from __future__ import annotations

from dataclasses import dataclass

from gis.tiles.mvt import Column, layer
from gis.tiles.pyramid import tile_bounds
from gis.tiles.sources import Source
from gis.tiles.squares import FINEST_GRID, Sums, halvings_of

LIMIT = 500_000
"""Bytes of a tile at most."""
LEAST = 20
"""Bytes that a feature takes at least."""


@dataclass(frozen=True)
class Picture:
    """A layer ready to be cut into tiles.

    Parameters
    ----------
    columns
        What features carry.
    sums
        What squares carry.
    """

    name: str
    source: Source
    columns: list[Column]
    sums: Sums

    def tile(self, z: int, x: int, y: int) -> bytes:
        """The tile; below the source's detail zoom, and where features would be too many bytes, as squares."""
        source = self.source
        if z >= source.detail:
            drawing, rows = source.table.shapes.drawn(tile_bounds(z, x, y))
            if len(rows) * LEAST <= LIMIT:
                columns = [column.take(rows) for column in self.columns]
                features = layer(self.name, drawing, columns, source.table.texts)
                if len(features) <= LIMIT:
                    return features
        return squares_tile(self.name, self.sums, z, x, y, halvings_of(z, source.width) if z < source.detail else None)


def squares_tile(name: str, sums: Sums, z: int, x: int, y: int, halvings: int | None = None) -> bytes:
    """A tile of squares, as fine as asked for (None: as fine as there are) and as the limit allows."""
    halvings = FINEST_GRID if halvings is None else halvings
    while True:
        drawing, columns = sums.squares(z, x, y, halvings)
        tile = layer(name, drawing, columns, [])
        if len(tile) <= LIMIT or not halvings:
            return tile
        halvings -= 1
