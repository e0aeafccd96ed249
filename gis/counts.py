"""The roll-up: reports per cell (or segment), category, source and day, packed into one row per day.

One row of `report_counts` holds int32 arrays: ids and how many reports each has. Packed like this a day of a city is
a few kilobytes that are read in one piece; a row per count would cost more to write than the reports themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from gis.store.copying import EPOCH_DAYS, WIRE, CopyColumn, copy_in, copy_out_fields
from gis.store.database import sql

OUTSIDE = 0
"""Stands for "in no cell" (or near no segment) among ids."""

NO_POSITION = -1
"""Stands for "without usable position" among ids."""

COUNT_FIELDS = {"day": "date", "category_id": "int2", "source_id": "int2", "id": "int4", "count": "int8"}
KEY = ["day", "category_id", "source_id", "id"]
MAX_CATEGORIES = 1 << 15
MAX_SOURCES = 1 << 15


@dataclass(frozen=True)
class CountKey:
    """Which part of the roll-up is asked for.

    Parameters
    ----------
    from_day, to_day
        Days of the city, `to_day` exclusive.
    category_ids, source_ids
        None: all.
    """

    from_day: date
    to_day: date
    category_ids: tuple[int, ...] | None = None
    source_ids: tuple[int, ...] | None = None

    def parameters(self, target: str) -> dict[str, object]:
        """Bound values of packed_counts.sql."""
        return {
            "target": target,
            "from_day": self.from_day,
            "to_day": self.to_day,
            "categories": None if self.category_ids is None else list(self.category_ids),
            "sources": None if self.source_ids is None else list(self.source_ids),
        }


@dataclass(frozen=True)
class Packed:
    """Rows of `report_counts`: key arrays of length m and one ids and counts array for each."""

    day: NDArray[np.int32]
    category_id: NDArray[np.int16]
    source_id: NDArray[np.int16]
    ids: list[NDArray[np.int32]]
    counts: list[NDArray[np.int32]]


def pack(
    day: NDArray[np.int32], category_id: NDArray[np.int16], source_id: NDArray[np.int16], ids: NDArray[np.int32]
) -> Packed:
    """Count equal (day, category, source, id) and pack them by their first three.

    Parameters
    ----------
    day
        int32 days since 1970 in the city's time zone.
    ids
        int32 cell or segment ids, OUTSIDE or NO_POSITION.
    """
    # One sortable number per report: day, category and source above, the id below.
    key = (
        ((day.astype(np.int64) * MAX_CATEGORIES + category_id) * MAX_SOURCES + source_id)
        if len(day)
        else np.empty(0, np.int64)
    )
    groups, group = np.unique(key, return_inverse=True)
    pairs, counts = np.unique((group.astype(np.int64) << 32) + (ids.astype(np.int64) + 1), return_counts=True)
    starts = np.searchsorted(pairs, np.arange(1, len(groups), dtype=np.int64) << 32)
    low = ((pairs & 0xFFFFFFFF) - 1).astype("<i4")
    rest, source = np.divmod(groups, MAX_SOURCES)
    days, category = np.divmod(rest, MAX_CATEGORIES)
    return Packed(
        days.astype(np.int32),
        category.astype(np.int16),
        source.astype(np.int16),
        np.split(low, starts) if len(groups) else [],
        np.split(counts.astype("<i4"), starts) if len(groups) else [],
    )


def add_counts(conn: Connection, packed: dict[str, Packed]) -> None:
    """Add packed counts to the roll-up, by target ('cell', 'segment')."""
    conn.execute(
        text(
            "CREATE TEMP TABLE IF NOT EXISTS new_report_counts (target text, day date, category_id smallint,"
            " source_id smallint, ids bytea, counts bytea) ON COMMIT DROP"
        )
    )
    conn.execute(text("TRUNCATE new_report_counts"))
    for target, part in packed.items():
        copy_in(
            conn,
            "new_report_counts",
            [
                CopyColumn("target", "text", pa.array([target] * len(part.day), pa.string())),
                CopyColumn("day", "date", part.day),
                CopyColumn("category_id", "int2", part.category_id),
                CopyColumn("source_id", "int2", part.source_id),
                CopyColumn("ids", "bytea", pa.array([array.tobytes() for array in part.ids], pa.binary())),
                CopyColumn("counts", "bytea", pa.array([array.tobytes() for array in part.counts], pa.binary())),
            ],
        )
    conn.execute(sql("add_report_counts"))


def count_by_id(conn: Connection, target: str, key: CountKey, size: int) -> NDArray[np.int64]:
    """Reports by cell or segment id.

    Parameters
    ----------
    size
        One more than the largest id.

    Returns
    -------
    int64 of shape (size + 1,)
        At 0 those without position, at id + 1 those of an id, so at 1 those outside.
    """
    totals = np.zeros(size + 1, np.int64)
    for ids, counts in copy_out_fields(conn, sql("packed_counts"), key.parameters(target)):
        if ids is None or counts is None:
            continue
        at = np.frombuffer(ids, "<i4") + 1
        totals += np.bincount(at, weights=np.frombuffer(counts, "<i4"), minlength=size + 1).astype(np.int64)[: size + 1]
    return totals


def stored_counts(conn: Connection, target: str, window: dict[str, object]) -> NDArray[np.void]:
    """The roll-up of some days, unpacked: one row per (day, category, source, id), ascending.

    Parameters
    ----------
    window
        first (date), start, stop (days after it, stop exclusive).

    Returns
    -------
    structured array
        Fields as COUNT_FIELDS; day in days since 1970.
    """
    parts = []
    for day, category, source, ids, counts in copy_out_fields(
        conn, sql("counts_of_days"), {**window, "target": target}
    ):
        if day is None or category is None or source is None or ids is None or counts is None:
            continue
        places = np.frombuffer(ids, "<i4")
        rows = np.empty(len(places), [(name, WIRE[kind].replace(">", "<")) for name, kind in COUNT_FIELDS.items()])
        rows["day"] = int.from_bytes(day, "big", signed=True) + EPOCH_DAYS
        rows["category_id"] = int.from_bytes(category, "big", signed=True)
        rows["source_id"] = int.from_bytes(source, "big", signed=True)
        rows["id"], rows["count"] = places, np.frombuffer(counts, "<i4")
        parts.append(rows)
    if not parts:
        return np.empty(0, [(name, WIRE[kind].replace(">", "<")) for name, kind in COUNT_FIELDS.items()])
    rows = np.concatenate(parts)
    keys, position = np.unique(rows[KEY], return_inverse=True)
    answer = np.empty(len(keys), rows.dtype)
    for name in KEY:
        answer[name] = keys[name]
    answer["count"] = np.bincount(position.ravel(), rows["count"])
    return answer
