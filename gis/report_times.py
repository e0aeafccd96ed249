"""Times of reports: text or timestamps in, instants and days of the city out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.errors import ParameterError

DAY_US = 86_400_000_000
# What ISO 8601 does not cover but files hold; the order of day and month is never guessed.
OTHER_FORMATS = (
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%d %H:%M",
    "%Y-%m-%d",
    "%Y/%m/%d %H:%M:%S",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d",
    "%Y年%m月%d日 %H:%M:%S",
    "%Y年%m月%d日 %H:%M",
    "%Y年%m月%d日 %H时%M分%S秒",
    "%Y年%m月%d日 %H时%M分",
    "%Y年%m月%d日",
    "%Y%m%d%H%M%S",
)
EARLIEST_US = -2_208_988_800_000_000  # 1900-01-01
LATEST_US = 4_102_444_800_000_000  # 2100-01-01
ISO = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}(:\d{2}(:\d{2}(\.\d{1,6})?)?)?)?$"
ISO_WITH_ZONE = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}(:\d{2}(:\d{2}(\.\d{1,6})?)?)?(Z|[+-]\d{2}(:?\d{2})?)$"


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

    Raises
    ------
    ParameterError
        `time_format` reads an offset or an epoch, which strptime would get wrong by hours.
    """
    if pa.types.is_timestamp(values.type):
        aware = values.type.tz is not None
        stamps = values.cast(pa.timestamp("us", values.type.tz), safe=False)
        return _times(stamps if aware else None, None if aware else stamps, zone)
    if pa.types.is_date(values.type):
        return _times(None, values.cast(pa.timestamp("us")), zone)
    text = pc.utf8_trim_whitespace(values.cast(pa.string()))
    if time_format:
        if any(directive in time_format for directive in ("%z", "%Z", "%s")):
            msg = "%z, %Z and %s are not read; ISO 8601 with offsets, 2016-06-01T08:30:00+08:00, needs no format"
            raise ParameterError("time-format", msg)
        return _times(None, _read_format(text, time_format), zone)
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
        local = pc.coalesce(local, _read_format(text, form))
    return local


def _read_format(text: pa.Array, form: str) -> pa.Array:
    """Local times of those strings that have one form, null elsewhere and for days that no calendar has."""
    read = pc.strptime(text, format=form, unit="us", error_is_null=True)
    # strptime takes 31 February for 2 March: what lands on the first three days of a month is looked at again.
    doubtful = np.flatnonzero(pc.fill_null(pc.less_equal(pc.day(read), 3), False).to_numpy(zero_copy_only=False))
    if not len(doubtful):
        return read
    some = pa.array(doubtful)
    written = text.take(some)
    again = pc.strftime(read.take(some).cast(pa.timestamp("s"), safe=False), format=form)
    differs = pc.not_equal(_without_padding(again), _without_padding(written)).to_numpy(zero_copy_only=False)
    wrong = [at for at in np.flatnonzero(differs) if not _in_calendar(written[int(at)].as_py(), form)]
    if not wrong:
        return read
    good = np.ones(len(read), bool)
    good[doubtful[wrong]] = False
    return pc.if_else(pa.array(good), read, pa.scalar(None, read.type))


def _without_padding(text: pa.Array) -> pa.Array:
    return pc.replace_substring_regex(text, r"(^|\D)0+(\d)", r"\1\2")


def _in_calendar(written: str, form: str) -> bool:
    """Whether a text that Arrow could read names a day of the calendar."""
    try:
        datetime.strptime(written, form)  # noqa: DTZ007 - only the day of the month matters
    except ValueError as problem:
        # Python knows fewer directives than Arrow; those are no objection.
        return "day" not in str(problem)
    return True


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
    known = [] if aware is None else [aware.cast(pa.timestamp("us", zone))]
    if local is not None:
        known.append(pc.assume_timezone(local, zone, ambiguous="earliest", nonexistent="latest"))
    instant = pc.coalesce(*known)
    readable = pc.is_valid(instant).to_numpy(zero_copy_only=False)
    instant_us = pc.fill_null(instant.cast(pa.int64()), 0).to_numpy()
    local_us = pc.fill_null(pc.local_timestamp(instant).cast(pa.int64()), 0).to_numpy()
    readable &= (instant_us >= EARLIEST_US) & (instant_us < LATEST_US)
    return Times(instant_us, np.floor_divide(local_us, DAY_US).astype(np.int32), readable)
