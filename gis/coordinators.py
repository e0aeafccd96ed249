"""Coordinators 协管员: who stands where, in which tier, and since when."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import shapely
from sqlalchemy import Connection, text

from gis.city import City, read_city
from gis.loading import DATE, GEOMETRY, INTEGER, TEXT, LoadSummary, spans, stage
from gis.readers import Features, Layout, read_features
from gis.store.database import bump_version, own_ground, sql
from gis.store.schema import TIERS

COORDINATORS = Layout(
    "coordinators",
    ("ref", "name"),
    ("street_code", "tier", "on_post_from", "on_post_to"),
    "point",
    needs_geometry=False,
)
# Staff is counted by street; where a city passes streets over, by what it has instead.
POST_LEVELS = ("street", "district", "community")


def load_coordinators(
    conn: Connection,
    path: Path,
    crs: str | None = None,
    mapping: Mapping[str, str] | None = None,
    *,
    layer: str | None = None,
    encoding: str | None = None,
) -> LoadSummary:
    """Load coordinators; those that the file lacks stay (give them an on_post_to when they leave).

    A post is an area and a tier, as the file says in `street_code` and `tier`. What it does not say is taken from the
    coordinator's position, a point or lon and lat: the tier of the cell it lies in (the lowest code among the cells
    that ST_Covers it) and that cell's street. `on_post_from` is the first day on post, `on_post_to` the first day no
    longer; empty is open.

    Raises
    ------
    FileError, CrsError, ParameterError
        The file, or what was said about it, is wrong as a whole.
    RowsRefused
        Naming every row that cannot go in; nothing was changed.
    """
    own_ground(conn)
    city = read_city(conn)
    features = read_features(path, crs, mapping or {}, COORDINATORS, layer=layer, encoding=encoding)
    areas = {
        row.code: row.level for row in conn.execute(text("SELECT code, level FROM areas WHERE retired_at IS NULL"))
    }
    area_codes, tiers = _posts(conn, features, areas)
    columns = _judge(features, city)
    features.refuse()
    stage(
        conn,
        "incoming_coordinators",
        {
            "ref": (TEXT, features.column("ref")),
            "name": (TEXT, features.column("name")),
            "area_code": (TEXT, area_codes),
            "tier": (TEXT, tiers),
            "first": (DATE, columns[0]),
            "stop": (DATE, columns[1]),
        },
    )
    summary = LoadSummary.of("coordinators", features)
    summary.merged(list(conn.execute(sql("merge_coordinators")).scalars()))
    if summary.changes:
        bump_version(conn, "coordinators")
    return summary


def _judge(features: Features, city: City) -> tuple[list[int | None], list[int | None]]:
    """First day on post and first day no longer, as days since 1970."""
    refs, names = features.column("ref"), features.column("name")
    times = Counter(refs)
    for at, (ref, name) in enumerate(zip(refs, names, strict=True)):
        if not ref or not name:
            features.reject(at, "it has no ref" if not ref else "it has no name")
        elif times[ref] > 1:
            features.reject(at, f"the ref {ref} stands in the file more than once; a coordinator has one post")
    first, stop = spans(features, "on_post_from", "on_post_to", city)
    return first.days, stop.days


def _posts(conn: Connection, features: Features, areas: Mapping[str, str]) -> tuple[list[str | None], list[str | None]]:
    """Area and tier of every row; rows without are rejected."""
    area_codes, tiers = list(features.column("street_code")), list(features.column("tier"))
    located = _located(conn, features)
    for at in range(features.rows):
        code, tier = area_codes[at], tiers[at]
        if code is not None and code not in areas:
            features.reject(at, f"the street {code} is not known; load areas first")
        elif tier is not None and tier not in TIERS:
            features.reject(at, f"the tier {tier!r} is none of {', '.join(TIERS)}")
        elif code is None or tier is None:
            cell = located.get(at)
            if cell is None:
                missing = " and no ".join(name for name, value in (("street_code", code), ("tier", tier)) if not value)
                placed = features.geometry is not None and features.geometry[at] is not None
                where = "its position lies in no cell" if placed else "it has no position either"
                features.reject(at, f"it has no {missing}, and {where}")
            else:
                area_codes[at] = code or _post_area(cell[0], areas)
                tiers[at] = tier or cell[1]
    return area_codes, tiers


def _located(conn: Connection, features: Features) -> dict[int, tuple[str, str]]:
    """Code and tier of the cell that each row's position lies in, by row."""
    if features.geometry is None:
        return {}
    rows = np.flatnonzero(~shapely.is_missing(features.geometry))
    stage(conn, "incoming_points", {"row": (INTEGER, rows.tolist()), "geom": (GEOMETRY, features.geometry[rows])})
    return {row.row: (row.code, row.tier) for row in conn.execute(sql("cells_of_points"))}


def _post_area(cell_code: str, areas: Mapping[str, str]) -> str | None:
    """The street that holds a cell, or what the city has instead."""
    holders = {level: code for code, level in areas.items() if cell_code.startswith(code)}
    return next((holders[level] for level in POST_LEVELS if level in holders), None)
