"""Breakdowns 分组统计: by what questions about cases are answered: places, departments, categories, persons, hours."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select

from gis.errors import ParameterError
from gis.ground import Ground
from gis.store.schema import categories, persons
from gis.store.schema_cases import departments

CITY_KEY = 0
HOURS = range(24)
TARGETS = {"cell": "cells", "district": "areas", "street": "areas", "community": "areas"}
"""Level -> table that has the geometry of its rows."""


@dataclass(frozen=True)
class Member:
    """One row of a level.

    Parameters
    ----------
    key
        Database id; 0 for the city, 0 to 23 for hours.
    """

    key: int
    code: str
    name: str


def level_of(ground: Ground, level: str, others: tuple[str, ...]) -> str:
    """A level that a question can be asked for.

    Parameters
    ----------
    others
        The levels besides the places that the city has.

    Raises
    ------
    ParameterError
        There is no such level; says which there are.
    """
    places = ("city", *ground.city.area_levels, "cell")
    if level in places or level in others:
        return level
    raise ParameterError("level", f"there are {', '.join((*places, *others))}, not {level[:40]!r}")


def members(conn: Connection, ground: Ground, level: str, counted: Mapping[int | None, Any]) -> list[Member]:
    """The rows of a level in code order.

    Parameters
    ----------
    counted
        Keys with anything to show. Cells, persons and categories without are left out, as most have none; areas,
        departments and hours are all there.
    """
    if level == "city":
        return [Member(CITY_KEY, ground.city.code, ground.city.name)]
    if level == "hour":
        return [Member(hour, f"{hour:02d}", f"{hour:02d}:00-{hour + 1:02d}:00") for hour in HOURS]
    if level == "cell":
        ranks = sorted(int(ground.rank_of_cell[key]) for key in counted if key is not None)
        return [
            Member(int(ground.cell_ids[rank]), ground.cell_codes[rank], ground.cell_area_names[rank]) for rank in ranks
        ]
    if level in ground.city.area_levels:
        return [Member(area.id, area.code, area.name) for area in ground.areas.values() if area.level == level]
    return _listed(conn, level, [key for key in counted if key is not None])


def _listed(conn: Connection, level: str, keys: list[int]) -> list[Member]:
    if level == "department":
        rows = conn.execute(select(departments.c.id, departments.c.code, departments.c.name))
        return sorted((Member(*row) for row in rows), key=lambda one: one.code)
    if level == "person":
        rows = conn.execute(select(persons.c.id, persons.c.ref, persons.c.name).where(persons.c.id.in_(keys)))
        return sorted((Member(*row) for row in rows), key=lambda one: one.code)
    named = select(categories.c.id, categories.c.kind + ":" + categories.c.code, categories.c.name)
    listed = conn.execute(named.where(categories.c.id.in_(keys)))
    return sorted((Member(*row) for row in listed), key=lambda one: (one.code, one.key))


def department_id(conn: Connection, code: str) -> int:
    """Database id of a department.

    Raises
    ------
    ParameterError
        There is none of this code; names some.
    """
    found = conn.execute(select(departments.c.id).where(departments.c.code == code)).scalar()
    if found is None:
        known = list(conn.execute(select(departments.c.code).order_by(departments.c.code).limit(20)).scalars())
        there = f"there are {', '.join(known)}" if known else "none is loaded yet"
        raise ParameterError("department", f"there is no department {code[:60]!r}; {there}")
    return int(found)


def areas_within(ground: Ground, code: str) -> list[int]:
    """Database ids of a street (or another area) and of all areas in it.

    Raises
    ------
    ParameterError
        The city has no such area.
    """
    top = next((area for area in ground.areas.values() if area.code == code), None)
    if top is None:
        raise ParameterError("street", f"there is no area {code[:60]!r}; GET /areas lists them")
    return [area_id for area_id in ground.areas if any(one.id == top.id for one in ground.ancestors(area_id))]


def four_chaoses(conn: Connection) -> frozenset[int]:
    """Database ids of the categories that belong to the four chaoses 四乱."""
    return frozenset(conn.execute(select(categories.c.id).where(categories.c.chaos.is_not(None))).scalars())
