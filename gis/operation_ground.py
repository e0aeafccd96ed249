"""What lies inside a special operation: reports counted one by one, cells and roads cut at its edge (clause 13).

The roll-up knows cells and days; an operation has an edge that cuts cells and a window that cuts days. So its reports
are counted from the reports themselves, by day first, and a density divides by the ground that lies inside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.counts import CountKey
from gis.ground import Ground
from gis.operations import Inside
from gis.store.database import sql


@dataclass(frozen=True)
class InsideCounts:
    """Reports inside an operation by place, category and sub-period: parallel int64 arrays.

    Parameters
    ----------
    id
        Of the cell or segment, 0: in none.
    category
        Id of the category.
    period
        Position of the sub-period.
    reports
        How many.
    """

    id: NDArray[np.int64]
    category: NDArray[np.int64]
    period: NDArray[np.int64]
    reports: NDArray[np.int64]


def count_inside(
    conn: Connection,
    inside: Inside,
    target: str,
    key: CountKey,
    *,
    without_shared: bool = False,
    starts: Iterable[date] | None = None,
) -> InsideCounts:
    """Count the reports inside an operation, each judged by its own point and instant.

    Parameters
    ----------
    target
        cell or segment.
    key
        Which categories and sources; its days are not looked at.
    starts
        First day of each sub-period, ascending; None: no sub-periods.
    """
    binds = {
        **key.parameters(target),
        **inside.binds(),
        "without_shared": without_shared,
        "starts": [inside.from_day] if starts is None else list(starts),
    }
    rows = conn.execute(sql("operation_counts"), binds).all()
    counted = np.array([tuple(row) for row in rows], np.int64).reshape(-1, 4)
    return InsideCounts(counted[:, 0], counted[:, 1], counted[:, 2], counted[:, 3])


@dataclass(frozen=True)
class Cut:
    """Cells and segments as far as they lie inside, with their shapes (WGS 84) in the order of the ground."""

    ground: Ground
    cells: NDArray[np.object_]
    segments: NDArray[np.object_]


def cut_ground(
    conn: Connection,
    ground: Ground,
    inside: Inside,
    *,
    with_cells: Iterable[int] | None = (),
    with_segments: Iterable[int] | None = (),
) -> Cut:
    """The part of the ground that lies inside an operation: fewer cells and segments, smaller at the edge.

    Parameters
    ----------
    with_cells, with_segments
        Ids of those that hold reports inside: they stay even where they only touch the polygon, with area (or length)
        0. A report inside may belong to a road segment outside, up to 30 m away. None: cells (or segments) are not
        asked about, and the cut ground has none.
    """
    ids, dm2, cells = _parts(conn, "operation_cells", inside, with_cells)
    at = ground.rank_of_cell[ids].tolist()
    segment_ids, mm, segments = _parts(conn, "operation_segments", inside, with_segments)
    along = ground.rank_of_segment[segment_ids].tolist()
    part = replace(
        ground,
        cell_ids=ids,
        cell_codes=[ground.cell_codes[rank] for rank in at],
        cell_areas=ground.cell_areas[at],
        cell_tiers=[ground.cell_tiers[rank] for rank in at],
        cell_dm2=dm2,
        segment_ids=segment_ids,
        segment_codes=[ground.segment_codes[rank] for rank in along],
        segment_names=[ground.segment_names[rank] for rank in along],
        segment_classes=[ground.segment_classes[rank] for rank in along],
        segment_m=mm / 1000,
    )
    return Cut(part, cells, segments)


def _parts(
    conn: Connection, question: str, inside: Inside, counted: Iterable[int] | None
) -> tuple[NDArray[np.int32], NDArray[np.int64], NDArray[np.object_]]:
    if counted is None:
        return np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0, object)
    binds = {"operation": inside.operation.id, "counted": [int(one) for one in counted]}
    rows = conn.execute(sql(question), binds).all()
    shapes = shapely.from_wkb(np.array([bytes(row[2]) for row in rows], object)) if rows else np.empty(0, object)
    return np.array([row[0] for row in rows], np.int32), np.array([row[1] for row in rows], np.int64), shapes
