"""The lattice 网格划分: square cells for areas whose cells nobody has surveyed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

import numpy as np
import shapely
from sqlalchemy import Connection, text
from tqdm import tqdm

from gis.area_codes import Area, filled_prefix
from gis.areas import read_areas
from gis.cells import Cell, finish_cells, read_cells, retire_cells, store_cells
from gis.city import CELL, City, read_city
from gis.errors import CodeOverflow, Conflict, FinegridError, NotFound, ParameterError
from gis.geometry.lattice import number_codes, square_cells
from gis.loading import LoadSummary, ewkb, shapes_of
from gis.policies import city_policy
from gis.store.database import own_ground

# Cells tile their area in plain longitude, latitude up to rounding; anything more is a fault of ours.
LOST_SHARE = 1e-9


def make_grid(
    conn: Connection,
    size_m: float | None = None,
    within: str | None = None,
    only: Sequence[str] = (),
    *,
    replace: bool = False,
) -> LoadSummary:
    """Cut areas into square cells and number them from west to east and north to south.

    An area whose cells are this very lattice already stays as it is, so that running it twice changes nothing.

    Parameters
    ----------
    size_m
        Side of a square in metres of the city's metric CRS; None: as today's policy says.
    within
        Level whose areas are cut; None: the city's lowest.
    only
        Codes, or beginnings of codes, of the areas to cut; empty: all of that level.
    replace
        Areas with other cells get the new ones; the old ones are retired and the numbers go on after the highest used.

    Raises
    ------
    ParameterError
        No such level, a size that cannot be, or a code that no area begins with.
    NotFound
        There is no area of that level yet.
    CodeOverflow
        More cells than the digits of their code can number, naming every such area.
    Conflict
        Areas have other cells and `replace` is False, or an area above or below has cells of its own.
    """
    own_ground(conn)
    city = read_city(conn)
    size_m = city_policy(conn, datetime.now(city.zone).date()).cell_size_m if size_m is None else size_m
    within = within or city.area_levels[-1]
    if within not in city.area_levels:
        raise ParameterError("--within", f"{city.name_en} has {', '.join(city.area_levels)}; not {within!r}")
    areas = _chosen(read_areas(conn).live, within, only)
    stored = read_cells(conn)
    _check_levels(areas, stored)
    own: defaultdict[str, list[Cell]] = defaultdict(list)
    for cell in stored:
        own[cell.area_code].append(cell)
    highest = _highest_numbers(conn, city, areas)
    summary = LoadSummary("cells", crs=city.metric_crs)
    cells: list[Cell] = []
    old: list[Cell] = []
    overflows: list[str] = []
    for area in tqdm(areas, "cutting cells", unit="area", disable=None):
        shapes = _cut(area, city, size_m)
        summary.read += len(shapes)
        before = own[str(area.code)]
        if before and ewkb(shapes_of(before)) == ewkb(shapely.multipolygons([_parts(one) for one in shapes])):
            continue
        old += before
        try:
            prefix = filled_prefix(city, str(area.code), CELL)
            codes = number_codes(prefix, len(shapes), city.digits(CELL), highest[str(area.code)] + 1)
        except CodeOverflow as problem:
            overflows.append(str(problem))
            continue
        cells += [
            Cell(code, str(area.code), None, shapely.multipolygons(_parts(shape)))
            for code, shape in zip(codes, shapes, strict=True)
        ]
    if overflows:
        raise CodeOverflow("\n  ".join(overflows))
    if old and not replace:
        named = sorted({cell.area_code for cell in old})
        shown = ", ".join(named[:10]) + (f" and {len(named) - 10} more" if len(named) > 10 else "")
        msg = f"other cells are in use in {shown}; --replace retires them and cuts new ones"
        raise Conflict(msg)
    retire_cells(conn, [cell.code for cell in old])
    summary.retired = len(old)
    unchanged = summary.read - len(cells)
    store_cells(conn, cells, summary, surveyed=False)
    summary.unchanged = unchanged
    if old:
        summary.warnings.append(
            "the new cells are general and have no responsible persons: load tiers and people again"
        )
    finish_cells(conn, summary)
    return summary


def _parts(shape: shapely.Geometry) -> list[shapely.Polygon]:
    return list(shapely.get_parts(shape))


def _chosen(areas: Sequence[Area], within: str, only: Sequence[str]) -> list[Area]:
    level = [area for area in areas if area.level == within]
    if not level:
        msg = f"there is no {within} yet: load areas first"
        raise NotFound(msg)
    for start in only:
        if not any(str(area.code).startswith(start) for area in level):
            raise ParameterError("--only", f"no {within} has a code that begins with {start}")
    return [area for area in level if not only or str(area.code).startswith(tuple(only))]


def _check_levels(areas: Sequence[Area], stored: Sequence[Cell]) -> None:
    """Refuse to cut where an area above or below has cells of its own: they would overlap."""
    codes = {str(area.code) for area in areas}
    for holder in sorted({cell.area_code for cell in stored} - codes):
        near = next((code for code in sorted(codes) if code.startswith(holder) or holder.startswith(code)), None)
        if near is not None:
            msg = (
                f"{holder} has cells of its own, and cells of {near} would overlap them: "
                "leave it out with --only, or cut the level that has cells"
            )
            raise Conflict(msg)


def _highest_numbers(conn: Connection, city: City, areas: Sequence[Area]) -> dict[str, int]:
    """The highest cell number ever used in each area, retired ones included; 0 where none was."""
    used = conn.execute(text("SELECT code FROM cells")).scalars().all()
    highest = {filled_prefix(city, str(area.code), CELL): 0 for area in areas}
    digits = city.digits(CELL)
    for code in used:
        prefix, number = code[:-digits], code[-digits:]
        if prefix in highest:
            highest[prefix] = max(highest[prefix], int(number))
    return {str(area.code): highest[filled_prefix(city, str(area.code), CELL)] for area in areas}


def _cut(area: Area, city: City, size_m: float) -> list[shapely.Geometry]:
    try:
        shapes: list[shapely.Geometry] = [
            cell.geometry for cell in square_cells(area.geometry, city.metric_crs, size_m)
        ]
    except ParameterError as problem:
        if problem.parameter == "size_m":
            raise ParameterError("--size", f"{area.code} {area.name}: {problem}") from problem
        raise
    lost = abs(float(np.sum(shapely.area(shapes))) / area.geometry.area - 1)
    if lost > LOST_SHARE:
        msg = f"the lattice of {area.code} {area.name} does not tile it: {lost:.1e} of its area is lost or doubled"
        raise FinegridError(msg)
    return shapes
