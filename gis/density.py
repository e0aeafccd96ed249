"""Density 密度: reports per km2 of cells and areas, per km of road (clause 3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.counts import OUTSIDE, CountKey, count_by_id
from gis.errors import ParameterError
from gis.ground import DM2_PER_KM2, NOWHERE, Ground
from gis.operation_ground import count_inside, cut_ground
from gis.operations import Inside
from gis.report_rows import AMBIGUOUS
from gis.reports import category_spellings
from gis.store.database import sql
from gis.store.schema import SOURCE_KINDS, sources

NO_CELLS = "no cells: without responsible area there is no density"
BBox = tuple[float, float, float, float]


@dataclass(frozen=True)
class DensityQuery:
    """What is to be counted.

    Parameters
    ----------
    from_day, to_day
        Days of the city, `to_day` exclusive.
    categories
        Codes or names as the dictionary spells them, or one of the four chaoses as `chaos:parking`; empty: all.
    sources
        Names of sources, or kinds as `kind:citizen`; empty: all.
    bbox
        West, south, east, north in WGS 84 degrees: only what meets it.
    without_shared
        Leave out reports that stand on a coordinate flagged as shared by suspiciously many.
    operation
        Only what lies inside a special operation, whose days `from_day` and `to_day` are then.
    """

    from_day: date
    to_day: date
    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    bbox: BBox | None = None
    without_shared: bool = False
    operation: Inside | None = None

    @property
    def days(self) -> float:
        """Length of the window: whole days, or the exact length of an operation's."""
        return (self.to_day - self.from_day).days if self.operation is None else self.operation.days

    def __post_init__(self) -> None:
        """Refuse windows and boxes that hold nothing."""
        if self.to_day <= self.from_day:
            msg = (
                f"must be after from={self.from_day}; it is exclusive, so one day is from=2016-06-01 and to=2016-06-02"
            )
            raise ParameterError("to", msg)
        if self.bbox is not None:
            west, south, east, north = self.bbox
            if not (-180 <= west <= east <= 180 and -90 <= south <= north <= 90):
                msg = "west,south,east,north in degrees, west <= east and south <= north"
                raise ParameterError("bbox", msg)


@dataclass(frozen=True)
class DensityTable:
    """Rows in code order, column by column.

    Parameters
    ----------
    ids
        Database ids of the cells, areas or segments.
    columns
        Name -> values, in the order in which they are shown; float arrays hold nan where there is no value.
    days
        Length of the window: whole, but for an operation that begins or ends within a day.
    target
        `cells`, `areas` or `road_segments`: where the geometry is.
    """

    ids: NDArray[np.int32]
    columns: dict[str, Any]
    days: float
    target: str

    def __len__(self) -> int:
        """Rows."""
        return len(self.ids)

    def rows(self) -> Iterator[dict[str, Any]]:
        """Rows as dicts of plain values, None for nan."""
        names = list(self.columns)
        lists = [_plain(values) for values in self.columns.values()]
        for values in zip(*lists, strict=True):
            yield dict(zip(names, values, strict=True))


def _plain(values: Any) -> list[Any]:
    if not isinstance(values, np.ndarray):
        return list(values)
    if values.dtype.kind == "f":
        return [None if value != value else value for value in values.tolist()]
    return list(values.tolist())


def cell_counts(conn: Connection, ground: Ground, query: DensityQuery) -> NDArray[np.int64]:
    """Reports of each cell, by rank."""
    return _counts(conn, "cell", ground.cell_ids, query)


def segment_counts(conn: Connection, ground: Ground, query: DensityQuery) -> NDArray[np.int64]:
    """Reports of each road segment, by rank."""
    return _counts(conn, "segment", ground.segment_ids, query)


def density(conn: Connection, ground: Ground, level: str, query: DensityQuery) -> DensityTable:
    """Reports per km2 of responsible area at a level.

    An area's count and area are the sums over its cells, so that numbers add up at every level. Without cells there
    is no density: per_km2 is nan and `note` says why; it is never infinite and never 0. With an operation, rows are
    those of the ground inside, and area_km2 is what lies inside.

    Returns
    -------
    DensityTable
        Columns code, name, count, area_km2, per_km2, per_km2_per_day, note.

    Raises
    ------
    ParameterError
        The city has no such level, or the dictionary no such category.
    """
    if level != "cell" and level not in ground.city.area_levels:
        msg = f"{ground.city.name_en} has the levels {', '.join((*ground.city.area_levels, 'cell'))}, not {level!r}"
        raise ParameterError("level", msg)
    counts = cell_counts(conn, ground, query)
    days = query.days
    if query.operation is not None:
        held = ground.cell_ids[counts > 0]
        part = cut_ground(conn, ground, query.operation, with_cells=held, with_segments=None).ground
        ground, counts = part, counts[ground.rank_of_cell[part.cell_ids]]
    if level == "cell":
        table = _per_km2(
            ground.cell_ids,
            ground.cell_codes,
            ground.cell_area_names,
            counts,
            ground.cell_dm2,
            days,
            "cells",
        )
    else:
        listed, position = ground.cells_by_area(level)
        held = position != NOWHERE
        # Sums of whole numbers below 2**53 are exact in float64.
        of_areas = np.bincount(position[held], counts[held], len(listed)).astype(np.int64)
        dm2 = np.bincount(position[held], ground.cell_dm2[held], len(listed)).astype(np.int64)
        table = _per_km2(
            np.array([area.id for area in listed], np.int32),
            [area.code for area in listed],
            [area.name for area in listed],
            of_areas,
            dm2,
            days,
            "areas",
        )
    return _inside(conn, _concerned(table, "area_km2", query), query.bbox)


def road_density(conn: Connection, ground: Ground, query: DensityQuery) -> DensityTable:
    """Reports per km of each road segment (reports within 30 m, each at its nearest segment).

    With an operation, rows are the segments inside, cut at its edge, and those outside to which reports inside belong
    (length_m 0, per_km nan).

    Returns
    -------
    DensityTable
        Columns code, name, class, count, length_m, per_km.
    """
    counts = segment_counts(conn, ground, query)
    if query.operation is not None:
        held = ground.segment_ids[counts > 0]
        part = cut_ground(conn, ground, query.operation, with_cells=None, with_segments=held).ground
        ground, counts = part, counts[ground.rank_of_segment[part.segment_ids]]
    columns = {
        "code": ground.segment_codes,
        "name": ground.segment_names,
        "class": ground.segment_classes,
        "count": counts,
        "length_m": ground.segment_m,
        "per_km": _rate(counts, ground.segment_m / 1000),
    }
    table = DensityTable(ground.segment_ids, columns, query.days, "road_segments")
    return _inside(conn, _concerned(table, "length_m", query), query.bbox)


def category_ids(conn: Connection, wanted: tuple[str, ...]) -> tuple[int, ...] | None:
    """Ids of the categories that a query names, None for all.

    Raises
    ------
    ParameterError
        The dictionary has no such entry, or several.
    """
    if not wanted:
        return None
    spellings = category_spellings(conn)
    chaoses = conn.execute(sql("category_chaoses")).all()
    found: set[int] = set()
    for spelling in wanted:
        kind, _, chaos = spelling.partition(":")
        if kind == "chaos":
            members = {row.id for row in chaoses if row.chaos == chaos or (chaos == "any" and row.chaos)}
            if not members and chaos not in ("any", *{row.chaos for row in chaoses}):
                msg = f"no category belongs to {spelling!r}; chaos: goes with parking, trading, rubbish, posters or any"
                raise ParameterError("category", msg)
            found |= members
            continue
        category = spellings.get(spelling)
        if category is None:
            some = ", ".join(sorted(spellings)[:8])
            msg = f"the dictionary has no {spelling!r}; it has {some}, ... (GET /categories lists all)"
            raise ParameterError("category", msg)
        if category == AMBIGUOUS:
            msg = f"{spelling!r} stands for several entries: write kind:code, e.g. event:{spelling}"
            raise ParameterError("category", msg)
        found.add(category)
    return tuple(sorted(found))


def source_ids(conn: Connection, wanted: tuple[str, ...]) -> tuple[int, ...] | None:
    """Ids of the sources that a query names (or whose kind it names as kind:citizen), None for all.

    Raises
    ------
    ParameterError
        There is no such source or kind.
    """
    if not wanted:
        return None
    known = conn.execute(select(sources)).all()
    found: set[int] = set()
    for name in wanted:
        prefix, _, kind = name.partition(":")
        if prefix == "kind" and kind in SOURCE_KINDS:
            found |= {row.id for row in known if row.kind == kind}
            continue
        matches = {row.id for row in known if row.name == name}
        if not matches:
            names = ", ".join(row.name for row in known) or "none yet"
            msg = f"there is no source {name!r}; there are {names}, or kind: with one of {', '.join(SOURCE_KINDS)}"
            raise ParameterError("source", msg)
        found |= matches
    return tuple(sorted(found))


def live_counts(conn: Connection, target: str, query: DensityQuery) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Ids of the cells (or segments) that have reports in the window, ascending, and how many each.

    Parameters
    ----------
    target
        cell or segment.

    Raises
    ------
    ParameterError
        There is no such category or source.
    """
    by_id = _counts_by_id(conn, target, query)
    ids = np.flatnonzero(by_id)
    return ids, by_id[ids]


def _counts(conn: Connection, target: str, ids: NDArray[np.int32], query: DensityQuery) -> NDArray[np.int64]:
    return _counts_by_id(conn, target, query)[ids]


def _counts_by_id(conn: Connection, target: str, query: DensityQuery) -> NDArray[np.int64]:
    """Reports by id; what lies in no cell, or has no position, is left out."""
    key = CountKey(query.from_day, query.to_day, category_ids(conn, query.categories), source_ids(conn, query.sources))
    if query.operation is not None:
        found = count_inside(conn, query.operation, target, key, without_shared=query.without_shared)
        by_id = np.bincount(found.id, found.reports, _largest_id(conn, target) + 1).astype(np.int64)
        by_id[OUTSIDE] = 0
        return by_id
    counts = count_by_id(conn, target, key, _largest_id(conn, target) + 1)[1:]
    counts[OUTSIDE] = 0
    if query.without_shared:
        for place, reports in conn.execute(sql(f"shared_{target}_counts"), key.parameters(target)):
            counts[place] -= reports
    return counts


def _largest_id(conn: Connection, target: str) -> int:
    # Retired cells keep their ids, and their days keep no counts, but the array must hold every id that may come.
    return int(conn.execute(sql(f"largest_{target}_id")).scalar_one())


def _per_km2(
    ids: NDArray[np.int32],
    codes: list[str],
    names: list[str],
    counts: NDArray[np.int64],
    dm2: NDArray[np.int64],
    days: float,
    target: str,
) -> DensityTable:
    km2 = dm2 / DM2_PER_KM2
    rate = _rate(counts, km2)
    columns: dict[str, Any] = {
        "code": codes,
        "name": names,
        "count": counts,
        "area_km2": km2,
        "per_km2": rate,
        "per_km2_per_day": rate / days,
        "note": [None if area else NO_CELLS for area in dm2.tolist()] if not dm2.all() else [None] * len(dm2),
    }
    return DensityTable(ids, columns, days, target)


def _rate(counts: NDArray[np.int64], size: NDArray[np.float64]) -> NDArray[np.float64]:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(size > 0, counts / size, np.nan)


def _concerned(table: DensityTable, size: str, query: DensityQuery) -> DensityTable:
    """Without the rows of which an operation holds neither ground nor reports; without one, all of them."""
    if query.operation is None:
        return table
    return _chosen(table, np.flatnonzero((table.columns[size] > 0) | (table.columns["count"] > 0)))


def _inside(conn: Connection, table: DensityTable, bbox: BBox | None) -> DensityTable:
    if bbox is None:
        return table
    west, south, east, north = bbox
    found = conn.execute(
        sql(f"{table.target}_in_box"), {"west": west, "south": south, "east": east, "north": north}
    ).scalars()
    return _chosen(table, np.flatnonzero(np.isin(table.ids, np.fromiter(found, np.int32))))


def _chosen(table: DensityTable, chosen: NDArray[np.intp]) -> DensityTable:
    columns = {
        name: values[chosen] if isinstance(values, np.ndarray) else [values[at] for at in chosen.tolist()]
        for name, values in table.columns.items()
    }
    return DensityTable(table.ids[chosen], columns, table.days, table.target)
