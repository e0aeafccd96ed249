"""The 30 / 20 / 10 rule in the words of the rule book (clause 11)."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.policy import POLICIES, Policy, policy_on
from gis.rules.staffing import demand

POLICY = POLICIES[0]


@pytest.mark.parametrize(
    ("tier", "km2", "required"),
    [
        ("key", "1", 30),
        ("secondary", "1", 20),
        ("general", "1", 10),
        ("key", "8.3", 249),  # 8.3 * 30 is 249.00000000000003 in binary
        ("key", "8.30000001", 250),
        ("secondary", "0.05", 1),
        ("general", "0.10000000", 1),
        ("general", "0.10000001", 2),
        ("general", "0.00000001", 1),
        ("general", "0", 0),
    ],
)
def test_at_least_so_many_per_km2_rounded_up(tier: str, km2: str, required: int) -> None:
    assert demand(tier, Decimal(km2), 0, POLICY).required == required


def test_the_gap_is_on_post_minus_required() -> None:
    assert demand("key", Decimal("1.5"), 40, POLICY).gap == -5
    assert demand("key", Decimal("1.5"), 50, POLICY).gap == 5


def test_the_explanation_can_be_recomputed_by_hand() -> None:
    text = demand("secondary", Decimal("1.31297203"), 15, POLICY).explanation
    assert text == "1.31297203 km2 x 20/km2 = 26.2594406, rounded up to 27; 15 on post, gap -12"


def test_binary_fractions_are_refused() -> None:
    with pytest.raises(TypeError, match="Decimal"):
        demand("key", 8.3, 0, POLICY)  # type: ignore[arg-type]


def test_the_numbers_come_from_the_policy() -> None:
    stricter = Policy(effective=date(2020, 1, 1), coordinators_key_per_km2=40)
    assert demand("key", Decimal(1), 0, stricter).required == 40
    assert policy_on(date(1990, 1, 1)) is POLICIES[0]


@given(dm2=st.integers(0, 10**12), tier=st.sampled_from(["key", "secondary", "general"]))
def test_never_too_few_and_never_one_too_many(dm2: int, tier: str) -> None:
    area = Decimal(dm2) / 10**8
    found = demand(tier, area, 0, POLICY)
    per_km2 = {"key": 30, "secondary": 20, "general": 10}[tier]
    assert found.required == -(-dm2 * per_km2 // 10**8) == ceil(area * per_km2)
