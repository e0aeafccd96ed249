"""What a city consists of, for those who ask about it: areas, categories, sources."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.errors import ParameterError
from gis.ground import Ground
from gis.store.schema import categories, sources

DM2_PER_KM2 = 100_000_000


def list_categories(conn: Connection) -> list[dict[str, Any]]:
    """The category dictionary 事部件分类, ordered by standard, kind and code."""
    names = ("standard_ref", "kind", "code", "name", "name_en", "domain", "chaos")
    columns = [categories.c[name] for name in names]
    return [dict(zip(names, row, strict=True)) for row in conn.execute(select(*columns).order_by(*columns[:3]))]


def list_sources(conn: Connection) -> list[dict[str, Any]]:
    """Who reports: name and kind."""
    rows = conn.execute(select(sources.c.name, sources.c.kind).order_by(sources.c.name))
    return [{"name": name, "kind": kind} for name, kind in rows]


def list_areas(ground: Ground, level: str | None = None) -> tuple[NDArray[np.int32], list[dict[str, Any]]]:
    """Areas in code order, with the cells that lie in them.

    Parameters
    ----------
    level
        district, street or community; None: all that the city has.

    Returns
    -------
    tuple
        Database ids, and rows: code, level, name, name_en, parent_code, area_km2 (of the area itself), cells and
        cells_km2 (responsible area: the sum over its cells), both geodesic km2.

    Raises
    ------
    ParameterError
        The city has no such level.
    """
    levels = ground.city.area_levels
    if level is not None and level not in levels:
        msg = f"{ground.city.name_en} has the levels {', '.join(levels)}, not {level!r}"
        raise ParameterError("level", msg)
    sums: dict[int, tuple[int, int]] = {}
    for one in levels:
        listed, position = ground.cells_by_area(one)
        held = position >= 0
        cells = np.bincount(position[held], minlength=len(listed))
        # Sums of whole numbers below 2**53 are exact in float64.
        dm2 = np.bincount(position[held], ground.cell_dm2[held], len(listed)).astype(np.int64)
        sums |= {area.id: (int(cells[at]), int(dm2[at])) for at, area in enumerate(listed)}
    chosen = [area for area in ground.areas.values() if level in (None, area.level)]
    rows = [
        {
            "code": area.code,
            "level": area.level,
            "name": area.name,
            "name_en": area.name_en,
            "parent_code": None if area.parent_id is None else ground.areas[area.parent_id].code,
            "area_km2": area.area_km2,
            "cells": sums.get(area.id, (0, 0))[0],
            "cells_km2": sums.get(area.id, (0, 0))[1] / DM2_PER_KM2,
        }
        for area in chosen
    ]
    return np.array([area.id for area in chosen], np.int32), rows
