"""Clause 10: the value of a road, its limit, and half a point per started gram."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.dust import limit_g_per_m2, looks_like_silt_load, road_mean, road_points
from gis.rules.policy import policy_on
from gis.store.schema import ROAD_CLASSES

POLICY = policy_on(date(2016, 6, 1))
GRAMS = st.decimals(min_value=0, max_value=9999, places=3)


@pytest.mark.parametrize(
    ("mean", "limit", "points"),
    [
        ("0", 5, "0"),
        ("5", 5, "0"),
        ("5.001", 5, "0.5"),
        ("6", 5, "0.5"),
        ("6.001", 5, "1"),
        ("9.2", 8, "1"),
        ("14.999", 5, "5"),
        ("15.001", 5, "5"),
        ("400", 20, "5"),
    ],
)
def test_half_a_point_per_started_gram_over_five_at_most(mean: str, limit: int, points: str) -> None:
    assert road_points(Decimal(mean), Decimal(limit), POLICY) == Decimal(points)


@given(GRAMS, st.sampled_from(ROAD_CLASSES))
def test_as_fractions_say(mean: Decimal, road_class: str) -> None:
    limit = limit_g_per_m2(road_class, POLICY)
    over = Fraction(mean) - Fraction(limit)
    expected = min(Fraction(max(math.ceil(over), 0), 2), 5)
    assert Fraction(road_points(mean, limit, POLICY)) == expected


@given(GRAMS, GRAMS)
def test_more_dust_never_costs_less(one: Decimal, other: Decimal) -> None:
    less, more = sorted((one, other))
    assert road_points(less, Decimal(5), POLICY) <= road_points(more, Decimal(5), POLICY)


@given(st.lists(GRAMS, min_size=3, max_size=5))
def test_the_mean_is_exact_and_rounded_half_up_once(grams: list[Decimal]) -> None:
    exact = sum(map(Fraction, grams)) / len(grams)
    assert Fraction(road_mean(grams, POLICY)) == Fraction(math.floor(exact * 1000 + Fraction(1, 2)), 1000)
    assert road_mean(grams[::-1], POLICY) == road_mean(grams, POLICY)


def test_what_was_not_weighed_is_not_clean() -> None:
    assert road_mean([Decimal(9), Decimal(9), Decimal(9)], POLICY) == 9
    assert road_mean([Decimal(9), Decimal(9)], POLICY) is None
    assert road_mean([], replace(POLICY, dust_points_needed=0)) is None


def test_every_class_has_a_limit_and_lesser_roads_a_higher_one() -> None:
    limits = [limit_g_per_m2(name, POLICY) for name in ROAD_CLASSES]
    assert limits == [5, 5, 8, 10, 20]


def test_a_tighter_limit_of_a_later_policy_costs_more() -> None:
    later = replace(POLICY, dust_limit_main_g_per_m2=6.5)
    assert limit_g_per_m2("main", later) == Decimal("6.5")
    assert road_points(Decimal("7.6"), limit_g_per_m2("main", POLICY), POLICY) == 0
    assert road_points(Decimal("7.6"), limit_g_per_m2("main", later), later) == 1


def test_silt_load_is_told_by_a_whole_file() -> None:
    silt = [Decimal("0.3"), Decimal("0.5"), Decimal("0.8")] * 4
    assert looks_like_silt_load(silt, POLICY)
    assert not looks_like_silt_load(silt[:9], POLICY)
    assert not looks_like_silt_load([*silt, *[Decimal(4)] * 13], POLICY)
