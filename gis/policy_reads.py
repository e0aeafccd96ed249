"""What the policy of a day says, and how policies differ, as rows for people and programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Connection

from gis.policies import as_json, city_overrides
from gis.policy_files import newest_load
from gis.rules.policy import Policy, policy_numbers, policy_on
from gis.rules.policy_overrides import Difference, differences, origins, policies_with

COLUMNS = ("name", "value", "unit", "clause", "mark", "meaning", "overridden", "rule_book", "since", "reason")
DIFFERENCE_COLUMNS = ("name", "from", "to", "before", "after", "unit", "clause")


@dataclass(frozen=True)
class PolicyOfDay:
    """The numbers that hold in this city on a day.

    Parameters
    ----------
    effective
        From which day on these very numbers hold.
    load
        The policy file behind the overrides: number, loaded_at, loaded_by, file_name, sha256; None: none was loaded.
    rows
        With COLUMNS, in the order of the rule book: `rule_book` is what the rule book itself says on that day; `since`
        and `reason` are those of the override, null where there is none.
    """

    on: date
    effective: date
    load: dict[str, Any] | None
    rows: list[dict[str, Any]]

    def head(self) -> dict[str, Any]:
        """What an answer says besides its rows."""
        return {"on": self.on, "effective": self.effective, "overrides": self.load}


def policy_of_day(conn: Connection, day: date) -> PolicyOfDay:
    """All numbers of a day, with where each comes from."""
    held = city_overrides(conn)
    policy = policy_on(day, policies_with(held))
    book, own = policy_on(day), origins(held, day)
    rows = []
    for number in policy_numbers(policy):
        name, source = number["name"], own.get(number["name"])
        row = number | {
            "value": as_json(number["value"]),
            "overridden": source is not None,
            "rule_book": as_json(getattr(book, name)),
            "since": source and source.effective,
            "reason": source and source.reason,
        }
        rows.append({column: row[column] for column in COLUMNS})
    return PolicyOfDay(day, policy.effective, newest_load(conn), rows)


def days_differ(conn: Connection, before: date, after: date) -> list[dict[str, Any]]:
    """Numbers that differ between two days of this city, as rows with DIFFERENCE_COLUMNS."""
    policies = policies_with(city_overrides(conn))
    old, new = (policy_numbers(policy_on(day, policies)) for day in (before, after))
    return [
        _row(Difference(one["name"], before, after, one["value"], other["value"]))
        for one, other in zip(old, new, strict=True)
        if one["value"] != other["value"]
    ]


def policies_differ(before: Sequence[Policy], after: Sequence[Policy]) -> list[dict[str, Any]]:
    """Where two histories of policies give other numbers, as rows with DIFFERENCE_COLUMNS; `to` null: for good."""
    return [_row(one) for one in differences(before, after)]


def _row(one: Difference) -> dict[str, Any]:
    about = Policy.__dataclass_fields__[one.name].metadata
    return {
        "name": one.name,
        "from": one.from_day,
        "to": one.to_day,
        "before": as_json(one.before),
        "after": as_json(one.after),
        "unit": about["unit"],
        "clause": about["clause"],
    }
