"""One special operation as a client sends it, judged like a row of a file (clause 13)."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import shapely
from sqlalchemy import Connection

from gis.errors import Conflict, ParameterError
from gis.geometry.datum import parse_crs
from gis.operations import Operation, read_operation, store_operations
from gis.readers import Features
from gis.readers.shapes import clean_shapes

KINDS = ("Polygon", "MultiPolygon")
MOST_POINTS = 20_000


@dataclass(frozen=True)
class NewOperation:
    """An operation to be, nothing checked yet.

    Parameters
    ----------
    valid_from, valid_to
        ISO days or times, half-open; of the city where they name no zone.
    datum
        What the coordinates are in: wgs84, cgcs2000, gcj02, bd09 or an EPSG code.
    geometry
        GeoJSON Polygon or MultiPolygon.
    """

    code: str
    name: str
    valid_from: str
    valid_to: str
    datum: str
    geometry: dict[str, Any]
    name_en: str | None = None


def add_operation(conn: Connection, new: NewOperation) -> tuple[Operation, bool]:
    """Store an operation; False where this very one is stored already.

    Raises
    ------
    ParameterError, CrsError, RowsRefused
        Something in it cannot be.
    Conflict
        Another operation has the code.
    """
    crs = parse_crs(new.datum)
    shapes = clean_shapes(_shape(new.geometry), "polygon", crs, [new.code])
    texts = {name: getattr(new, name) for name in ("code", "name", "name_en", "valid_from", "valid_to")}
    for name, value in texts.items():
        if value is not None and "\0" in value:
            raise ParameterError(name, "holds a null character")
    columns: dict[str, list[str | None]] = {name: [value or None] for name, value in texts.items()}
    features = Features(Path("the request"), "special operation", 1, columns, shapes.geometry, crs.name)
    features.problems += shapes.problems
    if shapes.problems:
        features.refuse()
    summary = store_operations(conn, features)
    if summary.changed:
        msg = f"the code {new.code} belongs to another operation; a file loaded with its code would change it"
        raise Conflict(msg)
    return read_operation(conn, new.code), bool(summary.added)


def _shape(geometry: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.object_]]:
    form = '{"type": "Polygon", "coordinates": [[[lon, lat], ...]]} is right'
    if geometry.get("type") not in KINDS:
        raise ParameterError("geometry", f"{str(geometry.get('type'))[:40]!r} is no kind of polygon; {form}")
    try:
        shape = shapely.from_geojson(orjson.dumps(geometry))
    except (shapely.errors.GEOSException, orjson.JSONEncodeError, ValueError, TypeError) as problem:
        raise ParameterError("geometry", f"cannot be read: {str(problem)[:120]}; {form}") from problem
    if shapely.get_num_coordinates(shape) > MOST_POINTS:
        raise ParameterError("geometry", f"has more than {MOST_POINTS} points; load it from a file")
    shapes = np.empty(1, object)
    shapes[0] = shape
    return shapes
