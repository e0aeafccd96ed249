"""Areas: districts 区, street offices 街道办, communities 社区."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Connection, text

from gis.area_codes import Area, settle
from gis.city import City, read_city
from gis.errors import FileError, ParameterError, RowProblem, RowsRefused
from gis.geometry.overlay import outside_m2, overlaps
from gis.loading import GEOMETRY, TEXT, LoadSummary, reject_elsewhere, shapes_of, stage
from gis.readers import Features, Layout, read_features
from gis.road_areas import place_segments
from gis.store.database import bump_version, own_ground, sql

AREAS = Layout("areas", ("name",), ("code", "level", "name_en", "parent_code"), "polygon")

# A hundredth of a 10,000 m2 cell: no cell's area, and so no density, can be wrong by more than 1 % through an overlap.
AREA_TOLERANCE_M2 = 100.0
# Below this, two borders are one border written with rounded coordinates (a centimetre along a hundred metres).
SILENT_M2 = 1.0


@dataclass(frozen=True)
class StoredAreas:
    """What the city holds: live areas, and the codes of retired ones."""

    live: list[Area]
    retired: list[str]

    def by_code(self) -> dict[str, Area]:
        """Live areas by their code."""
        return {str(area.code): area for area in self.live}


def read_areas(conn: Connection) -> StoredAreas:
    """Every area of the city with its geometry."""
    rows = conn.execute(sql("areas_with_geometry")).all()
    geometry = shapely.from_wkb(np.array([bytes(row.geom) for row in rows], dtype=object)) if rows else []
    live = [
        Area(row.level, row.code, row.name, row.name_en, row.parent_code, shape)
        for row, shape in zip(rows, geometry, strict=True)
    ]
    retired = conn.execute(text("SELECT code FROM areas WHERE retired_at IS NOT NULL ORDER BY code")).scalars()
    return StoredAreas(live, list(retired))


def load_areas(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    level: str | None = None,
    tolerance_m2: float = AREA_TOLERANCE_M2,
    replace_others: bool = False,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load districts, street offices and communities; see `gis.area_codes` for parents and codes.

    The file is judged as a whole against what the city will be afterwards: areas of one level must not overlap, and
    an area must lie in its parent, by `tolerance_m2` at most. What is between 1 m2 and the tolerance becomes a warning.

    Parameters
    ----------
    level
        Of every row, where the file has no column `level`.
    tolerance_m2
        Square metres, geodesic.
    replace_others
        Areas of the levels in the file that the file lacks are retired.

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
    features = read_features(path, crs, mapping or {}, AREAS, layer=layer, encoding=encoding)
    stored = read_areas(conn)
    rows = _rows(features, city, level)
    reject_elsewhere(features, city)
    settled = settle(city, rows, stored.live, stored.retired, features.reject)
    features.refuse()
    left = _retired(stored, settled) if replace_others else []
    summary = LoadSummary.of("areas", features)
    summary.warnings += _judge(features, stored, settled, left, tolerance_m2)
    features.refuse()
    _refuse_cells_of(conn, features, left)
    summary.warnings += _moved_cells(conn, stored, settled)
    _store(conn, city, settled, left, summary)
    if summary.changes:
        moved = place_segments(conn)
        bump_version(conn, "areas", *(["roads"] if moved else []))
    return summary


def _rows(features: Features, city: City, level: str | None) -> list[Area]:
    """Rows as areas; those with a wrong level or no name are rejected."""
    if level is not None and level not in city.area_levels:
        raise ParameterError("--level", f"{city.name_en} has {', '.join(city.area_levels)}; not {level!r}")
    if level is None and "level" not in features.columns:
        if len(city.area_levels) != 1:
            msg = f"{features.path.name} has no column level: say --level, one of {', '.join(city.area_levels)}"
            raise FileError(msg)
        level = city.area_levels[0]
    rows = []
    fields = [features.column(name) for name in ("level", "code", "name", "name_en", "parent_code")]
    for at, (own, code, name, name_en, parent_code) in enumerate(zip(*fields, strict=True)):
        chosen = own or level
        if chosen not in city.area_levels:
            features.reject(at, f"the level {chosen!r} is none of {city.name_en}'s: {', '.join(city.area_levels)}")
        elif level is not None and chosen != level:
            features.reject(at, f"its level is {chosen}, but --level says {level}")
        elif not name:
            features.reject(at, "it has no name")
        elif features.geometry is not None and features.geometry[at] is not None:
            rows.append(Area(chosen, code, name, name_en, parent_code or "", features.geometry[at], at))
    return rows


def _retired(stored: StoredAreas, settled: list[Area]) -> list[Area]:
    levels = {area.level for area in settled}
    kept = {area.code for area in settled}
    return [area for area in stored.live if area.level in levels and area.code not in kept]


def _judge(
    features: Features, stored: StoredAreas, settled: list[Area], left: list[Area], tolerance_m2: float
) -> list[str]:
    """Reject rows that overlap or leave their parent in the city to be; what is tolerated comes back as warnings."""
    after = stored.by_code() | {str(area.code): area for area in settled}
    for area in left:
        del after[str(area.code)]
    areas = [after[code] for code in sorted(after)]
    warnings = []
    for level in {area.level for area in settled}:
        same = [area for area in areas if area.level == level]
        low, high, shared = overlaps(shapes_of(same), SILENT_M2)
        for i, j, m2 in zip(low, high, shared, strict=True):
            first, second = same[i], same[j]
            if first.row is None and second.row is None:
                continue
            if m2 <= tolerance_m2:
                warnings.append(f"{_named(first)} and {_named(second)} overlap by {m2:.2f} m2 (tolerated)")
            else:
                at, other = (first, second) if first.row is not None else (second, first)
                features.reject(at.row or 0, f"{_named(at)} overlaps {_named(other)} by {m2:.2f} m2")
    children = [area for area in areas if area.parent_code]
    orphans = [area for area in children if area.parent_code not in after]
    for area in orphans:
        _blame(
            features, area, None, f"{_named(area)} would lose its parent {area.parent_code}, which --replace retires"
        )
    children = [area for area in children if area.parent_code in after]
    parents = [after[str(area.parent_code)] for area in children]
    touched = [at for at, child in enumerate(children) if child.row is not None or parents[at].row is not None]
    children, parents = [children[at] for at in touched], [parents[at] for at in touched]
    for child, parent, m2 in zip(children, parents, outside_m2(shapes_of(children), shapes_of(parents)), strict=True):
        reason = f"{m2:.2f} m2 of {_named(child)} lie outside its parent {_named(parent)}"
        if m2 > tolerance_m2:
            _blame(features, child, parent, reason)
        elif m2 > SILENT_M2:
            warnings.append(f"{reason} (tolerated)")
    return warnings


def _blame(features: Features, child: Area, parent: Area | None, reason: str) -> None:
    row = child.row if child.row is not None else parent.row if parent is not None else None
    if row is None:
        raise RowsRefused(f"areas from {features.path.name}", [RowProblem(0, reason, child.code)])
    features.reject(row, reason)


def _named(area: Area) -> str:
    row = f" in row {area.row + 1}" if area.row is not None else ""
    return f"{area.code} {area.name}{row}"


def _refuse_cells_of(conn: Connection, features: Features, left: list[Area]) -> None:
    """Refuse to retire areas that have cells in use."""
    held = conn.execute(sql("areas_with_cells"), {"codes": [area.code for area in left]}).scalars().all()
    if held:
        problems = [RowProblem(0, "--replace would retire it, but it has cells in use", code) for code in held]
        raise RowsRefused(f"areas from {features.path.name}", problems)


def _moved_cells(conn: Connection, stored: StoredAreas, settled: list[Area]) -> list[str]:
    """Warn of areas that get another border while cells that were made for the old one are in use."""
    before = stored.by_code()
    moved = [
        str(area.code)
        for area in settled
        if area.code in before
        and shapely.to_wkb(before[area.code].geometry, byte_order=1) != shapely.to_wkb(area.geometry, byte_order=1)
    ]
    with_cells: Iterable[str] = conn.execute(sql("areas_with_cells"), {"codes": moved}).scalars() if moved else ()
    return [
        f"{code} has another border now, but its cells follow the old one: load them again or cut a new lattice"
        for code in with_cells
    ]


def _store(conn: Connection, city: City, settled: list[Area], left: list[Area], summary: LoadSummary) -> None:
    settled = [replace(area, name_en=area.name_en or None) for area in settled]
    columns = {
        name: [getattr(area, name) for area in settled] for name in ("level", "code", "name", "name_en", "parent_code")
    }
    stage(
        conn,
        "incoming_areas",
        {**{name: (TEXT, values) for name, values in columns.items()}, "geom": (GEOMETRY, shapes_of(settled))},
    )
    touched: list[bool] = []
    for level in city.area_levels:
        touched += conn.execute(sql("merge_areas"), {"level": level}).scalars()
    summary.merged(touched)
    if left:
        codes = [area.code for area in left]
        conn.execute(text("UPDATE areas SET retired_at = now() WHERE code = ANY(:codes)"), {"codes": codes})
        summary.retired = len(codes)
