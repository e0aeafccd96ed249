"""Rows of patrol files that name a segment each: judged, and made into passes over the whole of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.patrol_files import texts, times
from gis.patrol_fixes import Refusals, judge_surveyors, judge_times
from gis.patrol_writer import NO_TRACK, WHOLE, Passes, surveyor_ids
from gis.report_files import Chunk, Reject
from gis.store.schema import road_segments

UNKNOWN, RETIRED = -1, -2
REASONS = {UNKNOWN: "is not a road segment of this city", RETIRED: "was retired, so nothing can be surveyed there"}


@dataclass(frozen=True)
class GoodPasses:
    """Rows that may go in, all arrays of one length.

    Parameters
    ----------
    segment_id
        int32.
    instant_us
        Microseconds since 1970 UTC.
    day
        Days since 1970 in the city's time zone.
    surveyor
        References, never null.
    """

    segment_id: NDArray[np.int32]
    instant_us: NDArray[np.int64]
    day: NDArray[np.int32]
    surveyor: pa.Array


@dataclass(frozen=True)
class RowJudge:
    """What a row is measured against.

    Parameters
    ----------
    segments
        Code -> id, RETIRED for segments that were.
    zone
        IANA name of the city's time zone.
    surveyor
        Of rows that name none; None: those are refused.
    now
        Aware; nothing can have been surveyed after it.
    time_format
        strptime format of times that are not ISO 8601.
    """

    segments: Mapping[str, int]
    zone: str
    surveyor: str | None
    now: datetime
    time_format: str | None = None

    def judge(self, chunk: Chunk) -> tuple[GoodPasses, list[Reject]]:
        """Divide rows into those that may go in and rejects."""
        judged = Refusals(len(chunk))
        codes = pc.fill_null(pc.utf8_trim_whitespace(texts(chunk, "segment")), "")
        encoded = codes.dictionary_encode()
        known = np.array([self.segments.get(code, UNKNOWN) for code in encoded.dictionary.to_pylist()], np.int32)
        segment_id = known[encoded.indices.to_numpy()] if len(codes) else known
        judged.refuse(pc.equal(codes, "").to_numpy(zero_copy_only=False), "no segment: the code of the road is missing")
        for kind, reason in REASONS.items():
            judged.refuse(segment_id == kind, lambda at, reason=reason: f"{codes[at].as_py()!r} {reason}")  # type: ignore[misc]
        instant_us, day = judge_times(judged, times(chunk), self.zone, self.now, self.time_format)
        surveyor = judge_surveyors(judged, texts(chunk, "surveyor"), self.surveyor)
        good = judged.good()
        rejects = [Reject(int(chunk.rows[at]), reason, chunk.original(at)) for at, reason in judged.reasons.items()]
        answer = GoodPasses(segment_id[good], instant_us[good], day[good], surveyor.take(pa.array(good)))
        return answer, sorted([*rejects, *chunk.malformed], key=lambda one: one.row)


def segments_by_code(conn: Connection) -> dict[str, int]:
    """Code -> id of every road segment, RETIRED for those that were."""
    rows = conn.execute(select(road_segments.c.code, road_segments.c.id, road_segments.c.retired_at))
    return {row.code: row.id if row.retired_at is None else RETIRED for row in rows}


def whole_passes(conn: Connection, good: GoodPasses, import_id: int) -> Passes:
    """Rows as passes, each over the whole segment."""
    count = len(good.segment_id)
    return Passes(
        good.segment_id,
        surveyor_ids(conn, good.surveyor.to_pylist()),
        good.instant_us,
        good.day,
        np.zeros(count, np.int32),
        np.full(count, WHOLE, np.int32),
        np.full(count, NO_TRACK, np.int64),
        np.full(count, import_id, np.int64),
    )
