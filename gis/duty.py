"""Duty 值守: who answers for each place at an instant, when nobody did, and when it changed hands (clause 1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from gis.city import City
from gis.errors import ParameterError
from gis.store.database import sql
from gis.store.schema import areas

CELL = "cell"
HOLDER_COLUMNS = ("level", "code", "name", "ref", "person", "phone", "since", "until")
VACANCY_COLUMNS = ("level", "code", "name", "vacant_from", "vacant_to", "hours", "whole", "left_by", "taken_by")
CHANGE_COLUMNS = (
    *("level", "code", "name", "kind", "from_ref", "from_person", "left_at", "to_ref", "to_person", "taken_at"),
    *("gap_s", "actor", "reason"),
)
PERSON_COLUMNS = ("ref", "person", "phone", "cells", "cells_km2", "areas")
Row = dict[str, Any]


@dataclass(frozen=True)
class Places:
    """Which places are asked about.

    Parameters
    ----------
    level
        cell, or a level of areas that the city has; None: all of these.
    within
        Code of an area: only what lies in it, itself included; None: the whole city.
    """

    level: str | None = None
    within: str | None = None


def holders_at(conn: Connection, city: City, places: Places, at: datetime) -> list[Row]:
    """Each live place with who answers for it at an instant; `ref` is None where nobody does.

    Returns
    -------
    list of dict
        HOLDER_COLUMNS, and `id` of the cell or area.

    Raises
    ------
    ParameterError
        The city has no such level, or no such area.
    """
    binds = {**_binds(conn, city, places), "at": at}
    return _rows(conn, "duty_at", binds)


def vacancies(conn: Connection, city: City, places: Places, from_at: datetime, to_at: datetime) -> list[Row]:
    """Every time within a window in which nobody answered for a live place.

    Returns
    -------
    list of dict
        VACANCY_COLUMNS, and `id` of the cell or area; a place with two gaps has two rows.

    Raises
    ------
    ParameterError
        The city has no such level, or no such area.
    """
    binds = {**_binds(conn, city, places), "from_at": from_at, "to_at": to_at}
    rows = _rows(conn, "duty_vacancies", binds)
    for row in rows:
        row["hours"] = (row["vacant_to"] - row["vacant_from"]).total_seconds() / 3600
    return rows


def changes(conn: Connection, city: City, places: Places, from_at: datetime, to_at: datetime) -> list[Row]:
    """Every change of hands of which one side lies in a window.

    `kind` says how: `handover` without a gap, `gap` with nobody in between, `begun` with nobody before, `ended` with
    nobody after. The same person going on without a gap is no change.

    Returns
    -------
    list of dict
        CHANGE_COLUMNS, and `id` of the cell or area, in the order in which somebody left.

    Raises
    ------
    ParameterError
        The city has no such level, or no such area.
    """
    binds = {**_binds(conn, city, places), "from_at": from_at, "to_at": to_at}
    return _rows(conn, "duty_changes", binds)


def persons(conn: Connection, city: City, within: str | None, at: datetime, more_than: int = 0) -> list[Row]:
    """Who answers for how many cells and km2 at an instant, and heads which areas; most cells first.

    Parameters
    ----------
    more_than
        Only those with more cells than this; with 0 also those who head areas and hold no cell.

    Raises
    ------
    ParameterError
        The city has no such area.
    """
    binds = {"place": _binds(conn, city, Places(None, within))["place"], "at": at}
    return [row for row in _rows(conn, "duty_persons", binds) if not more_than or row["cells"] > more_than]


def _rows(conn: Connection, question: str, binds: Mapping[str, Any]) -> list[Row]:
    return [dict(row) for row in conn.execute(sql(question), binds).mappings()]


def _binds(conn: Connection, city: City, places: Places) -> Row:
    levels = (*city.area_levels, CELL)
    if places.level is not None and places.level not in levels:
        msg = f"{city.name_en} has the levels {', '.join(levels)}, not {places.level[:40]!r}"
        raise ParameterError("level", msg)
    if places.within is not None:
        level = conn.execute(
            select(areas.c.level).where(areas.c.code == places.within, areas.c.retired_at.is_(None))
        ).scalar()
        if level is None:
            msg = f"there is no street or other area {places.within[:40]!r}; GET /areas lists all"
            raise ParameterError("street", msg)
        if places.level is not None and levels.index(places.level) < levels.index(level):
            msg = f"a {places.level} does not lie in a {level}: leave one of the two out"
            raise ParameterError("level", msg)
    return {"level": places.level, "place": places.within}
