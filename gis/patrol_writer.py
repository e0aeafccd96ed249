"""Writing patrol passes 巡查: into the table, and into the roll-up of what a period's passes covered."""

from __future__ import annotations

from dataclasses import dataclass, fields
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.rules.periods import ten_day_period
from gis.store.copying import CopyColumn, copy_in
from gis.store.database import sql

EPOCH = date(1970, 1, 1)
NO_TRACK = 0
WHOLE = -1


@dataclass(frozen=True)
class Passes:
    """Passes, all arrays of one length.

    Parameters
    ----------
    segment_id, surveyor_id
        int32.
    instant_us
        Microseconds since 1970 UTC.
    day
        Days since 1970 in the city's time zone.
    from_dm, to_dm
        Decimetres from the segment's beginning; `to_dm` WHOLE: to its end, however long it may become.
    track_id
        int64; NO_TRACK: a row named the segment.
    import_id
        int64: with which file they came.
    """

    segment_id: NDArray[np.int32]
    surveyor_id: NDArray[np.int32]
    instant_us: NDArray[np.int64]
    day: NDArray[np.int32]
    from_dm: NDArray[np.int32]
    to_dm: NDArray[np.int32]
    track_id: NDArray[np.int64]
    import_id: NDArray[np.int64]

    def __len__(self) -> int:
        """How many."""
        return len(self.segment_id)

    @classmethod
    def joined(cls, parts: list[Passes]) -> Passes:
        """All of one part after the other; there is one at least."""
        return cls(*(np.concatenate([getattr(part, one.name) for part in parts]) for one in fields(cls)))

    def take(self, chosen: NDArray[np.int64]) -> Passes:
        """Those at some positions."""
        return Passes(*(getattr(self, one.name)[chosen] for one in fields(Passes)))


def write_passes(conn: Connection, passes: Passes) -> tuple[int, int]:
    """Write passes; those that are known already (same segment, instant, surveyor and place) change nothing.

    Returns
    -------
    tuple
        How many were new, and on how many segments.
    """
    if not len(passes):
        return 0, 0
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.incoming_passes"))
    conn.execute(
        text(
            "CREATE TEMPORARY TABLE incoming_passes (segment_id int, surveyor_id int, passed_at timestamptz, day date,"
            " first date, from_dm int, to_dm int, track_id bigint, import_id bigint) ON COMMIT DROP"
        )
    )
    copy_in(
        conn,
        "incoming_passes",
        [
            CopyColumn("segment_id", "int4", passes.segment_id),
            CopyColumn("surveyor_id", "int4", passes.surveyor_id),
            CopyColumn("passed_at", "timestamptz", passes.instant_us),
            CopyColumn("day", "date", passes.day),
            CopyColumn("first", "date", _firsts(passes.day)),
            CopyColumn("from_dm", "int4", passes.from_dm),
            CopyColumn("to_dm", "int4", passes.to_dm, passes.to_dm != WHOLE),
            CopyColumn("track_id", "int8", passes.track_id, passes.track_id != NO_TRACK),
            CopyColumn("import_id", "int8", passes.import_id),
        ],
    )
    row = conn.execute(sql("add_passes")).one()
    return int(row.passes), int(row.segments)


def _firsts(days: NDArray[np.int32]) -> NDArray[np.int32]:
    """First day of the ten-day period of each day, both counted from 1970."""
    some, of = np.unique(days, return_inverse=True)
    firsts = [(ten_day_period(EPOCH + timedelta(days=day)).first - EPOCH).days for day in some.tolist()]
    return np.array(firsts, np.int32)[of]


def forget_track_passes(conn: Connection) -> None:
    """Forget what tracks covered; the roll-up of the periods concerned is made anew of the rows that remain."""
    days = conn.execute(sql("forget_track_passes")).scalars().all()
    periods = {ten_day_period(day) for day in days}
    bounds = {"firsts": [one.first for one in periods], "afters": [one.after for one in periods]}
    conn.execute(sql("forget_periods"), bounds)
    conn.execute(sql("recount_periods"), bounds)


def surveyor_ids(conn: Connection, refs: list[str]) -> NDArray[np.int32]:
    """Id of the surveyor of each reference; new ones are made."""
    known = {row.ref: row.id for row in conn.execute(sql("add_surveyors"), {"refs": sorted(set(refs))})}
    return np.array([known[ref] for ref in refs], np.int32)
