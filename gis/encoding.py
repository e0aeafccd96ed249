"""Answers as bytes: JSON, GeoJSON (RFC 7946) and CSV (RFC 4180), in pieces small enough to stream; no database."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import orjson

ROWS_AT_ONCE = 2000
# What a spreadsheet takes for the beginning of a formula.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
Feature = tuple[str, bytes, Mapping[str, Any]]


def to_json(value: Any) -> bytes:
    """One value as JSON; dates as ISO 8601, exact decimals as numbers."""
    return orjson.dumps(value, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def json_pieces(head: Mapping[str, Any], rows: Iterable[Mapping[str, Any]]) -> Iterator[bytes]:
    """One JSON object: what `head` says, then `rows`, an array of objects."""
    yield to_json(head)[:-1] + (b',"rows":[' if head else b'"rows":[')
    yield from _joined(_in_parts(rows), lambda part: to_json(part)[1:-1])
    yield b"]}\n"


def geojson_pieces(head: Mapping[str, Any], features: Iterable[Feature]) -> Iterator[bytes]:
    """A FeatureCollection.

    Parameters
    ----------
    head
        Foreign members, e.g. the window that was asked for; none may be called `features`.
    features
        Identifier, geometry as GeoJSON text (longitude, latitude in WGS 84 degrees; `null` for none), properties.
    """
    yield to_json({"type": "FeatureCollection", **head})[:-1] + b',"features":['
    yield from _joined(_in_parts(features), lambda part: b",".join(map(_feature, part)))
    yield b"]}\n"


def _feature(feature: Feature) -> bytes:
    code, geometry, properties = feature
    return b'{"type":"Feature","id":%b,"geometry":%b,"properties":%b}' % (
        orjson.dumps(code),
        geometry,
        to_json(properties),
    )


def csv_pieces(
    names: Sequence[str], rows: Iterable[Mapping[str, Any]], synthetic: Sequence[str] = ()
) -> Iterator[bytes]:
    """A header line and the named columns of each row, in UTF-8; None is an empty field.

    Where layers are synthetic, a last column of that name says which, in every row: a table is passed on without its
    headers.

    Text that a spreadsheet would run as a formula gets an apostrophe in front; numbers are never touched.
    """
    more = [" ".join(synthetic)] if synthetic else []
    yield _csv_lines([[*names, "synthetic"] if synthetic else names])
    for part in _in_parts(rows):
        yield _csv_lines([*(_field(row.get(name)) for name in names), *more] for row in part)


def _csv_lines(lines: Iterable[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    csv.writer(out).writerows(lines)
    return out.getvalue().encode()


def _field(value: Any) -> Any:
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    if isinstance(value, list | dict):
        return to_json(value).decode()
    return value


def table_lines(names: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Rows as aligned text for a terminal; Chinese characters take two places, numbers stand to the right."""
    cells = [[_shown(row.get(name), 6 if name in ("lon", "lat") else None) for name in names] for row in rows]
    widths = [max(map(_places, column)) for column in zip(names, *cells, strict=True)]
    numeric = [all(_is_number(row[at]) for row in cells) for at in range(len(names))]
    for line in (list(names), *cells):
        parts = []
        for text, width, right in zip(line, widths, numeric, strict=True):
            gap = " " * (width - _places(text))
            parts.append(gap + text if right else text + gap)
        yield "  ".join(parts).rstrip()


def _shown(value: Any, decimals: int | None = None) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:.{decimals or (4 if abs(value) < 10 else 1)}f}"
    # A name from a file must not be able to move the cursor or colour the terminal.
    return "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in str(value))


def _places(text: str) -> int:
    return sum(2 if "\u1100" <= letter <= "\uffe6" else 1 for letter in text)


def _is_number(text: str) -> bool:
    return text == "-" or text.replace(".", "", 1).replace("-", "", 1).isdigit()


def _in_parts(rows: Iterable[Any]) -> Iterator[list[Any]]:
    source = iter(rows)
    while part := list(islice(source, ROWS_AT_ONCE)):
        yield part


def _joined(parts: Iterable[list[Any]], encode: Any) -> Iterator[bytes]:
    between = b""
    for part in parts:
        yield between + encode(part)
        between = b","
