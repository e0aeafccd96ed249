"""Tiers 分级区域: key 重点, secondary 双重, general 一般."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import Connection, text

from gis.city import read_city
from gis.errors import FileError
from gis.loading import GEOMETRY, TEXT, LoadSummary, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema import TIERS

TIER_FILES = Layout("tiers", ("tier",), ("cell_code",), "polygon", needs_geometry=False)


def load_tiers(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load tiers, by cell or as polygons.

    With a column `cell_code`, the named cells get their tier and the others keep theirs. Without one, polygons say the
    tier of every cell: the one that covers its point on surface (ST_PointOnSurface), the highest where several do, and
    general where none does. The summary counts cells.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    own_ground(conn)
    read_city(conn)
    features = read_features(path, crs, mapping or {}, TIER_FILES, layer=layer, encoding=encoding)
    for at, tier in enumerate(features.column("tier")):
        if tier not in TIERS:
            features.reject(at, f"the tier {tier!r} is none of {', '.join(TIERS)}")
    cells = set(conn.execute(text("SELECT code FROM cells WHERE retired_at IS NULL")).scalars())
    summary = LoadSummary.of("tiers", features)
    summary.counted = "cells"
    if "cell_code" in features.columns:
        changed, considered = _by_cell(conn, features, cells), features.rows
    elif features.geometry is not None:
        changed, considered = _by_polygon(conn, features), len(cells)
    else:
        msg = f"{path.name} has neither a column cell_code nor polygons: a tier belongs to one of them"
        raise FileError(msg)
    summary.changed, summary.unchanged = changed, considered - changed
    if not cells:
        summary.warnings.append("there are no cells yet, so no tier was set: load cells or make the grid first")
    if summary.changes:
        bump_version(conn, "cells")
    return summary


def _by_cell(conn: Connection, features: Features, cells: set[str]) -> int:
    codes = features.column("cell_code")
    times = Counter(codes)
    for at, code in enumerate(codes):
        if code not in cells:
            features.reject(at, f"the cell {code} is not known" if code else "it names no cell")
        elif times[code] > 1:
            features.reject(at, f"the cell {code} stands in the file more than once")
    features.refuse()
    stage(conn, "incoming_tiers", {"code": (TEXT, codes), "tier": (TEXT, features.column("tier"))})
    return conn.execute(sql("set_tiers_by_cell")).rowcount


def _by_polygon(conn: Connection, features: Features) -> int:
    features.refuse()
    stage(conn, "incoming_tiers", {"tier": (TEXT, features.column("tier")), "geom": (GEOMETRY, features.geometry)})
    return conn.execute(sql("set_tiers_by_polygon"), {"tiers": list(TIERS)}).rowcount
