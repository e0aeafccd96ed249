"""The policy of this city 规则参数: the numbers of the rule book, with what the city overrides."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import orjson
from sqlalchemy import Connection, func, select

from gis.rules.policy import POLICIES, Policy, policy_on
from gis.rules.policy_overrides import Override, numbers, policies_with
from gis.store.schema_policies import policy_loads, policy_overrides

LAYER = "policy"
"""Data version of what the city overrides."""


def city_policy(conn: Connection, day: date) -> Policy:
    """The policy that holds in this city on a day of the city."""
    return policy_on(day, city_policies(conn))


def city_policies(conn: Connection) -> tuple[Policy, ...]:
    """All policies of this city, oldest first; each holds from its `effective` to the next."""
    held = city_overrides(conn)
    return policies_with(held) if held else POLICIES


def policy_by_day(conn: Connection) -> Callable[[date], Policy]:
    """As `city_policy` for many days, asking the database once."""
    policies = city_policies(conn)
    return lambda day: policy_on(day, policies)


def city_overrides(conn: Connection, load_id: int | None = None) -> tuple[Override, ...]:
    """What the city overrides, in the order of days.

    Parameters
    ----------
    load_id
        Of an earlier policy file; None: the one that holds.
    """
    newest = select(func.max(policy_loads.c.id)).scalar_subquery()
    chosen = policy_overrides.c.load_id == (newest if load_id is None else load_id)
    found: dict[date, tuple[str, dict[str, Any]]] = {}
    known = numbers()
    for row in conn.execute(select(policy_overrides).where(chosen).order_by(policy_overrides.c.effective)):
        _, values = found.setdefault(row.effective, (row.reason, {}))
        # A number that this version of the rule book no longer has can change nothing.
        if row.name in known:
            values[row.name] = _stored(known[row.name].default, row.value)
    return tuple(Override(day, reason, values) for day, (reason, values) in found.items())


def _stored(example: Any, value: Any) -> Any:
    """A value as it was before it became JSON."""
    if value is None:
        return None
    if isinstance(example, tuple):
        return tuple(_stored(one, part) for one, part in zip(example, value, strict=True))
    if isinstance(example, Decimal | float):
        return type(example)(value)
    return value


def as_json(value: Any) -> Any:
    """A number of the policy fit for JSON, exact."""
    if isinstance(value, tuple):
        return [as_json(part) for part in value]
    return str(value) if isinstance(value, Decimal) else value


def overrides_sha256(overrides: Sequence[Override]) -> str:
    """SHA-256 over the canonical text: JSON, sorted, without spaces, so that it can be made again by anybody."""
    facts = [
        {
            "effective": one.effective.isoformat(),
            "reason": one.reason,
            "values": {name: as_json(value) for name, value in one.values.items()},
        }
        for one in sorted(overrides, key=lambda one: one.effective)
    ]
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).hexdigest()
