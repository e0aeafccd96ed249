"""The policy of this city 规则参数: the numbers of the rule book, with what the city overrides."""

from __future__ import annotations

from datetime import date

from sqlalchemy import Connection

from gis.rules.policy import Policy, policy_on


def city_policy(conn: Connection, day: date) -> Policy:  # noqa: ARG001
    """The policy that holds in this city on a day of the city."""
    return policy_on(day)
