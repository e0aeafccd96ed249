"""What the heat map 热力图 shows: reports per cell (and segment), category and sub-period, and the shapes to draw."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.counts import CountKey
from gis.density import DensityQuery, category_ids, cell_counts, source_ids
from gis.errors import Conflict
from gis.ground import Ground
from gis.operation_ground import count_inside, cut_ground
from gis.operations import Inside
from gis.store.copying import copy_out_fields
from gis.store.database import sql
from gis.store.schema import categories

TEN_DAY_LIMIT = timedelta(days=124)
"""Longest window that is divided into ten-day periods; longer ones are divided into months."""

TEN_DAY_STARTS = (1, 11, 21)


@dataclass(frozen=True)
class SubPeriod:
    """A ten-day period 旬 or a month, as far as the window holds it; `to_day` exclusive."""

    from_day: date
    to_day: date

    @property
    def days(self) -> int:
        """Length."""
        return (self.to_day - self.from_day).days


def sub_periods(from_day: date, to_day: date) -> list[SubPeriod]:
    """Divide a window into ten-day periods 旬 (days 1-10, 11-20, 21-end; clause 4), or into months beyond four months.

    The first and the last one are cut where the window begins and ends.
    """
    starts_in_month = TEN_DAY_STARTS if to_day - from_day <= TEN_DAY_LIMIT else (1,)
    starts = [from_day]
    month = from_day.replace(day=1)
    while month < to_day:
        starts += [start for day in starts_in_month if from_day < (start := month.replace(day=day)) < to_day]
        month = (month + timedelta(days=31)).replace(day=1)
    return [SubPeriod(start, end) for start, end in zip(starts, [*starts[1:], to_day], strict=True)]


@dataclass(frozen=True)
class SparseCounts:
    """Reports by category, sub-period and place, ascending in this order: parallel int64 arrays without zeros.

    Parameters
    ----------
    place
        Rank of the cell or segment; `len(ground.cell_ids)` (or of segments) stands for "in none", one more for "without
        usable position".
    category
        Id of the category.
    period
        Position of the sub-period.
    reports
        How many.
    """

    place: NDArray[np.int64]
    category: NDArray[np.int64]
    period: NDArray[np.int64]
    reports: NDArray[np.int64]

    def __len__(self) -> int:
        """Combinations with reports."""
        return len(self.place)

    def whole_window(self) -> SparseCounts:
        """The same with all sub-periods added up into the first one."""
        return summed(self.place, self.category, np.zeros_like(self.period), self.reports)


def summed(
    place: NDArray[np.int64], category: NDArray[np.int64], period: NDArray[np.int64], reports: NDArray[np.int64]
) -> SparseCounts:
    """Add up what stands at equal (category, period, place)."""
    width = int(place.max(initial=0)) + 1
    height = int(period.max(initial=0)) + 1
    keys, inverse = np.unique((category * height + period) * width + place, return_inverse=True)
    # Sums of whole numbers below 2**53 are exact in float64.
    totals = np.bincount(inverse, weights=reports, minlength=len(keys)).astype(np.int64)
    rest, of_place = np.divmod(keys, width)
    of_category, of_period = np.divmod(rest, height)
    kept = totals != 0
    return SparseCounts(of_place[kept], of_category[kept], of_period[kept], totals[kept])


def counts_by_period(
    conn: Connection, ground: Ground, target: str, query: DensityQuery, periods: list[SubPeriod]
) -> SparseCounts:
    """Count the reports of a window by cell or segment (`target`), category and sub-period, from the roll-up.

    Shared coordinates are counted; `shared_counts` says how many to take off. With an operation, `ground` is the part
    of the ground inside and the reports are counted one by one; one that belongs to a cell or segment which `ground`
    does not have counts as in none.

    Raises
    ------
    ParameterError
        The dictionary has no such category, or there is no such source.
    Conflict
        The roll-up names a cell or segment that this ground does not have.
    """
    rank = ground.rank_of_cell if target == "cell" else ground.rank_of_segment
    places = len(ground.cell_ids if target == "cell" else ground.segment_ids)
    if query.operation is not None:
        starts = [period.from_day for period in periods]
        found = count_inside(conn, query.operation, target, _key(conn, query), starts=starts)
        inner = _ranks(rank, found.id)
        return summed(np.where(inner < 0, places, inner), found.category, found.period, found.reports)
    # Ids shifted by one: -1 (no position), 0 (in none), then the ids.
    place_of = np.concatenate([[places + 1], rank.astype(np.int64)])
    place_of[1] = places
    parts: list[tuple[NDArray[np.int64], ...]] = []
    for category, period, ids, counts in copy_out_fields(
        conn, sql("packed_counts_by_period"), _parameters(conn, target, query, periods)
    ):
        if category is None or period is None or ids is None or counts is None:
            continue
        at = np.frombuffer(ids, "<i4").astype(np.int64) + 1
        if at.max(initial=0) >= len(place_of) or (place_of[at] < 0).any():
            msg = f"the {target}s changed while the map was being made; ask again"
            raise Conflict(msg)
        place = place_of[at]
        parts.append(
            (
                place,
                np.full(len(place), int.from_bytes(category, "big"), np.int64),
                np.full(len(place), int.from_bytes(period, "big"), np.int64),
                np.frombuffer(counts, "<i4").astype(np.int64),
            )
        )
    if not parts:
        nothing = np.empty(0, np.int64)
        return SparseCounts(nothing, nothing, nothing, nothing)
    place, category_of, period_of, reports = (np.concatenate(column) for column in zip(*parts, strict=True))
    return summed(place, category_of, period_of, reports)


def _ranks(rank: NDArray[np.int32], ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Rank of each id, -1 for one that the ground does not have."""
    known = ids < len(rank)
    return np.where(known, rank[np.where(known, ids, 0)], -1).astype(np.int64) if len(rank) else np.full_like(ids, -1)


@dataclass(frozen=True)
class SharedCount:
    """Reports exactly on one flagged coordinate (WGS 84 degrees); ranks are -1 where there is no cell or road."""

    lon: float
    lat: float
    cell: int
    segment: int
    category: int
    period: int
    reports: int


def shared_counts(conn: Connection, ground: Ground, query: DensityQuery, periods: list[SubPeriod]) -> list[SharedCount]:
    """Count the reports of a window on flagged coordinates, by coordinate, category and sub-period (clause 3)."""
    parameters = _parameters(conn, "cell", query, periods)
    if query.operation is None:
        rows = conn.execute(sql("shared_counts_by_period"), parameters).all()
    else:
        rows = conn.execute(sql("operation_shared_counts"), {**parameters, **query.operation.binds()}).all()
    in_cells = _ranks(ground.rank_of_cell, np.array([row.cell_id for row in rows], np.int64)).tolist()
    on_segments = _ranks(ground.rank_of_segment, np.array([row.segment_id for row in rows], np.int64)).tolist()
    return [
        SharedCount(row.lon, row.lat, cell, segment, row.category_id, row.period, row.reports)
        for row, cell, segment in zip(rows, in_cells, on_segments, strict=True)
    ]


def _key(conn: Connection, query: DensityQuery) -> CountKey:
    wanted, chosen = category_ids(conn, query.categories), source_ids(conn, query.sources)
    return CountKey(query.from_day, query.to_day, wanted, chosen)


def _parameters(conn: Connection, target: str, query: DensityQuery, periods: list[SubPeriod]) -> dict[str, Any]:
    return {**_key(conn, query).parameters(target), "starts": [period.from_day for period in periods]}


@dataclass(frozen=True)
class Category:
    """An entry of the dictionary; `chaos` is which of the four chaoses 四乱, or None."""

    id: int
    kind: str
    code: str
    name: str
    name_en: str
    domain: str
    chaos: str | None


def dictionary(conn: Connection) -> list[Category]:
    """All categories by standard, kind and code."""
    wanted = [categories.c[name] for name in ("id", "kind", "code", "name", "name_en", "domain", "chaos")]
    rows = conn.execute(
        select(*wanted).order_by(categories.c.standard_ref, categories.c.kind, categories.c.code, categories.c.id)
    )
    return [Category(*row) for row in rows]


@dataclass(frozen=True)
class Shapes:
    """What is drawn, in WGS 84 longitude and latitude; areas, cells and segments in the order of the ground."""

    areas: NDArray[np.object_]
    cells: NDArray[np.object_]
    segments: NDArray[np.object_]


def shapes_inside(conn: Connection, ground: Ground, query: DensityQuery, inside: Inside) -> tuple[Ground, Shapes]:
    """The part of the ground inside a special operation, and its shapes: cells and segments are cut at the edge."""
    counts = cell_counts(conn, ground, query)
    cut = cut_ground(conn, ground, inside, with_cells=ground.cell_ids[counts > 0])
    return cut.ground, Shapes(_shapes(conn, "area_geometries"), cut.cells, cut.segments)


def ground_shapes(conn: Connection, ground: Ground) -> Shapes:
    """Read the shapes of a ground.

    Raises
    ------
    Conflict
        The database no longer has as many areas, cells or segments as this ground.
    """
    shapes = Shapes(*(_shapes(conn, name) for name in ("area_geometries", "cell_geometries", "segment_lines")))
    expected = (len(ground.areas), len(ground.cell_ids), len(ground.segment_ids))
    if (len(shapes.areas), len(shapes.cells), len(shapes.segments)) != expected:
        msg = "areas, cells or roads changed while the map was being made; ask again"
        raise Conflict(msg)
    return shapes


def _shapes(conn: Connection, name: str) -> NDArray[np.object_]:
    wkb = [bytes(field) for (field,) in copy_out_fields(conn, sql(name), {}) if field is not None]
    return np.asarray(shapely.from_wkb(np.array(wkb, object)))
