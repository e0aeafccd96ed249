"""GeoPackage and FlatGeobuf, written by GDAL out of record batches; memory holds a few of them."""

from __future__ import annotations

import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyogrio
import pyproj
from sqlalchemy import Connection

from gis.collections.declared import GEOMETRY
from gis.errors import FileError
from gis.exports.batches import copy_batches, schema_of
from gis.exports.copying import Copying, Stopped
from gis.exports.order import Prepared, any_without_geometry, described
from gis.exports.texts import Progress

AHEAD = 2
KINDS = {"point": "Point", "multipolygon": "MultiPolygon", "multilinestring": "MultiLineString"}


def write_geopackage(conn: Connection, prepared: Prepared, copying: Copying, path: Path, progress: Progress) -> int:
    """A GeoPackage of one layer, called as the collection."""
    collection = prepared.order.collection
    options = {
        "IDENTIFIER": f"{collection.title_zh} {collection.title}",
        "DESCRIPTION": described(prepared.order),
        "GEOMETRY_NAME": "geom",
    }
    count = _write(conn, prepared, copying, path, progress, "GPKG", options)
    with contextlib.closing(sqlite3.connect(path)) as file, file:
        # GDAL writes the clock's time; the data's own makes two exports of the same data the same file.
        moment = prepared.as_of.strftime("%Y-%m-%dT%H:%M:%S.000Z")
        file.execute("UPDATE gpkg_contents SET last_change = ?", [moment])
    return count


def write_flatgeobuf(conn: Connection, prepared: Prepared, copying: Copying, path: Path, progress: Progress) -> int:
    """A FlatGeobuf file with its spatial index, in that index' order; without one where a geometry is missing."""
    collection = prepared.order.collection
    options = {
        # An indexed file has no place for features without geometry.
        "SPATIAL_INDEX": "NO" if any_without_geometry(conn, prepared) else "YES",
        "TITLE": f"{collection.title_zh} {collection.title}",
        "DESCRIPTION": described(prepared.order),
        "TEMPORARY_DIR": str(path.parent),
    }
    return _write(conn, prepared, copying, path, progress, "FlatGeobuf", options)


def _write(
    conn: Connection,
    prepared: Prepared,
    copying: Copying,
    path: Path,
    progress: Progress,
    driver: str,
    options: dict[str, str],
) -> int:
    order = prepared.order
    written = 0

    def copy(take: Callable[[pa.RecordBatch], None]) -> None:
        copy_batches(conn, prepared, copying, "wkb", take)

    with _Pulled(copy, copying) as pulled:

        def batches() -> Iterator[pa.RecordBatch]:
            nonlocal written
            for batch in pulled:
                yield batch
                written += batch.num_rows
                progress(batch.num_rows)

        try:
            pyogrio.write_arrow(
                pa.RecordBatchReader.from_batches(schema_of(prepared, "wkb"), batches()),
                path,
                layer=order.collection.id,
                driver=driver,
                geometry_name=GEOMETRY,
                geometry_type=KINDS[order.collection.geometry],
                crs=pyproj.CRS.from_epsg(order.items.crs.srid).to_wkt(),
                layer_options=options,
            )
        except Exception as problem:
            # GDAL only says that its source ended; why is known on our side.
            if pulled.failure is not None:
                raise pulled.failure from None
            msg = f"{path.name}: cannot be written: {problem}"
            raise FileError(msg) from problem
    if pulled.failure is not None:
        raise pulled.failure
    return written


class _Pulled:
    """What pushes batches, turned into what they are pulled from: the COPY runs in a thread, a few batches ahead."""

    def __init__(self, push: Callable[[Callable[[pa.RecordBatch], None]], None], copying: Copying) -> None:
        self._push, self._copying = push, copying
        self._queue: queue.Queue[pa.RecordBatch | None] = queue.Queue(AHEAD)
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure: BaseException | None = None

    def __enter__(self) -> _Pulled:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        if self._thread.is_alive() and self._copying_goes_on():
            self._copying.stop()
        self._thread.join()

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        while (batch := self._queue.get()) is not None:
            yield batch
        if self.failure is not None:
            raise self.failure

    def _copying_goes_on(self) -> bool:
        self._thread.join(0.1)
        return self._thread.is_alive()

    def _run(self) -> None:
        try:
            self._push(self._put)
        except BaseException as problem:
            self.failure = problem
        with contextlib.suppress(Stopped):
            self._put(None)

    def _put(self, batch: Any) -> None:
        while not self._closed.is_set():
            with contextlib.suppress(queue.Full):
                self._queue.put(batch, timeout=0.1)
                return
        raise Stopped
