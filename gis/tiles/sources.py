"""What a layer of tiles is made of: a collection's features in memory, read once per version of its data."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.collections.declared import Collection, Given, Property, PropertyKind
from gis.store.copying import copy_out_fields
from gis.store.database import sql
from gis.tiles.mvt import NULL, Column, Ints, Shape, text_value
from gis.tiles.shapes import Shapes
from gis.tiles.squares import Places, Summand, detail_zoom

SHAPES: dict[str, Shape] = {"point": "point", "multilinestring": "line", "multipolygon": "polygon"}
SCALES = {"km2": 100_000_000, "m": 1000}
"""Unit -> how many whole numbers the database divides it into; other sums are of whole numbers anyway."""

LEGIBLE = 64
"""Units that a typical feature must be wide to be shown itself: 8 pixels of a screen tile."""
CROWDED = 1000
"""Features in a tile beyond which squares are shown at the next coarser zooms."""
UNCROWDED_ZOOM = 16
"""From here on features are shown themselves however many there are, as long as the tile stays small enough."""

# How the database sends each kind, so that the bytes of a field say all.
CASTS: dict[PropertyKind, str] = {
    "string": "CAST({} AS text)",
    "date": "CAST({} AS text)",
    "date-time": "to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24\\:MI\\:SS\"Z\"')",
    "integer": "CAST({} AS int8)",
    "number": "CAST({} AS float8)",
    "boolean": "CAST({} AS boolean)",
}

DERIVED = ("per_km2_per_day",)


@dataclass(frozen=True)
class Table:
    """Features with their properties, in key order.

    Parameters
    ----------
    keys
        What names each feature: the collection's `feature_id`.
    columns
        Name -> property.
    texts
        Encoded; what text columns point at.
    """

    shapes: Shapes
    keys: list[str]
    columns: dict[str, Column]
    texts: list[bytes]


@dataclass(frozen=True)
class Source:
    """A table with what tiles need besides.

    Parameters
    ----------
    detail
        Zoom from which features are shown themselves; below, squares.
    """

    table: Table
    where: Places
    detail: int

    @property
    def width(self) -> float:
        """Typical size of a feature in metres of EPSG:3857."""
        return self.table.shapes.width


def tile_properties(collection: Collection) -> list[Property]:
    """What features of a collection carry in tiles: what clients see, and the id that addresses them.

    What follows from another property and the window is left out: it would make tiles a fifth larger and slower.
    """
    found = [one for one in collection.properties if one.name not in DERIVED]
    if collection.property(collection.feature_id) is None:
        found.insert(0, next(one for one in collection.hidden if one.name == collection.feature_id))
    return found


def read_source(conn: Connection, collection: Collection, given: Given) -> Source:
    """Read a collection whole.

    Raises
    ------
    ParameterError
        One of its own parameters is wrong.
    """
    binds = collection.bound(conn, given).binds
    table = read_table(conn, sql(collection.question).text, binds, collection, tile_properties(collection))
    return source_of(table)


def source_of(table: Table) -> Source:
    """A table made ready for tiles."""
    where = Places(table.shapes.points)
    width = table.shapes.width
    return Source(table, where, detail_zoom(where, width, legible=LEGIBLE, crowded=CROWDED, latest=UNCROWDED_ZOOM))


def read_table(
    conn: Connection, question: str, binds: Mapping[str, Any], collection: Collection, properties: Sequence[Property]
) -> Table:
    """The features that a question answers with; those without geometry are left out.

    Parameters
    ----------
    question
        Statement with columns named as `properties`, the collection's `feature_id` and `geom` (EPSG:4326).
    """
    key = collection.feature_id
    wanted = ", ".join(
        [f'CAST(f."{key}" AS text)', "ST_AsBinary(f.geom)"]
        + [CASTS[one.kind].format(f'f."{one.name}"') for one in properties]
    )
    by_code_point = ' COLLATE "C"' if collection.kind(key) == "string" else ""
    statement = text(
        f'SELECT {wanted} FROM (\n{question}\n) AS f WHERE NOT ST_IsEmpty(f.geom) ORDER BY f."{key}"{by_code_point}'  # noqa: S608 - names and questions are the program's own
    )
    rows = list(copy_out_fields(conn, statement, binds))
    fields: list[tuple[bytes | None, ...]] = list(zip(*rows, strict=True)) if rows else [()] * (len(properties) + 2)
    shapes = Shapes(SHAPES[collection.geometry], np.asarray(shapely.from_wkb(np.array(fields[1], object))))
    known: dict[bytes, int] = {}
    columns = {one.name: _column(one, field, known) for one, field in zip(properties, fields[2:], strict=True)}
    return Table(
        shapes, [(one or b"").decode() for one in fields[0]], columns, [text_value(one.decode()) for one in known]
    )


def _column(one: Property, fields: Sequence[bytes | None], known: dict[bytes, int]) -> Column:
    if one.kind == "integer":
        numbers = [NULL if field is None else struct.unpack(">q", field)[0] for field in fields]
        return Column(one.name, "integer", np.array(numbers, np.int64))
    if one.kind == "number":
        missing = struct.pack(">d", float("nan"))
        joined = b"".join([missing if field is None else field for field in fields])
        return Column(one.name, "number", np.frombuffer(joined, ">f8").astype(np.float64))
    if one.kind == "boolean":
        return Column(one.name, "boolean", np.array([-1 if field is None else field[0] for field in fields], np.int8))
    positions = [-1 if field is None else known.setdefault(field, len(known)) for field in fields]
    return Column(one.name, "text", np.array(positions, np.int32))


def summands_of(
    properties: Sequence[Property], sums: Sequence[str], columns: Mapping[str, Column]
) -> dict[str, Summand]:
    """Properties that add up, as whole numbers; no value counts as nothing."""
    found = {}
    for one in properties:
        if one.name in sums:
            scale = SCALES.get(one.unit or "", 1) if one.kind == "number" else 1
            values = columns[one.name].values
            whole = np.where(values == NULL, 0, values) if one.kind == "integer" else np.nan_to_num(values)
            found[one.name] = Summand(
                np.rint(whole * scale).astype(np.int64) if scale > 1 else whole.astype(np.int64), scale
            )
    return found


_found: deque[tuple[list[str], Sequence[str], Ints]] = deque(maxlen=4)
"""Lists that were compared, themselves, so that neither they nor what stands in their place is compared again."""


def positions_in(keys: list[str], wanted: Sequence[str]) -> Ints:
    """Where each of `wanted` stands among `keys`, -1 where it does not; both lists stay as they are."""
    for known, others, position in tuple(_found):
        if known is keys and others is wanted:
            return position
    position = _positions(keys, wanted)
    _found.append((keys, wanted, position))
    return position


def _positions(keys: list[str], wanted: Sequence[str]) -> Ints:
    if keys == wanted:
        return np.arange(len(keys))
    at = {key: position for position, key in enumerate(keys)}
    return np.array([at.get(key, -1) for key in wanted], np.int64)


def spread(values: NDArray[Any], position: Ints, size: int, missing: Any) -> NDArray[Any]:
    """Values put to their positions among `size`, `missing` elsewhere."""
    if len(values) == size and np.array_equal(position, np.arange(size)):
        return values
    answer = np.full(size, missing, values.dtype)
    held = position >= 0
    answer[position[held]] = values[held]
    return answer
