"""A question's rows as Arrow record batches, without a Python object per value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
from sqlalchemy import Connection

from gis.collections.declared import GEOMETRY, PropertyKind
from gis.exports.copying import CSV, Copying, Rows
from gis.exports.order import Prepared, values

BATCH = 4 << 20
"""Bytes of text per batch: ten thousand cells or so."""

ARROW: dict[PropertyKind, pa.DataType] = {
    "string": pa.string(),
    "integer": pa.int64(),
    "number": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "date-time": pa.timestamp("us", tz="UTC"),
}
# Digit of a hexadecimal number -> its value.
NIBBLE = np.zeros(256, np.uint8)
NIBBLE[np.frombuffer(b"0123456789abcdef", np.uint8)] = np.arange(16)
Place = Literal["wkb", "point"]


def schema_of(prepared: Prepared, place: Place) -> pa.Schema:
    """The columns of the order, then `geometry` (WKB) or the two numbers of a point."""
    order = prepared.order
    fields = [(one.name, ARROW[one.kind]) for one in order.columns]
    if place == "wkb":
        return pa.schema([*fields, (GEOMETRY, pa.binary())])
    return pa.schema([*fields, *((name, pa.float64()) for name in order.place_names)])


def copy_batches(
    conn: Connection, prepared: Prepared, copying: Copying, place: Place, take: Callable[[pa.RecordBatch], None]
) -> int:
    """Hand on all rows in batches and answer how many there were."""
    schema = schema_of(prepared, place)
    # Moments come as microseconds, geometries as hexadecimal digits.
    wire = {one.name: _wire(one.type) for one in schema}
    read = pacsv.ReadOptions(column_names=schema.names, block_size=4 * BATCH, use_threads=False)
    parse = pacsv.ParseOptions(newlines_in_values=True)
    # PostgreSQL writes null as nothing and empty text as two quotation marks.
    convert = pacsv.ConvertOptions(
        column_types=wire,
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=False,
        true_values=["true"],
        false_values=["false"],
    )

    def batch(rows: Rows) -> None:
        data = b"".join(rows)
        read.block_size = len(data) + 1
        table = pacsv.read_csv(pa.py_buffer(data), read, parse, convert).combine_chunks()
        columns = [_typed(table[one.name].combine_chunks(), one.type) for one in schema]
        take(pa.RecordBatch.from_arrays(columns, schema=schema))

    return copying.copy(conn, values(prepared, place), CSV, batch, BATCH)


def _wire(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_binary(kind):
        return pa.string()
    return pa.int64() if pa.types.is_timestamp(kind) else kind


def _typed(column: pa.Array, kind: pa.DataType) -> pa.Array:
    column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    return _bytes(column) if pa.types.is_binary(kind) else column.cast(kind)


def _bytes(digits: pa.Array) -> pa.Array:
    """Hexadecimal digits as the bytes they stand for."""
    valid, offsets, content = digits.buffers()
    ends = np.frombuffer(offsets, np.int32)[digits.offset : digits.offset + len(digits) + 1]
    values = NIBBLE[np.frombuffer(content or b"", np.uint8)[: ends[-1]]]
    packed = values[0::2] << 4 | values[1::2]
    halves = (ends // 2).astype(np.int32)
    return pa.Array.from_buffers(pa.binary(), len(digits), [valid, pa.py_buffer(halves), pa.py_buffer(packed)])
