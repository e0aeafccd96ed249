"""Geometry as GeoJSON text (RFC 7946): made by PostGIS once per version of a layer, then kept ready in memory."""

from __future__ import annotations

import struct
import threading

from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.store.copying import copy_out_fields
from gis.store.database import sql, versions

# Table whose geometry is wanted -> layer whose version says whether it changed.
LAYER_OF = {"cells": "cells", "areas": "areas", "road_segments": "roads"}
NO_GEOMETRY = b"null"
FEW = 5_000
"""Up to so many are read when asked for; more, and the whole layer is read and kept."""


class GeometryTexts:
    """Geometry of cells, areas and road segments: longitude, latitude, 7 decimals (1 cm), outer rings anticlockwise.

    About 400 bytes per cell stay in memory, so 40 MB for 100 k cells, from the first large answer on.
    """

    def __init__(self) -> None:
        self._kept: dict[str, tuple[int, dict[int, bytes]]] = {}
        self._reading = threading.Lock()

    def of(self, conn: Connection, target: str, ids: NDArray) -> list[bytes]:
        """GeoJSON text for each id, `null` for an id that is not live.

        Parameters
        ----------
        target
            cells, areas or road_segments.
        ids
            Database ids.
        """
        texts = self._texts(conn, target, [int(one) for one in ids])
        return [texts.get(one, NO_GEOMETRY) for one in ids.tolist()]

    def _texts(self, conn: Connection, target: str, ids: list[int]) -> dict[int, bytes]:
        version = versions(conn).get(LAYER_OF[target], 0)
        kept = self._kept.get(target)
        if kept is not None and kept[0] == version:
            return kept[1]
        if len(ids) <= FEW:
            return _read(conn, target, ids)
        with self._reading:
            kept = self._kept.get(target)
            if kept is None or kept[0] != version:
                kept = self._kept[target] = version, _read(conn, target, None)
        return kept[1]


def _read(conn: Connection, target: str, ids: list[int] | None) -> dict[int, bytes]:
    texts = {}
    for number, text in copy_out_fields(conn, sql(f"geojson_of_{target}"), {"ids": ids}):
        if number is not None and text is not None:
            texts[struct.unpack(">i", number)[0]] = bytes(text)
    return texts
