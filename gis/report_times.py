"""Times of reports: text or timestamps in, instants and days of the city out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DAY_US = 86_400_000_000
# What ISO 8601 does not cover but files hold; the order of day and month is never guessed.
OTHER_FORMATS = (
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日",
    "%Y%m%d%H%M%S",
)
EARLIEST_US = -2_208_988_800_000_000  # 1900-01-01
LATEST_US = 4_102_444_800_000_000  # 2100-01-01
ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?)?$"
ISO_WITH_ZONE = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?(Z|[+-]\d{2}(:?\d{2})?)$"


@dataclass(frozen=True)
class Times:
    """Instants and days; meaningless where `readable` is False.

    Parameters
    ----------
    instant_us
        int64 microseconds since 1970-01-01 UTC.
    day
        int32 days since 1970-01-01 in the city's time zone.
    """

    instant_us: NDArray[np.int64]
    day: NDArray[np.int32]
    readable: NDArray[np.bool_]


def read_times(values: pa.Array, zone: str, time_format: str | None = None) -> Times:
    """Read times of a column.

    Parameters
    ----------
    values
        Strings or timestamps. Without a zone of their own they are local times of the city: one that daylight saving
        makes ambiguous is the earlier instant, one that it skips is the first instant after the gap.
    zone
        IANA name of the city's time zone.
    time_format
        strptime format of strings that are not ISO 8601, year first.
    """
    if pa.types.is_timestamp(values.type):
        aware = values.type.tz is not None
        stamps = values.cast(pa.timestamp("us", values.type.tz), safe=False)
        return _times(stamps if aware else None, None if aware else stamps, zone)
    if pa.types.is_date(values.type):
        return _times(None, values.cast(pa.timestamp("us")), zone)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    if time_format:
        return _times(None, pc.strptime(text, format=time_format, unit="us", error_is_null=True), zone)
    try:
        local = text.cast(pa.timestamp("us"))
    except pa.ArrowInvalid:
        local = _read_mixed(text)
        with_zone = pc.match_substring_regex(text, ISO_WITH_ZONE)
        if pc.any(with_zone).as_py():
            aware_text = pc.if_else(with_zone, text, pa.scalar(None, pa.string()))
            return _times(_cast_known(aware_text, pa.timestamp("us", "UTC")), local, zone)
    return _times(None, local, zone)


def _read_mixed(text: pa.Array) -> pa.Array:
    """Local times of those strings that have a known form, null elsewhere."""
    iso = pc.if_else(pc.match_substring_regex(text, ISO), text, pa.scalar(None, pa.string()))
    local = _cast_known(iso, pa.timestamp("us"))
    for form in OTHER_FORMATS:
        if local.null_count == 0:
            break
        local = pc.coalesce(local, pc.strptime(text, format=form, unit="us", error_is_null=True))
    return local


def _cast_known(text: pa.Array, kind: pa.DataType) -> pa.Array:
    """Cast strings of the right shape; those that still are no date (31 February) become null."""
    try:
        return text.cast(kind)
    except pa.ArrowInvalid:
        pass
    # Few rows ever come here, so one at a time is fine.
    answers = []
    for value in text:
        try:
            answers.append(value.cast(kind).value if value.is_valid else None)
        except pa.ArrowInvalid:
            answers.append(None)
    return pa.array(answers, pa.int64()).cast(kind)


def _times(aware: pa.Array | None, local: pa.Array | None, zone: str) -> Times:
    """Join instants and local times into both; an instant wins where both are there."""
    if local is not None:
        from_local = pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest")
        instant = from_local if aware is None else pc.coalesce(aware.cast(pa.timestamp("us", zone)), from_local)
    else:
        instant = aware.cast(pa.timestamp("us", zone))
    readable = pc.is_valid(instant).to_numpy(zero_copy_only=False)
    instant_us = pc.fill_null(instant.cast(pa.int64()), 0).to_numpy()
    local_us = pc.fill_null(pc.local_timestamp(instant).cast(pa.int64()), 0).to_numpy()
    readable &= (instant_us >= EARLIEST_US) & (instant_us < LATEST_US)
    return Times(instant_us, np.floor_divide(local_us, DAY_US).astype(np.int32), readable)
