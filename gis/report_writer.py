"""Writing judged reports: keyed, placed and rolled up, inside the caller's transaction."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import psycopg2.errors
import pyarrow as pa
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from gis.counts import NO_POSITION, OUTSIDE, add_counts, pack
from gis.ground import NOWHERE, Ground
from gis.locator import Placement
from gis.report_rows import GoodRows
from gis.shared_positions import PositionTally
from gis.store.copying import CopyColumn, copy_in, copy_out_array
from gis.store.database import sql

COUNTED_AT_ONCE = 1 << 20
"""Reports whose counts are held in memory before they go into the roll-up."""


@dataclass
class Written:
    """What a writer has put in so far.

    Parameters
    ----------
    days
        Day (since 1970) -> reports accepted and duplicate.
    """

    accepted: int = 0
    duplicate: int = 0
    in_cells: int = 0
    outside: int = 0
    no_position: int = 0
    days: dict[int, list[int]] = field(default_factory=dict)
    positions: PositionTally = field(default_factory=PositionTally)


@dataclass
class _Uncounted:
    """Reports that are written but not yet in the roll-up; one entry per report."""

    day: list[NDArray[np.int32]] = field(default_factory=list)
    category_id: list[NDArray[np.int16]] = field(default_factory=list)
    source_id: list[NDArray[np.int16]] = field(default_factory=list)
    cell: list[NDArray[np.int32]] = field(default_factory=list)
    segment: list[NDArray[np.int32]] = field(default_factory=list)
    rows: int = 0


class ReportWriter:
    """Writes chunks of one import.

    The fast way is COPY straight into the table. A key that is there already makes the server refuse the chunk; then,
    and for the following chunks as long as they repeat what is stored, known references are taken out first.
    """

    def __init__(self, conn: Connection, ground: Ground, import_id: int) -> None:
        self._conn, self._ground, self._import_id = conn, ground, import_id
        self._look_first = False
        self.written = Written()
        self._uncounted = _Uncounted()
        _trust_own_keys(conn)

    def write(self, rows: GoodRows, placement: Placement) -> None:
        """Write one chunk; rows whose (source, source_ref) is stored or repeats count as duplicates."""
        chosen = _first_of_each(rows)
        while True:
            if self._look_first:
                chosen = self._without_known(rows, chosen)
            try:
                with self._conn.begin_nested(), _plain_errors():
                    self._copy(rows.take(chosen), _taken(placement, chosen))
            except psycopg2.errors.UniqueViolation:
                self._look_first = True
                continue
            break
        self._look_first = len(chosen) < len(rows)
        self._tally(rows, placement, chosen)

    def finish(self) -> None:
        """Add what was written to the roll-up."""
        waiting = self._uncounted
        if not waiting.rows:
            return
        day, category_id = np.concatenate(waiting.day), np.concatenate(waiting.category_id)
        source_id = np.concatenate(waiting.source_id)
        packed = {
            "cell": pack(day, category_id, source_id, np.concatenate(waiting.cell)),
            "segment": pack(day, category_id, source_id, np.concatenate(waiting.segment)),
        }
        self._uncounted = _Uncounted()
        add_counts(self._conn, packed)

    def _without_known(self, rows: GoodRows, chosen: NDArray[np.int64]) -> NDArray[np.int64]:
        self._conn.execute(
            text(
                "CREATE TEMP TABLE IF NOT EXISTS waiting_refs"
                ' (position int, source_id smallint, source_ref varchar COLLATE "C") ON COMMIT DROP'
            )
        )
        self._conn.execute(text("TRUNCATE waiting_refs"))
        copy_in(
            self._conn,
            "waiting_refs",
            [
                CopyColumn("position", "int4", chosen),
                CopyColumn("source_id", "int2", rows.source_id[chosen]),
                CopyColumn("source_ref", "text", rows.source_ref.take(pa.array(chosen))),
            ],
        )
        # Without statistics the planner would read the whole of reports for a handful of references.
        self._conn.execute(text("ANALYZE waiting_refs"))
        known = copy_out_array(self._conn, sql("known_refs"), {}, {"position": "int4"})["position"]
        return chosen[~np.isin(chosen, known)] if len(known) else chosen

    def _copy(self, rows: GoodRows, placement: Placement) -> None:
        if not len(rows):
            return
        ground = self._ground
        in_cell, near_segment = placement.cell != NOWHERE, placement.segment != NOWHERE
        copy_in(
            self._conn,
            "reports",
            [
                CopyColumn("source_id", "int2", rows.source_id),
                CopyColumn("category_id", "int2", rows.category_id),
                CopyColumn("import_id", "int8", np.full(len(rows), self._import_id)),
                CopyColumn("reported_at", "timestamptz", rows.instant_us),
                CopyColumn("day", "date", rows.day),
                CopyColumn("geom", "point", np.column_stack([rows.lon, rows.lat]), ~np.isnan(rows.lon)),
                CopyColumn("cell_id", "int4", _ids(ground.cell_ids, placement.cell, 0), in_cell),
                CopyColumn("segment_id", "int4", _ids(ground.segment_ids, placement.segment, 0), near_segment),
                CopyColumn("source_ref", "text", rows.source_ref),
                CopyColumn("description", "text", rows.description),
            ],
        )

    def _tally(self, rows: GoodRows, placement: Placement, chosen: NDArray[np.int64]) -> None:
        done, waiting = self.written, self._uncounted
        left_out = np.ones(len(rows), bool)
        left_out[chosen] = False
        for at, part in enumerate((rows.day[chosen], rows.day[left_out])):
            for day, count in zip(*np.unique(part, return_counts=True), strict=True):
                done.days.setdefault(int(day), [0, 0])[at] += int(count)
        done.accepted += len(chosen)
        done.duplicate += int(left_out.sum())
        placed = ~np.isnan(rows.lon[chosen])
        missing = np.where(placed, OUTSIDE, NO_POSITION)
        cell = _ids(self._ground.cell_ids, placement.cell[chosen], missing)
        done.in_cells += int((cell > OUTSIDE).sum())
        done.outside += int((cell == OUTSIDE).sum())
        done.no_position += int((cell == NO_POSITION).sum())
        done.positions.add(rows.lon[chosen], rows.lat[chosen])
        waiting.day.append(rows.day[chosen])
        waiting.category_id.append(rows.category_id[chosen])
        waiting.source_id.append(rows.source_id[chosen])
        waiting.cell.append(cell)
        waiting.segment.append(_ids(self._ground.segment_ids, placement.segment[chosen], missing))
        waiting.rows += len(chosen)
        if waiting.rows >= COUNTED_AT_ONCE:
            self.finish()


def _taken(placement: Placement, chosen: NDArray[np.int64]) -> Placement:
    return Placement(placement.cell[chosen], placement.segment[chosen], placement.distance_m[chosen])


def _ids(ids: NDArray[np.int32], ranks: NDArray[np.int32], missing: NDArray[np.int64] | int) -> NDArray[np.int32]:
    if not len(ids):
        return np.broadcast_to(np.asarray(missing, np.int32), ranks.shape)
    return np.where(ranks != NOWHERE, ids[ranks], missing).astype(np.int32)


def _first_of_each(rows: GoodRows) -> NDArray[np.int64]:
    """Positions of the rows whose identity did not occur before in this chunk."""
    encoded = rows.source_ref.dictionary_encode()
    if len(encoded.dictionary) == len(rows):
        return np.arange(len(rows), dtype=np.int64)
    identity = rows.source_id.astype(np.int64) << 32 | encoded.indices.to_numpy()
    return np.sort(np.unique(identity, return_index=True)[1]).astype(np.int64)


@contextlib.contextmanager
def _plain_errors() -> Iterator[None]:
    """psycopg2's own error out of SQLAlchemy's wrapping, wherever it arises."""
    try:
        yield
    except DBAPIError as problem:
        raise problem.orig or problem from problem


def check_keys_again(conn: Connection) -> None:
    """Have the server check foreign keys again in what is left of this transaction."""
    _check_keys(conn, "origin")


def _trust_own_keys(conn: Connection) -> None:
    """Skip the foreign-key triggers where the server lets us, until `check_keys_again` or the transaction's end.

    The ids written come out of the referenced tables in this very transaction, under the ground lock; asking again for
    every row would take longer than everything else together. Checks and the primary key stay in force. An account
    that may not do this (a server of the user's own) pays for the triggers.
    """
    _check_keys(conn, "replica")


def _check_keys(conn: Connection, role: str) -> None:
    try:
        with conn.begin_nested():
            conn.execute(text(f"SET LOCAL session_replication_role = {role}"))
    except DBAPIError as problem:
        if not isinstance(problem.orig, psycopg2.errors.InsufficientPrivilege):
            raise
