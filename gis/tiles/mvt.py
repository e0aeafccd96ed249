"""Mapbox Vector Tile 2.1 written from arrays: a tile is one stream of varints, encoded at once.

Everything in a feature - keys of the protocol, lengths, tags, commands - is a varint, so no Python object is made per
feature or vertex. Only texts are bytes of their own; they stand encoded in the source and are joined.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gis.tiles.pyramid import EXTENT

Shape = Literal["point", "line", "polygon"]
KIND = {"point": 1, "line": 2, "polygon": 3}
MOVE_ONE, CLOSE = 1 | 1 << 3, 7 | 1 << 3
LINE_TO = 2
# Protocol Buffers: field number << 3 | wire type.
TAGS, TYPE, GEOMETRY = 2 << 3 | 2, 3 << 3, 4 << 3 | 2
LAYER, NAME, FEATURE, KEY, VALUE, SIDE, VERSION = (
    3 << 3 | 2, 1 << 3 | 2, 2 << 3 | 2, 3 << 3 | 2, 4 << 3 | 2, 5 << 3, 15 << 3,
)  # fmt: skip
TEXT, DOUBLE, SINT, BOOL = 1 << 3 | 2, 3 << 3 | 1, 6 << 3, 7 << 3
OF_FEATURE = 8
"""Varints of a feature beside its tags and its geometry: four keys, three lengths, the kind."""

NULL = np.iinfo(np.int64).min
"""Stands for no value among integers."""

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Drawing:
    """Geometry in tile units (x east, y south), feature by feature.

    Parameters
    ----------
    shape
        point: every vertex a part of its own; line; polygon: every ring a part, without its closing vertex, exterior
        rings clockwise as seen, interior ones after their exterior one and anticlockwise.
    units
        int64 of shape (v, 2).
    vertices
        int64: vertices of each part.
    parts
        int64: parts of each feature, at least 1.
    """

    shape: Shape
    units: Ints
    vertices: Ints
    parts: Ints

    def __len__(self) -> int:
        """Features."""
        return len(self.parts)


@dataclass(frozen=True)
class Column:
    """One property of n features.

    Parameters
    ----------
    name
        Key in the tile.
    kind
        text: `values` are positions in the layer's texts, -1 for null; number: float64, nan for null; integer: int64,
        NULL for null; boolean: int8, -1 for null.
    values
        One per feature.
    """

    name: str
    kind: Literal["text", "number", "integer", "boolean"]
    values: NDArray[np.int64] | NDArray[np.float64] | NDArray[np.int32] | NDArray[np.int8]

    def take(self, rows: NDArray[np.intp] | Ints) -> Column:
        """The same property of some features."""
        return Column(self.name, self.kind, self.values[rows])

    @property
    def given(self) -> NDArray[np.bool_] | None:
        """Where there is a value; None: everywhere."""
        if self.kind == "number":
            mask = ~np.isnan(self.values)
        else:
            mask = self.values != NULL if self.kind == "integer" else self.values >= 0
        return None if mask.all() else mask


def layer(name: str, drawing: Drawing, columns: list[Column], texts: list[bytes]) -> bytes:
    """A tile of one layer.

    Parameters
    ----------
    texts
        Encoded by `text_value`; what text columns point at.

    Returns
    -------
    bytes
        Empty where there are no features.
    """
    if not len(drawing):
        return b""
    tags, tags_of, values = _tags(columns, texts, len(drawing))
    body = b"".join(
        (
            bytes((VERSION, 2)),
            _message(NAME, name.encode()),
            _features(drawing, tags, tags_of),
            *(_message(KEY, column.name.encode()) for column in columns),
            values,
            bytes((SIDE,)),
            varint(EXTENT),
        )
    )
    return _message(LAYER, body)


def text_value(text: str) -> bytes:
    """A text as it stands in a layer's values."""
    return _message(VALUE, _message(TEXT, text.encode()))


def _features(drawing: Drawing, tags: Ints, tags_of: Ints) -> bytes:
    commands, commands_of = _commands(drawing)
    tag_bytes = sum_by(varint_sizes(tags), tags_of)
    command_bytes = sum_by(varint_sizes(commands), commands_of)
    size = 4 + varint_sizes(tag_bytes) + tag_bytes + varint_sizes(command_bytes) + command_bytes
    length = OF_FEATURE + tags_of + commands_of
    stream = np.empty(int(length.sum()), np.int64)
    at = np.cumsum(length) - length
    stream[at] = FEATURE
    stream[at + 1] = size
    stream[at + 2] = TAGS
    stream[at + 3] = tag_bytes
    stream[runs(at + 4, tags_of)] = tags
    at = at + 4 + tags_of
    stream[at] = TYPE
    stream[at + 1] = KIND[drawing.shape]
    stream[at + 2] = GEOMETRY
    stream[at + 3] = command_bytes
    stream[runs(at + 4, commands_of)] = commands
    return varints(stream)


def _commands(drawing: Drawing) -> tuple[Ints, Ints]:
    """Commands and their parameters, and how many numbers that is per feature."""
    units, vertices, parts = drawing.units, drawing.vertices, drawing.parts
    steps = np.diff(units, axis=0, prepend=np.zeros((1, 2), np.int64))
    of_part = np.cumsum(parts) - parts
    first_of_part = np.cumsum(vertices) - vertices
    first = first_of_part[of_part]
    steps[first] = units[first]  # the cursor begins each feature at the tile's corner
    steps = (steps << 1) ^ (steps >> 63)
    if drawing.shape == "point":
        ahead = np.ones(len(parts), np.int64)
        numbers = ahead + 2 * parts
        commands = np.empty(int(numbers.sum()), np.int64)
        at = np.cumsum(numbers) - numbers
        commands[at] = 1 | parts << 3
        where = runs(at + 1, 2 * parts)[::2]
        commands[where], commands[where + 1] = steps[:, 0], steps[:, 1]
        return commands, numbers
    closing = 1 if drawing.shape == "polygon" else 0
    numbers = 2 * vertices + 2 + closing
    commands = np.empty(int(numbers.sum()), np.int64)
    at = np.cumsum(numbers) - numbers
    # MoveTo, two numbers, LineTo, two numbers per further vertex, ClosePath.
    place = np.repeat(at - 2 * first_of_part, vertices) + 2 * np.arange(len(units)) + 2
    place[first_of_part] -= 1
    commands[place], commands[place + 1] = steps[:, 0], steps[:, 1]
    commands[at] = MOVE_ONE
    commands[at + 3] = (vertices - 1) << 3 | LINE_TO
    if closing:
        commands[at + numbers - 1] = CLOSE
    return commands, sum_by(numbers, parts)


def _tags(columns: list[Column], texts: list[bytes], features: int) -> tuple[Ints, Ints, bytes]:
    """Pairs of key and value, how many numbers per feature, and the table of values."""
    of_value = np.empty((features, len(columns)), np.int64)
    given = np.ones((features, len(columns)), bool)
    for at, column in enumerate(columns):
        mask = column.given
        if mask is not None:
            given[:, at] = mask
    tables, known = [], 0
    for kind in ("text", "integer", "number", "boolean"):
        chosen = [at for at, column in enumerate(columns) if column.kind == kind]
        if not chosen:
            continue
        stacked = np.stack([columns[at].values for at in chosen], axis=1)
        mask = given[:, chosen]
        distinct, position = np.unique(stacked[mask], return_inverse=True)
        places = np.zeros(mask.shape, np.int64)
        places[mask] = position + known
        of_value[:, chosen] = places
        known += len(distinct)
        tables.append(_values(kind, distinct, texts))
    pairs = np.empty((features, len(columns), 2), np.int64)
    pairs[:, :, 0] = np.arange(len(columns))
    pairs[:, :, 1] = of_value
    return pairs[given].ravel(), 2 * given.sum(axis=1), b"".join(tables)


def _values(kind: str, distinct: NDArray, texts: list[bytes]) -> bytes:
    if kind == "text":
        return b"".join([texts[at] for at in distinct.tolist()])
    if kind == "number":
        rows = np.empty((len(distinct), 11), np.uint8)
        rows[:, :3] = VALUE, 9, DOUBLE
        rows[:, 3:] = distinct.astype("<f8").view(np.uint8).reshape(-1, 8)
        return rows.tobytes()
    numbers = distinct.astype(np.int64)
    key, payload = (BOOL, numbers) if kind == "boolean" else (SINT, (numbers << 1) ^ (numbers >> 63))
    fields = np.empty((len(numbers), 4), np.int64)
    fields[:, 0], fields[:, 1], fields[:, 2], fields[:, 3] = VALUE, 1 + varint_sizes(payload), key, payload
    return varints(fields.ravel())


# -- Protocol Buffers --------------------------------------------------------------------------------------------------


def varint(number: int) -> bytes:
    """One number >= 0."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def varint_sizes(values: Ints) -> Ints:
    """Bytes of each number; int64 >= 0."""
    sizes = np.ones(len(values), np.int64)
    bits, more = 7, values >= 1 << 7
    while bits < 63 and more.any():
        sizes += more
        bits += 7
        if bits < 63:
            more = values >= 1 << bits
    return sizes


def varints(values: Ints) -> bytes:
    """Numbers one after another; int64 >= 0."""
    sizes = varint_sizes(values)
    at = np.cumsum(sizes)
    out = np.empty(int(at[-1]) if len(at) else 0, np.uint8)
    at -= sizes
    while True:
        long = sizes > 1
        out[at] = (values & 0x7F) | long.astype(np.int64) << 7
        if not long.any():
            return out.tobytes()
        values, sizes, at = values[long] >> 7, sizes[long] - 1, at[long] + 1


def _message(key: int, content: bytes) -> bytes:
    return bytes((key,)) + varint(len(content)) + content


def sum_by(values: Ints, counts: Ints) -> Ints:
    """Sums over consecutive runs of `counts` values."""
    sums = np.concatenate([[0], np.cumsum(values)])
    ends = np.cumsum(counts)
    return sums[ends] - sums[ends - counts]


def runs(starts: Ints, counts: Ints) -> Ints:
    """start, start + 1, ... for each run of `counts` numbers."""
    before = np.cumsum(counts) - counts
    return np.repeat(starts - before, counts) + np.arange(int(counts.sum()))
