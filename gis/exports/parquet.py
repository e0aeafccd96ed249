"""GeoParquet 1.1: row groups as they come, what is known of all of them at the end."""

from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from sqlalchemy import Connection

from gis.collections.declared import GEOMETRY
from gis.encoding import to_json
from gis.exports.batches import copy_batches, schema_of
from gis.exports.copying import Copying
from gis.exports.order import Prepared, spatial_reference
from gis.exports.texts import Progress, Write

VERSION = "1.1.0"


class _Sink:
    """A file that can only be written, as pyarrow wants it."""

    closed = False

    def __init__(self, write: Write) -> None:
        self._write = write

    def write(self, data: Any) -> int:
        content = bytes(data)
        self._write(content)
        return len(content)

    def flush(self) -> None:
        """Nothing is held back here."""

    def close(self) -> None:
        """Whoever gave `write` closes."""
        self.closed = True


def write_parquet(conn: Connection, prepared: Prepared, copying: Copying, write: Write, progress: Progress) -> int:
    """A GeoParquet file; the CRS stands in its metadata, longitude or easting first as its specification has it."""
    order = prepared.order
    schema = schema_of(prepared, "wkb")
    bounds: list[np.ndarray[Any, Any]] = []
    kinds: set[str] = set()
    with pq.ParquetWriter(pa.PythonFile(_Sink(write), mode="w"), schema, compression="zstd") as writer:

        def take(batch: pa.RecordBatch) -> None:
            copying.check()
            shapes = shapely.from_wkb(batch.column(GEOMETRY).to_numpy(zero_copy_only=False))
            shapes = shapes[~shapely.is_missing(shapes)]
            kinds.update(shapely.GeometryType(kind).name for kind in np.unique(shapely.get_type_id(shapes)))
            if len(shapes):
                bounds.append(shapely.total_bounds(shapes))
            writer.write_batch(batch)
            progress(batch.num_rows)

        count = copy_batches(conn, prepared, copying, "wkb", take)
        column: dict[str, Any] = {
            "encoding": "WKB",
            "geometry_types": sorted(NAMES[kind] for kind in kinds),
            "crs": spatial_reference(order.items.crs).to_json_dict(),
        }
        if order.collection.geometry == "multipolygon":
            column["orientation"] = "counterclockwise"
        if bounds:
            low, high = np.min(bounds, axis=0)[:2], np.max(bounds, axis=0)[2:]
            column["bbox"] = [*low.tolist(), *high.tolist()]
        geo = {"version": VERSION, "primary_column": GEOMETRY, "columns": {GEOMETRY: column}}
        about = {
            "collection": order.collection.id,
            "title": order.collection.title,
            "title_zh": order.collection.title_zh,
            "synthetic": order.synthetic,
            **prepared.facts,
        }
        writer.add_key_value_metadata({"geo": orjson.dumps(geo), "finegrid": to_json(about)})
    return count


# shapely's names -> the specification's.
NAMES = {
    "POINT": "Point",
    "LINESTRING": "LineString",
    "POLYGON": "Polygon",
    "MULTIPOINT": "MultiPoint",
    "MULTILINESTRING": "MultiLineString",
    "MULTIPOLYGON": "MultiPolygon",
    "GEOMETRYCOLLECTION": "GeometryCollection",
}
