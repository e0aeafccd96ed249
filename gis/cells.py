"""Surveyed grid cells 单元网格: loading them, and what cells of any origin have in common when they are stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Connection, text

from gis.area_codes import Area, parent_by_prefix, wrong_form
from gis.areas import read_areas
from gis.assignments import reassign
from gis.city import CELL, City, read_city
from gis.errors import ParameterError
from gis.geometry.overlay import outside_m2, overlaps
from gis.loading import GEOMETRY, TEXT, LoadSummary, shapes_of, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema import TIERS

CELLS = Layout("cells", ("code",), ("area_code", "tier"), "polygon")

# A ten-thousandth of a cell: what remains at T-junctions of a tiling written with seven decimals of a degree.
CELL_TOLERANCE_M2 = 1.0
# Geodesic areas of cells add up to that of their area only to about 1e-5, see gis.geometry.lattice.
COVERED_SHARE = 0.9999


@dataclass(frozen=True)
class Cell:
    """A cell, stored or about to be; `row` is its position in the file from 0, None where it is not in the file."""

    code: str
    area_code: str
    tier: str | None
    geometry: shapely.MultiPolygon
    row: int | None = None


def read_cells(conn: Connection) -> list[Cell]:
    """Every live cell of the city with its geometry, ascending code."""
    rows = conn.execute(sql("cells_with_geometry")).all()
    shapes = shapely.from_wkb(np.array([bytes(row.geom) for row in rows], dtype=object)) if rows else []
    return [Cell(row.code, row.area_code, row.tier, shape) for row, shape in zip(rows, shapes, strict=True)]


def load_cells(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    tolerance_m2: float = CELL_TOLERANCE_M2,
    replace_others: bool = False,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load surveyed cells.

    A cell's area is the one with the longest code that the cell's code begins with; `area_code` must agree with it. Its
    code has the digits that the city's levels say, zeros standing for levels passed over. A tier that the file does not
    give stays as it is, `general` at first.

    Parameters
    ----------
    tolerance_m2
        How many square metres (geodesic) cells may overlap or lie outside their area.
    replace_others
        Cells of the areas in the file that the file lacks are retired.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    own_ground(conn)
    city = read_city(conn)
    if tolerance_m2 < 0:
        raise ParameterError("--overlap-tolerance-m2", f"square metres, 0 or more; not {tolerance_m2}")
    features = read_features(path, crs, mapping or {}, CELLS, layer=layer, encoding=encoding)
    areas = {str(area.code): area for area in read_areas(conn).live}
    retired = set(conn.execute(text("SELECT code FROM cells WHERE retired_at IS NOT NULL")).scalars())
    cells = _rows(features, city, areas, retired)
    features.refuse()
    stored = read_cells(conn)
    given, touched = {cell.code for cell in cells}, {cell.area_code for cell in cells}
    others = [cell for cell in stored if cell.code not in given]
    left = [cell for cell in others if replace_others and cell.area_code in touched]
    staying = [cell for cell in others if not (replace_others and cell.area_code in touched)]
    _judge(features, cells, staying, areas, tolerance_m2)
    features.refuse()
    summary = LoadSummary.of("cells", features)
    retire_cells(conn, [cell.code for cell in left])
    summary.retired = len(left)
    store_cells(conn, cells, summary, surveyed=True)
    summary.warnings += [
        f"{row.code}: its cells cover {row.covered:.2%} of it, {row.missing_m2:.0f} m2 are in no cell"
        for row in conn.execute(sql("areas_not_covered"), {"codes": sorted(touched), "share": COVERED_SHARE})
    ]
    finish_cells(conn, summary)
    return summary


def _rows(features: Features, city: City, areas: Mapping[str, Area], retired: set[str]) -> list[Cell]:
    columns = [features.column(name) for name in ("code", "area_code", "tier")]
    times = Counter(columns[0])
    cells = []
    for at, (code, area_code, tier) in enumerate(zip(*columns, strict=True)):
        parent = parent_by_prefix(code, areas) if code else None
        if code is None:
            features.reject(at, "it has no code")
        elif times[code] > 1:
            features.reject(at, f"the code {code} stands in the file more than once")
        elif code in retired:
            features.reject(at, f"the code {code} was retired; a code is never used again")
        elif tier is not None and tier not in TIERS:
            features.reject(at, f"the tier {tier!r} is none of {', '.join(TIERS)}")
        elif parent is None:
            features.reject(at, f"the code {code} begins with the code of no area; load areas first")
        elif reason := _wrong_place(city, code, parent, area_code):
            features.reject(at, reason)
        elif features.geometry is not None and features.geometry[at] is not None:
            cells.append(Cell(code, parent, tier, features.geometry[at], at))
    return cells


def _wrong_place(city: City, code: str, parent: str, area_code: str | None) -> str | None:
    if area_code is not None and not parent.startswith(area_code):
        return f"the code {code} belongs to {parent}, but its area_code says {area_code}"
    return wrong_form(city, code, CELL, parent)


def _judge(
    features: Features, cells: list[Cell], staying: list[Cell], areas: Mapping[str, Area], tolerance_m2: float
) -> None:
    """Reject rows that overlap another cell of the city to be, or leave their area."""
    shapes = shapes_of(cells)
    outside = outside_m2(shapes, shapes_of([areas[cell.area_code] for cell in cells]))
    for cell, m2 in zip(cells, outside, strict=True):
        if m2 > tolerance_m2:
            features.reject(cell.row or 0, f"{m2:.2f} m2 of it lie outside its area {cell.area_code}")
    everyone = [*cells, *staying]
    low, high, shared = overlaps(shapes_of(everyone), tolerance_m2, np.arange(len(cells)))
    for i, j, m2 in zip(low, high, shared, strict=True):
        first, second = everyone[i], everyone[j]
        where = f"{second.code} in row {second.row + 1}" if second.row is not None else f"{second.code}, loaded before,"
        features.reject(first.row or 0, f"it overlaps {where} by {m2:.2f} m2")


def store_cells(conn: Connection, cells: list[Cell], summary: LoadSummary, *, surveyed: bool) -> None:
    """Write cells that have been judged; what is the same stays untouched."""
    stage(
        conn,
        "incoming_cells",
        {
            "code": (TEXT, [cell.code for cell in cells]),
            "area_code": (TEXT, [cell.area_code for cell in cells]),
            "tier": (TEXT, [cell.tier for cell in cells]),
            "geom": (GEOMETRY, shapes_of(cells)),
        },
    )
    summary.merged(list(conn.execute(sql("merge_cells"), {"surveyed": surveyed}).scalars()))


def retire_cells(conn: Connection, codes: Iterable[str]) -> None:
    """Take cells out of use for good; their codes never come back."""
    codes = list(codes)
    if codes:
        conn.execute(text("UPDATE cells SET retired_at = now() WHERE code = ANY(:codes)"), {"codes": codes})


def finish_cells(conn: Connection, summary: LoadSummary) -> None:
    """After cells changed: place the reports anew and let everybody know."""
    if summary.changes:
        conn.execute(text("ANALYZE cells"))
        summary.reassigned = reassign(conn)
        bump_version(conn, "cells")
