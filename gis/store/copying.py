"""COPY BINARY in both directions between NumPy / Arrow arrays and PostgreSQL, without a Python object per value.

The wire format is PostgreSQL's own (manual, COPY, "Binary Format"): per row a 16-bit field count, per field a 32-bit
length (-1 for null) and the value in network byte order.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray
from psycopg2 import sql
from sqlalchemy import Connection, Select
from sqlalchemy.dialects import postgresql
from sqlalchemy.sql.elements import TextClause

HEADER = b"PGCOPY\n\xff\r\n\x00" + struct.pack(">ii", 0, 0)
TRAILER = struct.pack(">h", -1)
READ_SIZE = 1 << 20
EPOCH_DAYS = 10_957  # from 1970-01-01 to PostgreSQL's 2000-01-01
EPOCH_US = EPOCH_DAYS * 86_400_000_000

# PostgreSQL type -> how one value looks on the wire.
WIRE = {"int2": ">i2", "int4": ">i4", "int8": ">i8", "float8": ">f8", "timestamptz": ">i8", "date": ">i4"}
# Little-endian EWKB of a point with SRID 4326.
POINT = np.dtype([("order", "u1"), ("type", "<u4"), ("srid", "<u4"), ("x", "<f8"), ("y", "<f8")])
POINT_TYPE = 0x20000001
SRID = 4326


@dataclass(frozen=True)
class CopyColumn:
    """One column of a COPY.

    Parameters
    ----------
    name
        Column of the table.
    kind
        int2, int4, int8, float8, timestamptz (int64 microseconds since 1970 UTC), date (int32 days since 1970),
        point (float64 array of shape (n, 2), lon and lat), text or bytea (Arrow string or binary array).
    values
        n values.
    valid
        Bool array, False where the value is null; None: none is (text and bytea carry nulls themselves).
    """

    name: str
    kind: str
    values: Any
    valid: NDArray[np.bool_] | None = None


def binary_rows(columns: list[CopyColumn]) -> pa.Buffer:
    """All rows on the wire, one after another, without header and trailer.

    Neighbouring columns of fixed width become one structured array; Arrow joins these blocks with the variable parts.
    """
    rows = len(columns[0].values)
    pieces: list[pa.Array] = []
    block: list[tuple[str, str | np.dtype, Any]] = [("fields", ">i2", len(columns))]

    def close_block() -> None:
        if block:
            dtype = np.dtype([(f"{number}{name}", kind) for number, (name, kind, _) in enumerate(block)])
            packed = np.empty(rows, dtype)
            for field, (_, _, values) in zip(dtype.names or (), block, strict=True):
                packed[field] = values
            pieces.append(_fixed(packed))
            block.clear()

    for column in columns:
        if column.kind in ("text", "bytea"):
            array = column.values
            lengths = pc.fill_null(pc.binary_length(array), -1).to_numpy(zero_copy_only=False)
            block.append(("length", ">i4", lengths))
            close_block()
            pieces.append(array.cast(pa.binary()))
            continue
        wire = _wire_values(column)
        if column.valid is None or column.valid.all():
            block.append(("length", ">i4", wire.dtype.itemsize))
            block.append(("value", wire.dtype, wire))
            continue
        block.append(("length", ">i4", np.where(column.valid, wire.dtype.itemsize, -1)))
        close_block()
        offsets = np.zeros(rows + 1, np.int32)
        np.cumsum(column.valid * np.int32(wire.dtype.itemsize), out=offsets[1:])
        pieces.append(_binary(offsets, wire[column.valid]))
    close_block()
    if len(pieces) == 1:
        return pieces[0].buffers()[2]
    joined = pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")
    start, end = (
        int(value) for value in np.frombuffer(joined.buffers()[1], np.int32)[[joined.offset, joined.offset + rows]]
    )
    return joined.buffers()[2].slice(start, end - start)


def _wire_values(column: CopyColumn) -> NDArray[Any]:
    values = np.asarray(column.values)
    if column.kind == "point":
        points = np.empty(len(values), POINT)
        points["order"], points["type"], points["srid"] = 1, POINT_TYPE, SRID
        points["x"], points["y"] = values[:, 0], values[:, 1]
        return points
    if column.kind == "date":
        values = values - EPOCH_DAYS
    elif column.kind == "timestamptz":
        values = values - EPOCH_US
    return values.astype(WIRE[column.kind])


def _fixed(packed: NDArray[Any]) -> pa.Array:
    offsets = np.arange(len(packed) + 1, dtype=np.int32) * np.int32(packed.dtype.itemsize)
    return _binary(offsets, packed)


def _binary(offsets: NDArray[np.int32], content: NDArray[Any]) -> pa.Array:
    data = pa.py_buffer(np.ascontiguousarray(content).view(np.uint8).data if len(content) else b"")
    return pa.Array.from_buffers(pa.binary(), len(offsets) - 1, [None, pa.py_buffer(offsets.data), data])


class _Stream(io.RawIOBase):
    """Buffers as one file, which is what psycopg2 reads from."""

    def __init__(self, buffers: Iterable[Any]) -> None:
        self._buffers = iter(buffers)
        self._current = memoryview(b"")

    def read(self, size: int = -1) -> bytes:
        while not len(self._current):
            following = next(self._buffers, None)
            if following is None:
                return b""
            self._current = memoryview(following)
        size = len(self._current) if size < 0 else size
        taken, self._current = self._current[:size], self._current[size:]
        return bytes(taken)


def copy_in(conn: Connection, table: str, columns: list[CopyColumn]) -> None:
    """Write rows into a table by COPY BINARY.

    Raises
    ------
    psycopg2.Error
        As the server says, e.g. UniqueViolation; the caller's savepoint decides what is lost.
    """
    if not len(columns[0].values):
        return
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT BINARY)").format(
        sql.Identifier(table), sql.SQL(", ").join(sql.Identifier(column.name) for column in columns)
    )
    with cursor_of(conn) as cursor:
        cursor.copy_expert(statement, _Stream([HEADER, binary_rows(columns), TRAILER]), size=READ_SIZE)


class _Chunks(io.RawIOBase):
    """Collects what COPY TO STDOUT delivers."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def write(self, part: Any) -> int:
        self.parts.append(bytes(part))
        return len(part)


def copy_out(conn: Connection, query: TextClause, parameters: Mapping[str, Any]) -> bytes:
    """The rows of a query on the wire, without header and trailer."""
    compiled = str(query.compile(dialect=postgresql.psycopg2.dialect()))
    chunks = _Chunks()
    with cursor_of(conn) as cursor:
        bound = cursor.mogrify(compiled, dict(parameters)).decode()
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT BINARY)", chunks)
    return b"".join(chunks.parts)[len(HEADER) : -len(TRAILER)]


def copy_lines(conn: Connection, question: Select[Any]) -> list[bytes]:
    """One column of JSON text as it stands, without line ends; JSON holds neither of the characters that are quoted."""
    compiled = question.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
    chunks = _Chunks()
    with cursor_of(conn) as cursor:
        bound = cursor.mogrify(str(compiled), compiled.params).decode()
        cursor.copy_expert(rf"COPY ({bound}) TO STDOUT (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')", chunks)
    return [line[:-1] for line in chunks.parts]


def copy_out_array(
    conn: Connection, query: TextClause, parameters: Mapping[str, Any], fields: dict[str, str]
) -> NDArray[Any]:
    """The rows of a query as a structured array; every column has a fixed width and is never null.

    Parameters
    ----------
    fields
        Name -> kind of each output column, in order; kinds as in `CopyColumn` without point, text and bytea.

    Raises
    ------
    ValueError
        A row is null somewhere or of another width than `fields` says.
    """
    dtype = np.dtype(
        [("fields", ">i2")]
        + [part for name, kind in fields.items() for part in ((f"{name}_length", ">i4"), (name, WIRE[kind]))]
    )
    wire = copy_out(conn, query, parameters)
    if len(wire) % dtype.itemsize:
        msg = f"rows of {dtype.itemsize} bytes expected, {len(wire)} bytes came: a null or another type"
        raise ValueError(msg)
    rows = np.frombuffer(wire, dtype)
    answer = np.empty(len(rows), [(name, WIRE[kind].replace(">", "<")) for name, kind in fields.items()])
    for name, kind in fields.items():
        if len(rows) and (rows[f"{name}_length"] != np.dtype(WIRE[kind]).itemsize).any():
            msg = f"column {name} is null somewhere or not of type {kind}"
            raise ValueError(msg)
        shift = {"date": EPOCH_DAYS, "timestamptz": EPOCH_US}.get(kind, 0)
        answer[name] = rows[name] + shift if shift else rows[name]
    return answer


def copy_out_fields(
    conn: Connection, query: TextClause, parameters: Mapping[str, Any]
) -> Iterator[tuple[bytes | None, ...]]:
    """The rows of a query, each a tuple of raw field bytes; for few rows with large values."""
    return wire_fields(copy_out(conn, query, parameters))


def wire_fields(wire: bytes) -> Iterator[tuple[bytes | None, ...]]:
    """Rows on the wire, each a tuple of raw field bytes."""
    at = 0
    while at < len(wire):
        (count,) = struct.unpack_from(">h", wire, at)
        at += 2
        row: list[bytes | None] = []
        for _ in range(count):
            (length,) = struct.unpack_from(">i", wire, at)
            at += 4
            row.append(None if length < 0 else wire[at : at + length])
            at += max(length, 0)
        yield tuple(row)


def copy_table(conn: Connection, query: TextClause, parameters: Mapping[str, Any], schema: pa.Schema) -> pa.Table:
    """The rows of a query as an Arrow table; for many rows with text of any length.

    Parameters
    ----------
    schema
        Names and types of the columns, in order; empty fields are nulls where the type is a number.
    """
    compiled = str(query.compile(dialect=postgresql.psycopg2.dialect()))
    chunks = _Chunks()
    with cursor_of(conn) as cursor:
        bound = cursor.mogrify(compiled, dict(parameters)).decode()
        cursor.copy_expert(f"COPY ({bound}) TO STDOUT (FORMAT csv)", chunks)
    if not chunks.parts:
        return schema.empty_table()
    return pa_csv.read_csv(
        pa.BufferReader(b"".join(chunks.parts)),
        read_options=pa_csv.ReadOptions(column_names=schema.names),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(column_types=schema, strings_can_be_null=False, null_values=[""]),
    )


def cursor_of(conn: Connection) -> Any:
    """psycopg2's cursor inside the SQLAlchemy transaction."""
    raw = conn.connection.driver_connection
    if raw is None:
        msg = "the connection is closed"
        raise RuntimeError(msg)
    return raw.cursor()
