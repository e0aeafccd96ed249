"""Fixes of GPS tracks as files have them, and judged: which may go in, which are refused and why; no database."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from gis.geometry.datum import SourceCrs, to_wgs84
from gis.report_files import Reject
from gis.report_times import read_times

Bounds = tuple[float, float, float, float]
MILLISECONDS_FROM = 1e11
"""A time that is a number counts milliseconds from here on: as seconds it would be a day after the year 5000."""
NEAR_DEG = 0.5
"""So far from the city a fix is looked at twice."""
MAX_REF = 200
NO_SURVEYOR = "no surveyor: whose pass it is must be in the row or be said for the file"
NO_TIME = "no time: without it nobody knows in which period it was"


@dataclass(frozen=True)
class Fixes:
    """Fixes as they stand in a file, n of them.

    Parameters
    ----------
    x, y
        float64, in the file's CRS; nan where there is none.
    times
        Strings or timestamps.
    surveyor, track
        Strings, null where the file says nothing.
    rows
        int64: numbers in the file, from 1.
    original
        Position -> the fix as it was.
    reasons
        Position -> why it is useless, as the reader saw.
    malformed
        Rows that are no fixes at all.
    """

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    times: pa.Array
    surveyor: pa.Array
    track: pa.Array
    rows: NDArray[np.int64]
    original: Callable[[int], str]
    reasons: Mapping[int, str] = field(default_factory=dict)
    malformed: Sequence[Reject] = ()

    def __len__(self) -> int:
        """Fixes."""
        return len(self.x)


class FixRows:
    """Collects fixes one by one."""

    def __init__(self) -> None:
        self._rows: list[tuple[float, float, str | None, str | None, str | None]] = []
        self._reasons: dict[int, str] = {}

    def __len__(self) -> int:
        """Fixes so far."""
        return len(self._rows)

    def add(self, place: Any, time: Any, surveyor: Any, track: Any, reason: str | None = None) -> None:
        """One fix.

        Parameters
        ----------
        place
            Longitude and latitude, or easting and northing, perhaps more; anything else is refused.
        time
            Text, or seconds or milliseconds since 1970 UTC.
        reason
            Why it is useless, where that is known.
        """
        pair = _pair(place)
        self._reasons |= {len(self._rows): reason} if reason else {}
        texts = (None if one is None else str(one) for one in (_moment(time), surveyor, track))
        self._rows.append((*(pair or (np.nan, np.nan)), *texts))  # type: ignore[arg-type]

    def fixes(self) -> Fixes:
        """All of them."""
        rows = self._rows
        columns = list(zip(*rows, strict=True)) if rows else [()] * 5
        x, y = (np.array(column, np.float64) for column in columns[:2])
        times, surveyor, track = (pa.array(column, pa.string()) for column in columns[2:])
        numbers = np.arange(1, len(rows) + 1, dtype=np.int64)
        return Fixes(x, y, times, surveyor, track, numbers, lambda at: ",".join(map(_shown, rows[at])), self._reasons)


def _pair(place: Any) -> tuple[float, float] | None:
    if not isinstance(place, Sequence) or len(place) < 2:
        return None
    x, y = place[0], place[1]
    is_pair = all(isinstance(one, int | float) and not isinstance(one, bool) for one in (x, y))
    return (float(x), float(y)) if is_pair else None


def _moment(time: Any) -> Any:
    if not isinstance(time, int | float) or isinstance(time, bool):
        return time
    try:
        seconds = time / 1000 if abs(time) >= MILLISECONDS_FROM else time
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    except (ValueError, OverflowError, OSError):
        return str(time)


def _shown(value: Any) -> str:
    return "" if value is None or value != value else str(value)  # only nan differs from itself


@dataclass(frozen=True)
class FixJudge:
    """What a fix is measured against.

    Parameters
    ----------
    zone
        IANA name of the city's time zone.
    crs
        CRS or datum of the coordinates.
    bounds
        West, south, east, north of the city in WGS 84 degrees; None: it has no areas yet.
    surveyor
        Of fixes that name none; None: those are refused.
    now
        Aware; nothing can have been surveyed after it.
    time_format
        strptime format of times that are not ISO 8601.
    """

    zone: str
    crs: SourceCrs
    bounds: Bounds | None
    surveyor: str | None
    now: datetime
    time_format: str | None = None


@dataclass(frozen=True)
class GoodFixes:
    """Fixes that may go in, all arrays of one length.

    Parameters
    ----------
    lon, lat
        WGS 84 degrees.
    instant_us
        Microseconds since 1970 UTC.
    day
        Days since 1970 in the city's time zone.
    surveyor, track
        Strings, never null.
    rows
        Numbers in the file.
    """

    lon: NDArray[np.float64]
    lat: NDArray[np.float64]
    instant_us: NDArray[np.int64]
    day: NDArray[np.int32]
    surveyor: pa.Array
    track: pa.Array
    rows: NDArray[np.int64]

    @classmethod
    def joined(cls, parts: Sequence[GoodFixes]) -> GoodFixes:
        """All parts of a file as one."""
        columns = {}
        for name, kind in (("lon", "f8"), ("lat", "f8"), ("instant_us", "i8"), ("day", "i4"), ("rows", "i8")):
            columns[name] = np.concatenate([np.empty(0, kind), *(getattr(part, name) for part in parts)])
        for name in ("surveyor", "track"):
            arrays = [getattr(part, name) for part in parts]
            columns[name] = pa.concat_arrays([pa.array([], pa.string()), *arrays])
        return cls(**columns)

    def reject(self, at: int, reason: str) -> Reject:
        """One of them after all."""
        when = np.datetime64(int(self.instant_us[at]), "us")
        return Reject(int(self.rows[at]), reason, f"{self.lon[at]:.7f},{self.lat[at]:.7f},{when}Z")


class Refusals:
    """Why rows are refused; of several reasons the first holds."""

    def __init__(self, count: int, reasons: Mapping[int, str] | None = None) -> None:
        self.count = count
        self.reasons = dict(reasons or {})

    def refuse(self, wrong: NDArray[np.bool_], reason: str | Callable[[int], str]) -> None:
        """Refuse the rows of a mask."""
        for at in np.flatnonzero(wrong).tolist():
            self.reasons.setdefault(at, reason if isinstance(reason, str) else reason(at))

    def good(self) -> NDArray[np.int64]:
        """Positions of the others."""
        good = np.ones(self.count, bool)
        good[list(self.reasons)] = False
        return np.flatnonzero(good)


def judge_fixes(fixes: Fixes, judge: FixJudge) -> tuple[GoodFixes, list[Reject]]:
    """Divide fixes into those that may go in and rejects."""
    judged = Refusals(len(fixes), fixes.reasons)
    judged.refuse(~(np.isfinite(fixes.x) & np.isfinite(fixes.y)), "no coordinate: two numbers are right")
    lon, lat = to_wgs84(fixes.x, fixes.y, judge.crs)
    shown = fixes.original
    judged.refuse(
        ~((np.abs(lon) <= 180) & (np.abs(lat) <= 90)),
        lambda at: f"impossible coordinate in {judge.crs.title}: {shown(at)}",
    )
    if judge.bounds is not None:
        judged.refuse(
            _far(lon, lat, judge.bounds),
            f"it lies more than {NEAR_DEG} degrees from the city: longitude and latitude swapped, or another datum?",
        )
    instant_us, day = judge_times(judged, fixes.times, judge.zone, judge.now, judge.time_format)
    surveyor = judge_surveyors(judged, fixes.surveyor, judge.surveyor)
    good = judged.good()
    taken = pa.array(good)
    track = pc.fill_null(fixes.track, "")
    answer = GoodFixes(
        lon[good], lat[good], instant_us[good], day[good], surveyor.take(taken), track.take(taken), fixes.rows[good]
    )
    rejects = [Reject(int(fixes.rows[at]), reason, shown(at)) for at, reason in sorted(judged.reasons.items())]
    return answer, sorted([*rejects, *fixes.malformed], key=lambda one: one.row)


def _far(lon: NDArray[np.float64], lat: NDArray[np.float64], bounds: Bounds) -> NDArray[np.bool_]:
    west, south, east, north = bounds
    near = (lon >= west - NEAR_DEG) & (lon <= east + NEAR_DEG) & (lat >= south - NEAR_DEG) & (lat <= north + NEAR_DEG)
    answer: NDArray[np.bool_] = ~near
    return answer


def judge_times(
    judged: Refusals, times: pa.Array, zone: str, now: datetime, time_format: str | None
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Instants (microseconds since 1970 UTC) and days of times; those that cannot be are refused."""
    text = times.cast(pa.string()) if not pa.types.is_string(times.type) else times
    empty = pc.fill_null(pc.equal(pc.utf8_trim_whitespace(text), ""), fill_value=True).to_numpy(zero_copy_only=False)
    judged.refuse(empty, NO_TIME)
    read = read_times(times, zone, time_format)
    judged.refuse(
        ~read.readable,
        lambda at: f"unreadable time {text[at].as_py()!r}; ISO 8601 such as 2016-06-01T08:30:00Z is right",
    )
    future = read.instant_us > now.timestamp() * 1_000_000
    judged.refuse(future, lambda at: f"its time {text[at].as_py()} lies in the future")
    return read.instant_us, read.day


def judge_surveyors(judged: Refusals, written: pa.Array, other: str | None) -> pa.Array:
    """Who surveyed: as written, else `other`; those without, or too long to be a reference, are refused."""
    names = pc.fill_null(pc.utf8_trim_whitespace(written), "")
    names = pc.if_else(pc.equal(names, ""), pa.scalar(other or "", pa.string()), names)
    judged.refuse(pc.equal(names, "").to_numpy(zero_copy_only=False), NO_SURVEYOR)
    wrong = pc.or_(pc.greater(pc.binary_length(names), MAX_REF), pc.match_substring(names, "\0"))
    judged.refuse(
        wrong.to_numpy(zero_copy_only=False), f"its surveyor is longer than {MAX_REF} bytes or holds a null character"
    )
    return names
