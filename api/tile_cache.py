"""Tiles kept as bytes, each with the ETag that says whether it still holds."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

BYTES_KEPT = 64 * 2**20
OVERHEAD = 500
"""Bytes that an entry costs besides its tile, about."""


class TileCache:
    """The tiles asked for last, up to a number of bytes; for one event loop."""

    def __init__(self, limit: int = BYTES_KEPT) -> None:
        self._limit, self._held = limit, 0
        self._tiles: OrderedDict[Hashable, tuple[str, bytes]] = OrderedDict()

    def find(self, address: Hashable, etag: str) -> bytes | None:
        """The tile of an address where it is kept and still holds."""
        kept = self._tiles.get(address)
        if kept is None or kept[0] != etag:
            return None
        self._tiles.move_to_end(address)
        return kept[1]

    def keep(self, address: Hashable, etag: str, body: bytes) -> None:
        """Keep a tile, forget those that nobody asked for longest."""
        old = self._tiles.pop(address, None)
        if old is not None:
            self._held -= len(old[1]) + OVERHEAD
        self._tiles[address] = etag, body
        self._held += len(body) + OVERHEAD
        while self._held > self._limit:
            _, (_, forgotten) = self._tiles.popitem(last=False)
            self._held -= len(forgotten) + OVERHEAD
