"""What a city overrides of the policy, laid on top of the rule book, and how two policies differ.

An override holds from its day on, on top of the earlier ones and of whatever the rule book itself says by then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from typing import Any

from gis.rules import policy as rule_book
from gis.rules.policy import Policy, policy_on

UNDATED = ("segment_reach_m", "segment_tie_m")
"""By these each report has its one road segment, whatever its day: an override of them holds for all days."""


@dataclass(frozen=True)
class Override:
    """What a city lays down from a day on.

    Parameters
    ----------
    values
        By name; None: what the rule book says, from then on.
    """

    effective: date
    reason: str
    values: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """A number that two policies give differently.

    Parameters
    ----------
    from_day, to_day
        From which day on, and until before which; None: for good. The first day of all also stands for what was before.
    """

    name: str
    from_day: date
    to_day: date | None
    before: Any
    after: Any


def numbers() -> dict[str, Any]:
    """What may be overridden: name -> dataclass field with its metadata and the rule book's first value."""
    return {entry.name: entry for entry in fields(Policy) if entry.metadata}


def policies_with(overrides: Sequence[Override]) -> tuple[Policy, ...]:
    """The rule book's policies with a city's overrides on top, oldest first.

    Each policy's `effective` is the day on which it begins. A number that the city has overridden stays the city's when
    the rule book changes.
    """
    held = sorted(overrides, key=lambda one: one.effective)
    undated = {name: value for one in held for name, value in one.values.items() if name in UNDATED}
    days = sorted({*(policy.effective for policy in rule_book.POLICIES), *(one.effective for one in held)})
    found = []
    for day in days:
        values: dict[str, Any] = {}
        for one in held:
            if one.effective <= day:
                values |= one.values
        values |= undated
        own = {name: value for name, value in values.items() if value is not None}
        found.append(replace(policy_on(day), effective=day, **own))
    return tuple(found)


def origins(overrides: Sequence[Override], day: date) -> dict[str, Override]:
    """Which override a number of the day comes from; names that are the rule book's are left out."""
    found: dict[str, Override] = {}
    for one in sorted(overrides, key=lambda one: one.effective):
        for name, value in one.values.items():
            if one.effective <= day or name in UNDATED:
                if value is None:
                    found.pop(name, None)
                else:
                    found[name] = one
    return found


def differences(before: Sequence[Policy], after: Sequence[Policy]) -> list[Difference]:
    """Where two histories of policies give other numbers, by name, each stretch of days once."""
    days = sorted({*(policy.effective for policy in before), *(policy.effective for policy in after)})
    found: list[Difference] = []
    for name in numbers():
        open_: Difference | None = None
        for day in days:
            old, new = getattr(policy_on(day, before), name), getattr(policy_on(day, after), name)
            if open_ is not None and (open_.before, open_.after) == (old, new):
                continue
            if open_ is not None:
                found.append(replace(open_, to_day=day))
            open_ = None if old == new else Difference(name, day, None, old, new)
        if open_ is not None:
            found.append(open_)
    return found
