"""The policy: every number says what it is, and the right one holds on a day."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from datetime import date

import pytest

from gis.rules import policy
from gis.rules.policy import POLICIES, Policy, policy_numbers, policy_on


def test_every_number_says_unit_clause_mark_and_meaning() -> None:
    numbers = policy_numbers(POLICIES[-1])
    assert {entry["name"] for entry in numbers} == set(Policy.__dataclass_fields__) - {"effective"}
    for entry in numbers:
        assert entry["mark"] in ("rule", "found", "default")
        assert entry["unit"]
        assert entry["meaning"]
        assert 1 <= int(entry["clause"]) <= 13


def test_the_numbers_of_the_rule_book() -> None:
    numbers = {entry["name"]: entry["value"] for entry in policy_numbers(policy_on(date(2016, 6, 1)))}
    assert [numbers[f"coordinators_{tier}_per_km2"] for tier in ("key", "secondary", "general")] == [30, 20, 10]
    assert numbers["segment_reach_m"] == 30
    assert numbers["cell_size_m"] == 100


def test_coordinators_by_tier() -> None:
    assert [POLICIES[0].coordinators_per_km2(tier) for tier in ("key", "secondary", "general")] == [30, 20, 10]
    with pytest.raises(KeyError):
        POLICIES[0].coordinators_per_km2("none")


def test_the_policy_of_a_day_is_the_last_that_has_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    old = Policy(effective=date(2015, 1, 1))
    new = replace(old, effective=date(2017, 7, 1), segment_reach_m=25.0)
    monkeypatch.setattr(policy, "POLICIES", (old, new))
    assert policy_on(date(2017, 6, 30)) is old
    assert policy_on(date(2017, 7, 1)) is new
    assert policy_on(date(1990, 1, 1)) is old


def test_policies_are_in_order_and_cannot_change() -> None:
    days = [entry.effective for entry in POLICIES]
    assert days == sorted(set(days))
    with pytest.raises(FrozenInstanceError):
        POLICIES[0].segment_reach_m = 1.0  # type: ignore[misc]
