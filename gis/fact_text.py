"""Facts of a standing as one canonical text, so that a digest of it says what was known.

The text is one line of JSON and then tables as CSV (RFC 4180, UTF-8, line feeds): `tables` in the first line names each
with its length in bytes, so that it can be cut apart with anything. Nothing in it hangs on the order of stored rows.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass
from io import BytesIO
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.csv as pa_csv

FORMAT = "finegrid standing facts 1"
LEVEL = 1
"""Of zlib; 270,000 problems pack to 6.9 MB in 0.15 s, and at level 6 to 5.7 MB in 0.7 s."""

SCHEMAS = {
    "places": pa.schema(
        [
            ("code", pa.string()),
            ("name", pa.string()),
            ("area_id", pa.int64()),
            ("tier", pa.string()),
            ("dm2", pa.int64()),
            ("length_mm", pa.int64()),
            ("surveyed_mm", pa.int64()),
            ("bottom_before", pa.int64()),
            ("enforcement_needed", pa.int64()),
            ("enforcement_valid", pa.int64()),
        ]
    ),
    "categories": pa.schema(
        [("standard", pa.string()), ("code", pa.string()), ("name", pa.string()), ("chaos", pa.string())]
    ),
    "sources": pa.schema([("name", pa.string()), ("kind", pa.string())]),
    "segments": pa.schema([("code", pa.string()), ("name", pa.string())]),
    "problems": pa.schema(
        [
            ("place", pa.int32()),
            ("category", pa.int32()),
            ("source", pa.int32()),
            ("segment", pa.int32()),
            ("lon_e7", pa.int32()),
            ("lat_e7", pa.int32()),
            ("reports", pa.int32()),
            ("exposed", pa.int8()),
            ("before", pa.int32()),
            ("surveyed", pa.int8()),
            ("ref", pa.string()),
        ]
    ),
    "held": pa.schema(
        [
            ("place", pa.int32()),
            ("category", pa.int32()),
            ("segment", pa.int32()),
            ("lon_e7", pa.int32()),
            ("lat_e7", pa.int32()),
            ("times", pa.int32()),
        ]
    ),
    "responses": pa.schema(
        [
            ("place", pa.int32()),
            ("case", pa.int64()),
            ("source", pa.string()),
            ("ref", pa.string()),
            ("step", pa.int8()),
            ("verdict", pa.string()),
            ("seconds", pa.string()),
        ]
    ),
    "listings": pa.schema([("place", pa.int32()), ("listing", pa.int64()), ("days", pa.int32())]),
    "dust": pa.schema(
        [
            ("place", pa.int32()),
            ("draw", pa.int64()),
            ("segment", pa.string()),
            ("road", pa.string()),
            ("mean_g_per_m2", pa.string()),
            ("limit_g_per_m2", pa.string()),
            ("points", pa.string()),
        ]
    ),
    "media": pa.schema(
        [
            ("place", pa.int32()),
            ("incident", pa.string()),
            ("category", pa.string()),
            ("chaos", pa.string()),
            ("ref", pa.string()),
            ("day", pa.string()),
            ("outlet", pa.string()),
            ("title", pa.string()),
        ]
    ),
    "parts": pa.schema(
        [
            ("place", pa.int32()),
            ("code", pa.string()),
            ("name", pa.string()),
            ("period", pa.string()),
            ("revision", pa.int32()),
            ("sha256", pa.string()),
            ("units", pa.int64()),
            ("square_units", pa.string()),
            ("dm2", pa.int64()),
            ("days", pa.int32()),
            ("length_mm", pa.int64()),
            ("surveyed_mm", pa.int64()),
            ("problems", pa.int64()),
            ("by_kind", pa.string()),
        ]
    ),
}
"""Columns of each table. `place`, `category`, `segment` of a row count from 0 in the table of that name; -1: none."""


@dataclass(frozen=True)
class Facts:
    """What a standing is worked out from.

    Parameters
    ----------
    head
        level, period, first, after, as_of and what else the first line says.
    tables
        By name, with the columns of SCHEMAS; a table without rows may be left out.
    """

    head: dict[str, Any]
    tables: dict[str, pa.Table]

    def table(self, name: str) -> pa.Table:
        """A table, empty where there is none."""
        return self.tables.get(name, SCHEMAS[name].empty_table())

    def numbers(self, table: str, column: str) -> Any:
        """A column of whole numbers as a NumPy array."""
        return self.table(table)[column].to_numpy()

    def text(self) -> bytes:
        """The canonical text."""
        parts = {name: _csv(self.tables[name].cast(SCHEMAS[name])) for name in SCHEMAS if name in self.tables}
        sizes = {name: len(part) for name, part in parts.items()}
        first = orjson.dumps({"format": FORMAT, **self.head, "tables": sizes})
        return b"".join([first, b"\n", *parts.values()])


def _csv(table: pa.Table) -> bytes:
    out = BytesIO()
    pa_csv.write_csv(table, out, pa_csv.WriteOptions(quoting_style="needed"))
    return out.getvalue()


def read_facts(text: bytes) -> Facts:
    """The facts that a text holds.

    Raises
    ------
    ValueError
        It is no such text, or of a format that this version does not read.
    """
    first, found, rest = text.partition(b"\n")
    try:
        head = orjson.loads(first)
        known, sizes = head.pop("format"), head.pop("tables")
    except (orjson.JSONDecodeError, AttributeError, KeyError) as problem:
        msg = "these are no facts of a standing: the first line must be JSON with `format` and `tables`"
        raise ValueError(msg) from problem
    if known != FORMAT or not found or sum(sizes.values()) != len(rest):
        msg = (
            f"facts of the format {known!r} with {len(rest)} bytes; {FORMAT!r} with {sum(sizes.values())} were expected"
        )
        raise ValueError(msg)
    tables, at = {}, 0
    for name, size in sizes.items():
        tables[name] = _read_csv(rest[at : at + size], SCHEMAS[name])
        at += size
    return Facts(head, tables)


def _read_csv(part: bytes, schema: pa.Schema) -> pa.Table:
    return pa_csv.read_csv(
        BytesIO(part),
        parse_options=pa_csv.ParseOptions(newlines_in_values=True),
        convert_options=pa_csv.ConvertOptions(
            column_types=schema, strings_can_be_null=False, null_values=[], include_columns=schema.names
        ),
    )


def sha256(text: bytes) -> str:
    """Digest in hexadecimal."""
    return hashlib.sha256(text).hexdigest()


def packed(text: bytes) -> bytes:
    """As it is stored."""
    return zlib.compress(text, LEVEL)


def unpacked(stored: bytes) -> bytes:
    """The text again.

    Raises
    ------
    zlib.error
        The bytes are damaged.
    """
    return zlib.decompress(stored)
