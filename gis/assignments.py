"""Keeping reports where they belong after the ground changed (clause 3)."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from sqlalchemy import Connection, text

from gis.counts import NO_POSITION, OUTSIDE, Packed, pack
from gis.counts import add_counts as _add_counts
from gis.ground import load_ground
from gis.locator import load_locator
from gis.policies import city_policy
from gis.store.copying import CopyColumn, copy_in, copy_out_array
from gis.store.database import bump_version, sql

DAYS_AT_ONCE = 10


def reassign(conn: Connection) -> int:
    """Place every report anew and correct cell, segment and roll-up where they changed.

    Called by whatever changes cells or segments, in its transaction and under the exclusive ground lock.

    Returns
    -------
    int
        Reports whose cell or segment changed.
    """
    first = conn.execute(text("SELECT min(day) FROM reports")).scalar_one()
    if first is None:
        return 0
    ground = load_ground(conn)
    locator = load_locator(conn, ground, city_policy(conn, datetime.now(UTC).date()))
    conn.execute(
        text(
            "CREATE TEMP TABLE IF NOT EXISTS moved_reports"
            " (tid_block int8, tid_offset int4, cell_id int, segment_id int) ON COMMIT DROP"
        )
    )
    moved = 0
    stretches = conn.execute(sql("stretches_of_reports"), {"first": first, "days": DAYS_AT_ONCE}).scalars().all()
    for start in (stretch * DAYS_AT_ONCE for stretch in stretches):
        window = {"first": first, "start": start, "stop": start + DAYS_AT_ONCE}
        rows = copy_out_array(
            conn,
            sql("placed_reports"),
            window,
            {
                "block": "int8",
                "offset": "int4",
                "lon": "float8",
                "lat": "float8",
                "cell_id": "int4",
                "segment_id": "int4",
            },
        )
        placement = locator.place(rows["lon"].copy(), rows["lat"].copy())
        cell = np.where(placement.cell >= 0, _at(ground.cell_ids, placement.cell), OUTSIDE)
        segment = np.where(placement.segment >= 0, _at(ground.segment_ids, placement.segment), OUTSIDE)
        changed = np.flatnonzero((cell != rows["cell_id"]) | (segment != rows["segment_id"]))
        if not len(changed):
            continue
        moved += len(changed)
        conn.execute(text("TRUNCATE moved_reports"))
        copy_in(
            conn,
            "moved_reports",
            [
                CopyColumn("tid_block", "int8", rows["block"][changed]),
                CopyColumn("tid_offset", "int4", rows["offset"][changed]),
                CopyColumn("cell_id", "int4", cell[changed], cell[changed] != OUTSIDE),
                CopyColumn("segment_id", "int4", segment[changed], segment[changed] != OUTSIDE),
            ],
        )
        conn.execute(sql("move_reports"))
        _count_again(conn, window)
    if moved:
        bump_version(conn, "reports")
    return moved


def _at(ids: np.ndarray, ranks: np.ndarray) -> np.ndarray:
    return ids[ranks] if len(ids) else np.zeros(len(ranks), np.int32)


def _count_again(conn: Connection, window: dict[str, object]) -> None:
    """Make the roll-up of some days anew from the reports themselves."""
    conn.execute(sql("forget_counts"), window)
    _add_counts(conn, counts_of_reports(conn, window))


def counts_of_reports(conn: Connection, window: dict[str, object]) -> dict[str, Packed]:
    """The roll-up of some days as the reports say, by target."""
    fields = {"day": "date", "category_id": "int2", "source_id": "int2", "cell_id": "int4", "segment_id": "int4"}
    rows = copy_out_array(
        conn, sql("countable_reports"), {**window, "outside": OUTSIDE, "no_position": NO_POSITION}, fields
    )
    return {
        target: pack(rows["day"], rows["category_id"], rows["source_id"], rows[f"{target}_id"])
        for target in ("cell", "segment")
    }
