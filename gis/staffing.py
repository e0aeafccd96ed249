"""Staffing 协管员配备: how many coordinators each street needs by the 30 / 20 / 10 rule, and has (clause 11)."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from gis.city import City, read_city
from gis.errors import ParameterError
from gis.policies import city_policy
from gis.rules.policy import Policy
from gis.rules.staffing import demand
from gis.store.database import sql

LEVELS = ("street", "district")
NO_CELLS = "no cells: without responsible area the rule says nothing about how many are needed"
COLUMNS = ("code", "name", "tier", "area_km2", "required", "on_post", "gap")


@dataclass(frozen=True)
class StaffingRow:
    """One tier of a street, or of a district as the sum of its streets.

    Parameters
    ----------
    id
        Database id of the area.
    tier
        key, secondary or general; None where the area has neither cells nor people.
    area_km2
        Geodesic area of the cells of this tier, exact.
    required
        Persons; None where there are no cells, so that nothing can be said.
    on_post
        Persons.
    cells
        How many cells.
    cell_codes
        Which ones: codes, or first-last for all live cells of the street between the two; empty for a district.
    streets
        Codes of the streets that a district's row adds up.
    worked_out
        The rule applied to this row, as a sentence.
    """

    id: int
    code: str
    name: str
    tier: str | None
    area_km2: Decimal
    required: int | None
    on_post: int
    worked_out: str
    cells: int
    cell_codes: tuple[str, ...] = ()
    streets: tuple[str, ...] = ()

    @property
    def gap(self) -> int | None:
        """On post minus required; negative: persons missing."""
        return None if self.required is None else self.on_post - self.required

    def as_dict(self) -> dict[str, Any]:
        """The row's columns."""
        return {name: getattr(self, name) for name in COLUMNS}

    def explanation(self) -> dict[str, Any]:
        """Which cells, which area, which rule."""
        of = {"streets": self.streets} if self.streets else {"cell_codes": self.cell_codes}
        return {"worked_out": self.worked_out, "cells": self.cells, **of}


@dataclass(frozen=True)
class Staffing:
    """The rows of a level in code order, key before secondary before general.

    Parameters
    ----------
    on
        Day of the city on which people are counted.
    policy
        Whose numbers were used.
    """

    level: str
    on: date
    policy: Policy
    rows: list[StaffingRow] = field(default_factory=list)

    def total(self) -> dict[str, int]:
        """The whole city: persons required, on post, and the gap between the two."""
        required = sum(row.required or 0 for row in self.rows)
        on_post = sum(row.on_post for row in self.rows)
        return {"required": required, "on_post": on_post, "gap": on_post - required}

    def rule(self) -> dict[str, Any]:
        """The rule with its numbers, dated."""
        policy = self.policy
        return {
            "clause": "11",
            "effective": policy.effective,
            "per_km2": {tier: policy.coordinators_per_km2(tier) for tier in ("key", "secondary", "general")},
            "text": "per street and tier: area of its cells x persons/km2, rounded up after summing the cells; "
            "a district is the sum of its streets",
        }

    def by_area(self) -> list[dict[str, Any]]:
        """One entry per area, its tiers inside; for maps, where an area is drawn once."""
        areas: dict[int, dict[str, Any]] = {}
        for row in self.rows:
            area = areas.setdefault(
                row.id,
                {
                    "id": row.id,
                    "code": row.code,
                    "name": row.name,
                    "area_km2": Decimal(0),
                    "required": None,
                    "on_post": 0,
                    "gap": None,
                    "tiers": [],
                },
            )
            area["area_km2"] += row.area_km2
            area["on_post"] += row.on_post
            if row.required is not None:
                area["required"] = (area["required"] or 0) + row.required
            if row.tier is not None:
                area["tiers"].append({name: getattr(row, name) for name in COLUMNS[2:]})
        for area in areas.values():
            if area["required"] is not None:
                area["gap"] = area["on_post"] - area["required"]
        return list(areas.values())


def staffing(conn: Connection, level: str | None = None, on: date | None = None) -> Staffing:
    """Demand and supply of coordinators.

    Parameters
    ----------
    level
        street or district; None: the lowest of the two that the city has.
    on
        Day of the city; None: today in its time zone. Whoever is on post that day counts, first day included, last
        day excluded.

    Raises
    ------
    ParameterError
        The city has no such level.
    """
    city = read_city(conn)
    level = _checked(city, level)
    on = on or datetime.now(city.zone).date()
    policy = city_policy(conn, on)
    facts = conn.execute(sql("staffing_facts"), {"day": on}).all()
    if "street" in city.area_levels:
        # A district has streets, so it stands for itself only where cells or people belong to it directly.
        facts = [fact for fact in facts if fact.level != "district" or fact.tier is not None]
    streets = [(fact, _street_row(fact, policy)) for fact in facts]
    if level == "street":
        return Staffing(level, on, policy, [row for _, row in streets])
    return Staffing(level, on, policy, _district_rows(conn, streets))


def _checked(city: City, level: str | None) -> str:
    present = [one for one in LEVELS if one in city.area_levels]
    if level is None and present:
        return present[0]
    if level in present:
        return str(level)
    have = " and ".join(present) or "none of these"
    msg = f"staffing is counted by {' or '.join(LEVELS)}; {city.name_en} has {have}, not {level!r}"
    raise ParameterError("level", msg)


def _street_row(fact: Row[Any], policy: Policy) -> StaffingRow:
    codes = tuple(fact.cell_codes)
    if not fact.cells:
        text = NO_CELLS + (f"; {fact.on_post} on post" if fact.on_post else "")
        return StaffingRow(fact.id, fact.code, fact.name, fact.tier, Decimal(0), None, fact.on_post, text, 0)
    needed = demand(fact.tier, fact.area_km2, fact.on_post, policy)
    return StaffingRow(
        fact.id,
        fact.code,
        fact.name,
        fact.tier,
        fact.area_km2,
        needed.required,
        fact.on_post,
        f"{fact.cells} {fact.tier} cells: {needed.explanation}",
        fact.cells,
        codes,
    )


def _district_rows(conn: Connection, streets: list[tuple[Row[Any], StaffingRow]]) -> list[StaffingRow]:
    """Sum streets by district and tier; what has a tier hides the row without."""
    districts = {row.id: row for row in conn.execute(sql("ground_areas")) if row.level == "district"}
    members: dict[int, dict[str | None, list[StaffingRow]]] = defaultdict(lambda: defaultdict(list))
    for fact, row in streets:
        if fact.district_id in districts:
            members[fact.district_id][row.tier].append(row)
    answer = []
    for district_id, district in districts.items():
        tiers = members[district_id]
        if set(tiers) != {None}:
            tiers.pop(None, None)
        order = sorted(tiers, key=lambda one: ("key", "secondary", "general", None).index(one))
        answer += [_summed(district, tier, tiers[tier]) for tier in order]
    return answer


def _summed(district: Row[Any], tier: str | None, rows: list[StaffingRow]) -> StaffingRow:
    known = [row for row in rows if row.required is not None]
    on_post = sum(row.on_post for row in rows)
    required = sum(row.required or 0 for row in known) if known else None
    if len(rows) == 1 and rows[0].id == district.id:
        return rows[0]
    terms = " + ".join(str(row.required) for row in known)
    text = f"{len(known)} streets: {terms} = {required}; {on_post} on post, gap {on_post - (required or 0):+d}"
    return StaffingRow(
        district.id,
        district.code,
        district.name,
        tier,
        sum((row.area_km2 for row in rows), Decimal(0)),
        required,
        on_post,
        text if known else NO_CELLS,
        sum(row.cells for row in rows),
        streets=tuple(row.code for row in rows),
    )
