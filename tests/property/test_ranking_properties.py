"""Ranks and money hold whatever the numbers: order of input, one more deduction, every tie pattern."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from gis.rules.policy import POLICIES, Policy
from gis.rules.ranking import (
    MONTH,
    TEN_DAYS,
    TIERS,
    Entry,
    Place,
    competition_ranks,
    shared_out,
    slots,
    stand,
    ties,
)

POLICY = POLICIES[0]
QUOTAS = replace(POLICY, quotas="5,3,2")
# Few values, so that ties are frequent.
POINTS = st.integers(0, 6).map(lambda one: Decimal(one) / 10)
EXPOSURES = st.sampled_from([Decimal(0), Decimal(1), Decimal(1), Decimal("2.5"), Decimal(3)])


@st.composite
def entries(draw: st.DrawFn, most: int = 45) -> list[Entry]:
    size = draw(st.integers(0, most))
    return [
        Entry(
            f"S{number:03d}",
            draw(POINTS),
            draw(EXPOSURES),
            draw(st.sampled_from([True, True, True, True, False, None])),
            draw(st.sampled_from(TIERS)),
            draw(st.integers(0, 4)),
        )
        for number in range(size)
    ]


POLICY_KIND = st.sampled_from([(POLICY, TEN_DAYS), (POLICY, MONTH), (QUOTAS, TEN_DAYS)])


def by_code(places: list[Place]) -> dict[str, Place]:
    return {place.code: place for place in places}


@given(entries(), POLICY_KIND, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_the_order_of_input_does_not_matter(given_: list[Entry], how: tuple[Policy, str], shuffle) -> None:
    other = given_.copy()
    shuffle.shuffle(other)
    policy, kind = how
    assert stand(given_, kind, policy) == stand(other, kind, policy)


@given(entries(), POLICY_KIND, st.data())
@settings(max_examples=200, deadline=None)
def test_one_more_deduction_never_improves_a_rank_and_never_pays(
    given_: list[Entry], how: tuple[Policy, str], data: st.DataObject
) -> None:
    if not given_:
        return
    policy, kind = how
    at = data.draw(st.integers(0, len(given_) - 1))
    worse = given_.copy()
    worse[at] = replace(given_[at], points=given_[at].points + data.draw(st.sampled_from([Decimal("0.1"), Decimal(3)])))
    before, after = (by_code(stand(one, kind, policy))[given_[at].code] for one in (given_, worse))
    assert (before.rank is None) == (after.rank is None)
    if before.rank is not None and after.rank is not None:
        assert after.rank >= before.rank
        # A yuan at most may come with the lot of a remainder.
        assert after.reward_yuan <= before.reward_yuan + 1
        assert after.bottom_run >= min(before.bottom_run, 1)


@given(entries(), POLICY_KIND)
@settings(max_examples=300, deadline=None)
def test_money_sums_to_the_pot_in_every_tie_pattern(given_: list[Entry], how: tuple[Policy, str]) -> None:
    policy, kind = how
    places = stand(given_, kind, policy)
    assert sum(place.reward_yuan for place in places) == 0
    assert all(place.reward_yuan == 0 for place in places if place.provisional or place.rank is None)
    firm = [one for one in given_ if one.enough and one.exposure]
    most, first, step = (10, 200_000, 20_000) if kind == TEN_DAYS else (3, 1_500_000, 500_000)
    if policy is POLICY:
        pot = slots(most, first, step, len(firm))
        assert len(pot) == min(most, len(firm) // 2)
        values = {one.code: one.points / one.exposure for one in firm}
        for groups in (ties(values), ties(values)[::-1]):
            shares = shared_out(groups, pot)
            assert sum(shares.values()) == sum(pot)
            assert all(max(shares[one] for one in group) - min(shares[one] for one in group) <= 1 for group in groups)
            _shares_are_means(groups, pot, shares)


def _shares_are_means(groups: list[list[str]], pot: list[int], shares: dict[str, int]) -> None:
    """A second way: each place's slot, and the exact mean over those who tie."""
    worth = [*pot, *[0] * (sum(map(len, groups)) - len(pot))]
    at = 0
    for group in groups:
        mean = Fraction(sum(worth[at : at + len(group)]), len(group))
        assert all(abs(shares[code] - mean) < 1 for code in group)
        at += len(group)


@given(st.dictionaries(st.text("abc", min_size=1, max_size=3), POINTS))
def test_competition_ranks_are_one_more_than_those_who_are_better(values: dict[str, Decimal]) -> None:
    expected = {code: 1 + sum(other < value for other in values.values()) for code, value in values.items()}
    assert competition_ranks(values) == expected
