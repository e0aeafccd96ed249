"""Judging rows of report files: what goes in, what is refused and why; no database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.geometry.datum import SourceCrs, to_wgs84
from gis.report_files import GEOMETRY, Chunk, Reject
from gis.report_times import read_times

Bounds = tuple[float, float, float, float]
UNKNOWN = -1
AMBIGUOUS = -2
MAX_REF = 500
# A point as far from the city as this is looked at twice: perhaps its coordinates are swapped.
NEAR_DEG = 0.5


@dataclass(frozen=True)
class Judge:
    """What a row is measured against.

    Parameters
    ----------
    zone
        IANA name of the city's time zone.
    crs
        CRS or datum of the file's coordinates.
    bounds
        West, south, east, north of the city in WGS 84 degrees, or None where it has no areas yet.
    categories
        What a file may write -> category id, AMBIGUOUS where two entries share the spelling.
    source_id
        Source name -> id, for files with a source per row.
    default_source
        Id of the source of rows that name none.
    keep_unlocated
        Rows with empty coordinates go in without position instead of being refused.
    time_format
        strptime format of times that are not ISO 8601.
    """

    zone: str
    crs: SourceCrs
    bounds: Bounds | None
    categories: dict[str, int]
    source_id: Callable[[str], int]
    default_source: int
    keep_unlocated: bool = False
    time_format: str | None = None


@dataclass(frozen=True)
class GoodRows:
    """Rows that may go in, all arrays of one length.

    Parameters
    ----------
    lon, lat
        WGS 84 degrees, nan without position.
    instant_us
        Microseconds since 1970 UTC.
    day
        Days since 1970 in the city's time zone.
    rows
        Row numbers in the file.
    """

    source_id: NDArray[np.int16]
    source_ref: pa.Array
    category_id: NDArray[np.int16]
    instant_us: NDArray[np.int64]
    day: NDArray[np.int32]
    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    description: pa.Array
    rows: NDArray[np.int64]

    def __len__(self) -> int:
        """Rows."""
        return len(self.rows)

    def take(self, chosen: NDArray[Any]) -> GoodRows:
        """The rows of a mask or of positions, in that order."""
        positions = np.flatnonzero(chosen) if chosen.dtype == bool else chosen
        arrow = pa.array(positions)
        return GoodRows(
            self.source_id[positions],
            self.source_ref.take(arrow),
            self.category_id[positions],
            self.instant_us[positions],
            self.day[positions],
            self.lon[positions],
            self.lat[positions],
            self.description.take(arrow),
            self.rows[positions],
        )


@dataclass(frozen=True)
class Verdict:
    """A chunk divided into rows that may go in and rejects; `reject_days` are theirs, None where unreadable."""

    good: GoodRows
    rejects: list[Reject]
    reject_days: list[int | None]


def judge_rows(chunk: Chunk, judge: Judge) -> Verdict:
    """Divide a chunk; the first thing wrong with a row is its reason."""
    count = len(chunk)
    reasons: dict[int, str] = {}

    def refuse(wrong: NDArray[np.bool_], reason: Any) -> None:
        for at in np.flatnonzero(wrong):
            reasons.setdefault(int(at), reason(at) if callable(reason) else reason)

    refs = pc.utf8_trim_whitespace(_strings(chunk.column("source_ref"), count))
    refuse(
        _numpy(pc.equal(pc.binary_length(refs), 0)), "no source_ref: without it the report cannot be told from others"
    )
    refuse(_numpy(pc.greater(pc.binary_length(refs), MAX_REF)), f"source_ref is longer than {MAX_REF} bytes")
    refuse(_numpy(pc.match_substring(refs, "\0")), "source_ref holds a null character")
    times = read_times(_required(chunk, "reported_at"), judge.zone, judge.time_format)
    times_text = chunk.column("reported_at")
    refuse(
        ~times.readable,
        lambda at: f"unreadable time {_shown(times_text, at)}; ISO 8601 such as 2016-06-01 08:30:00 is right",
    )
    category_id = _categories(chunk, judge)
    category_text = chunk.column("category")
    refuse(category_id == UNKNOWN, lambda at: f"category {_shown(category_text, at)} is not in the dictionary")
    refuse(
        category_id == AMBIGUOUS,
        lambda at: f"category {_shown(category_text, at)} stands for several entries; map category_kind too",
    )
    source_id = _sources(chunk, judge)
    lon, lat = _positions(chunk, judge, refuse)
    bad = np.zeros(count, bool)
    bad[list(reasons)] = True
    good = GoodRows(
        source_id,
        refs,
        category_id.astype(np.int16),
        times.instant_us,
        times.day,
        lon,
        lat,
        _descriptions(chunk, count),
        chunk.rows,
    )
    refused = [
        (Reject(int(chunk.rows[at]), reason, chunk.original(at)), int(times.day[at]) if times.readable[at] else None)
        for at, reason in reasons.items()
    ]
    refused += [(reject, None) for reject in chunk.malformed]
    refused.sort(key=lambda entry: entry[0].row)
    return Verdict(good.take(~bad) if reasons else good, [reject for reject, _ in refused], [day for _, day in refused])


def _categories(chunk: Chunk, judge: Judge) -> NDArray[np.int32]:
    written = _strings(chunk.column("category"), len(chunk))
    if (kind := chunk.column("category_kind")) is not None:
        kinds = pc.utf8_trim_whitespace(_strings(kind, len(chunk)))
        qualified = pc.binary_join_element_wise(kinds, pc.utf8_trim_whitespace(written), ":")
        written = pc.if_else(pc.equal(kinds, ""), written, qualified)
    return _by_dictionary(written, lambda text: judge.categories.get(text.strip(), UNKNOWN))


def _sources(chunk: Chunk, judge: Judge) -> NDArray[np.int16]:
    written = chunk.column("source")
    if written is None:
        return np.full(len(chunk), judge.default_source, np.int16)
    return _by_dictionary(
        _strings(written, len(chunk)),
        lambda text: judge.source_id(text.strip()) if text.strip() else judge.default_source,
    ).astype(np.int16)


def _by_dictionary(values: pa.Array, meaning: Any) -> NDArray[np.int32]:
    """Look each distinct text up once."""
    encoded = values.dictionary_encode()
    meanings = np.array([meaning(text) for text in encoded.dictionary.to_pylist()], np.int32)
    return meanings[encoded.indices.to_numpy()] if len(values) else np.empty(0, np.int32)


def _positions(chunk: Chunk, judge: Judge, refuse: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    if GEOMETRY in chunk.fields:
        x, y = chunk.points()
        empty = np.isnan(x)
        unreadable = np.zeros(len(chunk), bool)
    else:
        x, empty_x = _numbers(_required(chunk, "lon"))
        y, empty_y = _numbers(_required(chunk, "lat"))
        empty = empty_x & empty_y
        unreadable = ~empty & (np.isnan(x) | np.isnan(y))
    if not judge.keep_unlocated:
        refuse(empty, "no coordinate")
    refuse(unreadable, lambda at: f"impossible coordinate {_coordinates(chunk, at)}: two numbers are right")
    lon, lat = to_wgs84(x, y, judge.crs)
    impossible = ~empty & ~unreadable & ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90))
    impossible |= (x == 0) & (y == 0)
    if judge.bounds is not None:
        far = ~empty & ~unreadable & ~_near(lon, lat, judge.bounds)
        if far.any():
            swapped = far.copy()
            swapped[far] = _near(*to_wgs84(y[far], x[far], judge.crs), judge.bounds)
            refuse(swapped, lambda at: f"longitude and latitude are swapped: {_coordinates(chunk, at)}")
    refuse(impossible, lambda at: f"impossible coordinate {_coordinates(chunk, at)} in {judge.crs.title}")
    nowhere = empty | unreadable | impossible
    if nowhere.any():
        lon, lat = np.where(nowhere, np.nan, lon), np.where(nowhere, np.nan, lat)
    return lon, lat


def _near(lon: NDArray[np.float64], lat: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    answer: NDArray[np.bool_] = (
        (lon >= west - NEAR_DEG) & (lon <= east + NEAR_DEG) & (lat >= south - NEAR_DEG) & (lat <= north + NEAR_DEG)
    )
    return answer


def _numbers(values: pa.Array) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Numbers, nan where unreadable, and where the value is empty."""
    if pa.types.is_floating(values.type) or pa.types.is_integer(values.type):
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers, np.isnan(numbers)
    try:
        numbers = values.cast(pa.float64()).to_numpy(zero_copy_only=False)
        return numbers, _numpy(values.is_null()) if values.null_count else np.zeros(len(values), bool)
    except pa.ArrowInvalid:
        text = pc.utf8_trim_whitespace(_strings(values, len(values)))
        empty = _numpy(pc.equal(pc.binary_length(text), 0))
        return pd.to_numeric(pd.Series(text.to_pylist(), dtype=object), errors="coerce").to_numpy(np.float64), empty


def _descriptions(chunk: Chunk, count: int) -> pa.Array:
    values = chunk.column("description")
    if values is None:
        return pa.nulls(count, pa.string())
    # PostgreSQL cannot store a null character in text; it stands for nothing a reader would miss.
    text = pc.replace_substring(_strings(values, count), "\0", "")
    return pc.if_else(pc.equal(pc.binary_length(text), 0), pa.scalar(None, pa.string()), text)


def _required(chunk: Chunk, name: str) -> pa.Array:
    column = chunk.column(name)
    if column is None:
        raise KeyError(name)
    return column


def _strings(values: pa.Array | None, count: int) -> pa.Array:
    if values is None:
        return pa.array([""] * count, pa.string())
    return pc.fill_null(values if pa.types.is_string(values.type) else values.cast(pa.string()), "")


def _numpy(mask: pa.Array) -> NDArray[np.bool_]:
    answer: NDArray[np.bool_] = mask.to_numpy(zero_copy_only=False)
    return answer


def _shown(values: pa.Array | None, at: int) -> str:
    value = None if values is None else values[int(at)].as_py()
    return "(empty)" if value in (None, "") else repr(str(value))


def _coordinates(chunk: Chunk, at: int) -> str:
    if GEOMETRY in chunk.fields:
        return chunk.original(int(at))
    return f"{_shown(chunk.column('lon'), at)}, {_shown(chunk.column('lat'), at)}"
