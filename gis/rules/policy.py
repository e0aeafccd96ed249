"""Every number of the rule book, dated, each with unit, clause and mark (rule, found or default).

A rule receives a `Policy`; none imports a number. `POLICIES` is the history, newest last.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any


def _number(value: Any, unit: str, clause: str, mark: str, meaning: str) -> Any:
    return field(default=value, metadata={"unit": unit, "clause": clause, "mark": mark, "meaning": meaning})


@dataclass(frozen=True)
class Policy:
    """The numbers that hold from `effective` on."""

    effective: date
    coordinators_key_per_km2: int = _number(30, "persons/km2", "11", "rule", "coordinators a key area needs at least")
    coordinators_secondary_per_km2: int = _number(
        20, "persons/km2", "11", "rule", "coordinators a secondary area needs at least"
    )
    coordinators_general_per_km2: int = _number(
        10, "persons/km2", "11", "rule", "coordinators a general area needs at least"
    )
    segment_reach_m: float = _number(
        30.0, "m", "3", "default", "a report belongs to its nearest road segment within this distance"
    )
    segment_tie_m: float = _number(
        0.001, "m", "3", "default", "distances that differ by less are a tie; the lowest code wins"
    )
    cell_size_m: float = _number(100.0, "m", "1", "found", "side of a lattice cell, 10,000 m2")
    shared_position_reports: int = _number(
        100, "reports", "3", "default", "a coordinate with at least so many reports is suspicious"
    )
    shared_position_share: float = _number(
        0.001, "1", "3", "default", "and with at least this share of the reports that were looked at"
    )
    response_limit_s: int = _number(
        600, "s", "7", "rule", "each of the two steps of double ten, the last second included"
    )
    case_limit_work_days: int = _number(
        3, "work days", "8", "default", "how long a case may take whose category has no limit of its own"
    )
    office_hours: str = _number(
        "08:30-12:00,13:30-18:00", "local time", "8", "default", "when work hours run on a work day"
    )
    merge_reach_m: float = _number(
        50.0,
        "m",
        "8",
        "default",
        "a report of the same category and ten-day period within this distance is a duplicate",
    )

    def coordinators_per_km2(self, tier: str) -> int:
        """Coordinators per km2 that a tier needs (clause 11)."""
        return {
            "key": self.coordinators_key_per_km2,
            "secondary": self.coordinators_secondary_per_km2,
            "general": self.coordinators_general_per_km2,
        }[tier]


POLICIES = (Policy(effective=date(2015, 1, 1)),)


def policy_on(day: date) -> Policy:
    """The policy that holds on a day; the oldest one for days before all.

    Parameters
    ----------
    day
        In the city's time zone.
    """
    holding = [policy for policy in POLICIES if policy.effective <= day]
    return holding[-1] if holding else POLICIES[0]


def policy_numbers(policy: Policy) -> list[dict[str, Any]]:
    """Each number with name, value, unit, clause, mark and meaning, in the order of the class."""
    return [
        {"name": entry.name, "value": getattr(policy, entry.name), **entry.metadata}
        for entry in fields(policy)
        if entry.metadata
    ]
