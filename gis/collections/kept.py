"""All features of a collection as text in memory: what most requests ask for is made once per version of the data.

The database stays the judge of which features a box or a filter means; their texts are then cut out of one piece of
memory. A city's 100 k cells are 54 MB, and 25 MB to decide about boxes.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import orjson
import shapely
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    LargeBinary,
    Text,
    cast,
    func,
    literal_column,
    select,
)
from sqlalchemy.sql.selectable import SelectBase

from gis.city import City
from gis.collections.crs import CRS84
from gis.collections.declared import Collection
from gis.collections.order import full_order, order_by, write_token
from gis.collections.pages import Page
from gis.collections.selection import Asked, Selection, select_features
from gis.collections.texts import BETWEEN, feature_text
from gis.store.copying import copy_lines
from gis.store.database import sql

MOST = 300_000
"""A larger collection is not kept."""

COMMA = BETWEEN.encode()
APART = "\x1f"
ID_BEGINS, ID_ENDS = b'"id":', b',"geometry":'


@dataclass(frozen=True)
class KeptFeatures:
    """Features in the order of their key, which is their identifier.

    Parameters
    ----------
    text
        All features as GeoJSON in CRS84, `BETWEEN` between them.
    starts
        int64 of shape (n + 1,): where each begins; the next one begins `len(BETWEEN)` bytes after its end.
    ids
        n identifiers, ascending by code point.
    places
        Identifier -> its place among `ids`.
    bounds
        float64 of shape (n, 4): west, south, east, north in degrees.
    shapes
        n geometries as WKB.
    """

    text: bytes
    starts: NDArray[np.int64]
    ids: list[str]
    places: dict[str, int]
    bounds: NDArray[np.float64]
    shapes: list[bytes]

    def page(self, limit: int, after: str | None) -> Page:
        """The features that follow `after`, at most `limit`."""
        first = 0 if after is None else bisect_right(self.ids, after)
        end = min(first + limit, len(self.ids))
        if first == end:
            return Page((), 0, None)
        return Page(
            (self._stretch(first, end),), end - first, _token(self.ids[end - 1]) if end < len(self.ids) else None
        )

    def meeting(self, shape: shapely.Geometry) -> NDArray[np.int64]:
        """Places of the features that meet a shape in WGS 84 degrees, its edge included, ascending.

        Exactly those for which ST_Intersects holds: what the bounding boxes leave open is decided by GEOS, as there.
        """
        west, south, east, north = shape.bounds
        b = self.bounds
        met = np.flatnonzero((b[:, 0] <= east) & (b[:, 2] >= west) & (b[:, 1] <= north) & (b[:, 3] >= south))
        sure = np.zeros(len(met), bool)
        if shape.equals(shapely.box(west, south, east, north)):
            inner = b[met]
            sure = (inner[:, 0] >= west) & (inner[:, 2] <= east) & (inner[:, 1] >= south) & (inner[:, 3] <= north)
        shapely.prepare(shape)
        doubtful = np.flatnonzero(~sure)
        geometries = shapely.from_wkb([self.shapes[place] for place in met[doubtful].tolist()])
        sure[doubtful] = shapely.intersects(shape, geometries)
        return met[sure]

    def page_of(self, places: NDArray[np.int64], limit: int, after: str | None) -> Page:
        """The features at some places that follow `after`, at most `limit`."""
        if after is not None:
            places = places[np.searchsorted(places, bisect_right(self.ids, after)) :]
        return self._cut(places[:limit], more=len(places) > limit)

    def of(self, ids: Sequence[str], limit: int) -> Page:
        """The features that are called so, in that order, at most `limit`."""
        places = np.fromiter(map(self.places.__getitem__, ids[:limit]), np.int64, min(len(ids), limit))
        return self._cut(places, more=len(ids) > limit)

    def _cut(self, places: NDArray[np.int64], *, more: bool) -> Page:
        # Neighbours in the city are often neighbours in code: they are cut out in one piece.
        begins = np.flatnonzero(np.diff(places, prepend=-2) != 1)
        firsts = places[begins].tolist()
        ends = places[np.append(begins[1:], len(places)) - 1].tolist() if len(places) else []
        pieces = tuple(self._stretch(first, last + 1) for first, last in zip(firsts, ends, strict=True))
        return Page(pieces, len(places), _token(self.ids[places[-1]]) if more else None)

    def _stretch(self, first: int, end: int) -> bytes:
        return self.text[self.starts[first] : self.starts[end] - len(COMMA)]


def _token(last: str) -> str:
    return write_token(orjson.dumps([last]))


def read_features(conn: Connection, city: City, collection: Collection) -> tuple[Hashable, KeptFeatures | None]:
    """Read all features of a collection; half a second for 100 k cells.

    Parameters
    ----------
    conn
        Its transaction sees one snapshot (REPEATABLE READ).

    Returns
    -------
    tuple
        The version of the data that was read, as `Versions.key` has it, and the features; None where they are too many.
    """
    seen = {row.layer: (row.version, row.changed_us) for row in conn.execute(sql("data_versions"))}
    version = tuple(seen.get(layer, (0, 0)) for layer in collection.layers)
    f = select_features(conn, city, collection, Asked()).source
    if conn.execute(select(func.count()).select_from(f)).scalar_one() > MOST:
        return version, None
    question = select(feature_text(f, collection, CRS84)).order_by(*order_by(f, full_order(collection, ())))
    lines = copy_lines(conn, question)
    hexed = cast(func.encode(func.ST_AsBinary(f.c.geom, type_=LargeBinary), "hex"), Text)
    shapes = [
        bytes.fromhex(line.decode())
        for line in copy_lines(conn, select(hexed).order_by(*order_by(f, full_order(collection, ()))))
    ]
    sizes = np.fromiter(map(len, lines), np.int64, len(lines)) + len(COMMA)
    ids = [orjson.loads(line[line.index(ID_BEGINS) + len(ID_BEGINS) : line.index(ID_ENDS)]) for line in lines]
    starts = np.concatenate([[0], np.cumsum(sizes)])
    places = {one: at for at, one in enumerate(ids)}
    bounds = shapely.bounds(shapely.from_wkb(shapes)).reshape(-1, 4)
    return version, KeptFeatures(COMMA.join(lines), starts, ids, places, bounds, shapes)


@cache
def _sum_now(layers: tuple[str, ...]) -> ColumnElement[int]:
    """The sum of the layers' versions as a statement sees it; in words, which cost less to make than an expression."""
    listed = ", ".join(f"'{layer}'" for layer in layers)
    versions = f"(SELECT coalesce(sum(version), 0) FROM data_versions WHERE layer IN ({listed}))"  # noqa: S608
    return literal_column(versions, Integer)


def ids_question(selection: Selection, limit: int, after: str | None, layers: tuple[str, ...]) -> SelectBase:
    """Asks for the identifiers that follow `after` in the order of the key, and the state of the data.

    One row: identifiers, one more than `limit` where there is, `APART` between (null for none), which is read sooner
    than an array; the sum of the layers' versions.
    """
    f = selection.source
    column = f.c[selection.collection.feature_id]
    where = [*selection.where, *([] if after is None else [column > after])]
    page = select(column).where(*where).order_by(column).limit(limit + 1).subquery("page")
    return select(func.string_agg(page.c[0], APART), _sum_now(layers)).select_from(page)


def count_question(selection: Selection, layers: tuple[str, ...]) -> SelectBase:
    """Asks how many features match, and the state of the data."""
    return select(func.count(), _sum_now(layers)).select_from(selection.source).where(*selection.where)


class FeatureStore:
    """What is kept: one version of each collection, for the threads and the event loop of one process."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Hashable, KeptFeatures | None]] = {}
        self._reading: set[str] = set()
        self._lock = threading.Lock()

    def find(self, collection: Collection, version: Hashable) -> KeptFeatures | None:
        """The features as they are in a version of the data, where they are kept."""
        held = self._kept.get(collection.id)
        return held[1] if held is not None and held[0] == version else None

    def wanted(self, collection: Collection, version: Hashable) -> bool:
        """Whether they should be read: they are few enough for all that is known, and nobody else does; say `done`."""
        held = self._kept.get(collection.id)
        with self._lock:
            if collection.id in self._reading or (held is not None and held[0] == version):
                return False
            self._reading.add(collection.id)
            return True

    def keep(self, collection: Collection, version: Hashable, features: KeptFeatures | None) -> None:
        """Keep what was read."""
        self._kept[collection.id] = version, features

    def done(self, collection: Collection) -> None:
        """Say that reading is over, however it ended."""
        with self._lock:
            self._reading.discard(collection.id)
