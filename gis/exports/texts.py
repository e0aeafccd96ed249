"""GeoJSON (RFC 7946), GeoJSON text sequences (RFC 8142) and CSV (RFC 4180): the database's own text, passed on."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from sqlalchemy import Connection

from gis.collections.crs import CRS84
from gis.collections.kept import KeptFeatures
from gis.encoding import to_json
from gis.exports.copying import CSV, VERBATIM, Copying, Rows
from gis.exports.order import ExportOrder, Prepared, csv_cells, features

RECORD = b"\x1e"
PIECE = 1 << 18
Write = Callable[[bytes], object]
Progress = Callable[[int], object]


class _Pieces:
    """Joins rows into blocks: the first one begins with the head, so nothing is sent before there is a row or none."""

    def __init__(self, write: Write, progress: Progress, head: bytes, join: Callable[[Rows], bytes]) -> None:
        self._write, self._progress, self._head, self._join = write, progress, head, join

    def take(self, rows: Rows) -> None:
        self._write(self._head + self._join(rows) if self._head else self._join(rows))
        self._head = b""
        self._progress(len(rows))

    def end(self, tail: bytes = b"") -> None:
        if self._head or tail:
            self._write(self._head + tail)


def geojson_head(order: ExportOrder, facts: Mapping[str, Any]) -> bytes:
    """A FeatureCollection up to its features."""
    about = {"type": "FeatureCollection", "name": order.collection.id, **facts, "synthetic": order.synthetic}
    if order.items.crs != CRS84:
        # RFC 7946 knows no other CRS than CRS84; a file that holds another one must not hide it.
        about["contentCrs"] = order.items.crs.uri
    return to_json(about)[:-1] + b',"features":[\n'


def kept_geojson(order: ExportOrder, kept: KeptFeatures) -> Iterator[bytes]:
    """What `write_geojson` writes of a whole collection, out of memory."""
    yield geojson_head(order, {})
    for at in range(0, len(kept.text), PIECE):
        yield kept.text[at : at + PIECE]
    yield b"\n]}\n" if kept.ids else b"]}\n"


def write_geojson(conn: Connection, prepared: Prepared, copying: Copying, write: Write, progress: Progress) -> int:
    """A FeatureCollection, a feature per line."""
    between = b""

    def join(rows: Rows) -> bytes:
        nonlocal between
        first, between = between, b","
        return first + b",".join(rows)

    pieces = _Pieces(write, progress, geojson_head(prepared.order, prepared.facts), join)
    count = copying.copy(conn, features(prepared), VERBATIM, pieces.take)
    pieces.end(b"]}\n")
    return count


def write_geojson_sequence(
    conn: Connection, prepared: Prepared, copying: Copying, write: Write, progress: Progress
) -> int:
    """Features one after another, each between a record separator and a line feed."""
    pieces = _Pieces(write, progress, b"", lambda rows: RECORD + RECORD.join(rows))
    return copying.copy(conn, features(prepared), VERBATIM, pieces.take)


def write_csv(conn: Connection, prepared: Prepared, copying: Copying, write: Write, progress: Progress) -> int:
    """A header line, then a line per feature; null is an empty field, empty text is two quotation marks."""
    names, question = csv_cells(prepared)
    head = io.StringIO()
    csv.writer(head).writerow(names)
    pieces = _Pieces(
        write,
        progress,
        head.getvalue().encode(),
        lambda rows: b"".join([row[:-1] + b"\r\n" for row in rows]),
    )
    count = copying.copy(conn, question, CSV, pieces.take)
    pieces.end()
    return count
