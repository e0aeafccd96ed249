"""How sure is a rank: against NumPy, against esda, by simulation, and in worked cases."""

from __future__ import annotations

import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from esda.smoothing import Empirical_Bayes
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import stats

from gis.rules.uncertainty import Counted, HowSure, quantile, rank_intervals, smoothed_densities

POINT = 100_000


def plain(counts: list[int], exposures: list[float], weight: int = POINT) -> list[Counted]:
    """Places whose problems all cost the same."""
    return [
        Counted(f"{number:03d}", count * weight, count * weight**2, Decimal(str(exposure)))
        for number, (count, exposure) in enumerate(zip(counts, exposures, strict=True))
    ]


def by_numpy(places: list[Counted], confidence: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The intervals as the formulas say, in floating point."""
    points, squares = (np.array([getattr(one, name) for one in places], float) for name in ("points", "square_points"))
    exposure = np.array([float(one.exposure) for one in places])
    mean = squares.sum() / points.sum() if points.sum() else 0.0
    variance = (squares + mean**2 / 2) / exposure**2
    rate = points / exposure
    apart = rate[:, None] - rate
    beyond = np.abs(apart) > stats.norm.ppf((1 + confidence) / 2) * np.sqrt(variance[:, None] + variance)
    return 1 + (beyond & (apart > 0)).sum(1), len(places) - (beyond & (apart < 0)).sum(1)


def some_places(
    rng: np.random.Generator, number: int, problems: float = 10
) -> tuple[list[Counted], NDArray[np.float64]]:
    """Places with problems of four weights, and the true densities behind them."""
    weights, shares = np.array([5_000, 10_000, 30_000, 60_000]), np.array([0.3, 0.5, 0.15, 0.05])
    exposure = np.round(rng.uniform(0.5, 8, number), 8)
    true = rng.gamma(4, problems / 4, number)
    counts = rng.poisson((true * exposure)[:, None] * shares)
    codes = rng.permutation(number)
    places = [
        Counted(f"{codes[at]:03d}", int(counts[at] @ weights), int(counts[at] @ weights**2), Decimal(str(exposure[at])))
        for at in range(number)
    ]
    return places, true


# -- worked by hand ----------------------------------------------------------------------------------------------------


def test_three_places_worked_by_hand() -> None:
    # 4, 25 and 30 problems on 1 km2 each. Variances with half a problem: 4.5, 25.5, 30.5.
    # 4 against 25: 21 > 1.96 x sqrt(30) = 10.7: apart. 25 against 30: 5 < 1.96 x sqrt(56) = 14.7: not.
    first, second, third = rank_intervals(plain([4, 25, 30], [1, 1, 1]), 0.95)
    assert [(one.rank_low, one.rank_high) for one in (first, second, third)] == [(1, 1), (2, 3), (2, 3)]
    assert [one.apart for one in (first, second, third)] == [True, False, False]


def test_nobody_is_certain_to_have_nothing() -> None:
    # None against 4: 4 < 1.96 x sqrt(0.5 + 4.5) = 4.4; none against 6: 6 > 1.96 x sqrt(0.5 + 6.5) = 5.2.
    assert [one.rank_high for one in rank_intervals(plain([0, 4], [1, 1]), 0.95)] == [2, 2]
    assert [one.rank_high for one in rank_intervals(plain([0, 6], [1, 1]), 0.95)] == [1, 2]
    assert [(one.rank_low, one.rank_high, one.smoothed) for one in rank_intervals(plain([0, 0], [1, 2]), 0.95)] == [
        (1, 2, Decimal(0)),
        (1, 2, Decimal(0)),
    ]


def test_weights_make_the_same_points_less_sure() -> None:
    light = [
        Counted("a", 100 * POINT, 100 * POINT**2, Decimal(1)),
        Counted("b", 140 * POINT, 140 * POINT**2, Decimal(1)),
    ]
    heavy = [
        Counted("a", 100 * POINT, 1000 * POINT**2, Decimal(1)),
        Counted("b", 140 * POINT, 1400 * POINT**2, Decimal(1)),
    ]
    assert all(one.apart for one in rank_intervals(light, 0.95))
    assert not any(one.apart for one in rank_intervals(heavy, 0.95))


def test_a_tie_is_not_apart_and_its_neighbours_are_judged_by_all_of_it() -> None:
    found = rank_intervals(plain([1, 100, 100, 400], [1, 1, 1, 1]), 0.95)
    assert [one.apart for one in found] == [True, False, False, True]
    # The tie of 100 problems on 1 km2 and 1 on 0.01: only the first can be told from 140 on 1.
    (_, _, after) = rank_intervals(plain([100, 1, 140], [1, 0.01, 1]), 0.95)
    assert after.apart is False


def test_one_place_and_none() -> None:
    assert rank_intervals([], 0.95) == []
    assert rank_intervals(plain([3], [2]), 0.95) == [HowSure("000", 1, 1, Decimal("1.500000"), apart=True)]


@pytest.mark.parametrize(
    ("places", "confidence", "said"),
    [
        (plain([1], [0]), 0.95, "000: a place that is ranked has an area"),
        (plain([-1], [1]), 0.95, "not negative"),
        (plain([1], [1]) * 2, 0.95, "stands once"),
        (plain([1], [1]), 1.0, "between 0 and 1"),
        (plain([1], [1]), 95, "such as 0.95"),
    ],
)
def test_what_cannot_be_ranked(places: list[Counted], confidence: float, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        rank_intervals(places, confidence)


# -- in other ways -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(20))
def test_intervals_are_those_of_numpy(seed: int) -> None:
    rng = np.random.default_rng(seed)
    places, _ = some_places(rng, int(rng.integers(2, 60)), float(rng.uniform(0.2, 60)))
    confidence = float(rng.choice([0.8, 0.95, 0.99]))
    low, high = by_numpy(places, confidence)
    found = rank_intervals(places, confidence)
    assert [one.rank_low for one in found] == low.tolist()
    assert [one.rank_high for one in found] == high.tolist()


@pytest.mark.parametrize("seed", range(20))
def test_unweighted_smoothing_is_that_of_esda(seed: int) -> None:
    rng = np.random.default_rng(seed)
    exposure = np.round(rng.uniform(0.5, 8, 40), 4)
    counts = rng.poisson(exposure * rng.gamma(4, rng.uniform(0.1, 10), 40))
    ours = smoothed_densities(plain(counts.tolist(), exposure.tolist()))
    theirs = Empirical_Bayes(counts.astype(float), exposure).r.ravel()
    assert np.abs(np.array(ours, float) - theirs).max() < 1e-6
    # Problems of half a point each: the same places, half the density.
    halves = smoothed_densities(plain(counts.tolist(), exposure.tolist(), POINT // 2))
    assert np.abs(np.array(halves, float) - theirs / 2).max() < 1e-6


def test_smoothing_of_weights_comes_nearer_to_the_truth() -> None:
    rng = np.random.default_rng(5)
    raw = smooth = 0.0
    for _ in range(50):
        places, true = some_places(rng, 100, 2)
        mean_weight = float(np.array([5_000, 10_000, 30_000, 60_000]) @ np.array([0.3, 0.5, 0.15, 0.05])) / POINT
        rate = np.array([one.points / POINT / float(one.exposure) for one in places])
        raw += ((rate - true * mean_weight) ** 2).sum()
        smooth += ((np.array(smoothed_densities(places), float) - true * mean_weight) ** 2).sum()
    assert smooth < 0.75 * raw


def test_where_chance_explains_all_every_place_has_the_citys_density() -> None:
    found = smoothed_densities(plain([4, 5, 6], [1, 1, 1]))
    assert found == [Decimal("5.000000")] * 3


@pytest.mark.parametrize("spread", [0.0, 0.1, 0.3, 1.0])
@pytest.mark.parametrize("problems", [1, 5, 40])
def test_intervals_hold_the_true_rank(spread: float, problems: int) -> None:
    """At 0.95, at least 93 of 100 places, whether they differ much, little, or hardly at all (seeded)."""
    rng = np.random.default_rng([problems, round(spread * 10)])
    held = asked = 0
    for _ in range(40):
        exposure = np.round(rng.uniform(1, 8, 40), 6)
        true = problems * (rng.gamma(1 / spread**2, spread**2, 40) if spread else 1 + 1e-9 * rng.permutation(40))
        weights, shares = np.array([5_000, 10_000, 30_000, 60_000]), np.array([0.3, 0.5, 0.15, 0.05])
        counts = rng.poisson((true * exposure)[:, None] * shares)
        places = [
            Counted(f"{at:03d}", int(one @ weights), int(one @ weights**2), Decimal(str(exposure[at])))
            for at, one in enumerate(counts)
        ]
        ranks = 1 + (true[None] < true[:, None]).sum(1)
        found = rank_intervals(places, 0.95)
        held += sum(one.rank_low <= rank <= one.rank_high for one, rank in zip(found, ranks, strict=True))
        asked += len(found)
    assert held / asked >= 0.93


def test_intervals_say_something() -> None:
    """They are not simply all ranks: where streets differ by chance and half again, a third of the table is out."""
    places, _ = some_places(np.random.default_rng(3), 100, 40)
    width = np.mean([one.rank_high - one.rank_low + 1 for one in rank_intervals(places, 0.95)])
    assert width < 66


# -- what must always hold ---------------------------------------------------------------------------------------------

PLACES = st.lists(
    st.tuples(
        st.integers(0, 50),
        st.integers(1, 5).map(lambda tenths: tenths * 10_000),
        st.decimals("0.00000001", "900", places=8, allow_nan=False),
    ),
    max_size=12,
).map(
    lambda rows: [
        Counted(f"{at:02d}", count * weight, count * weight**2, exposure)
        for at, (count, weight, exposure) in enumerate(rows)
    ]
)


@given(PLACES, st.sampled_from([0.5, 0.9, 0.95, 0.99]), st.randoms(use_true_random=False))
def test_order_does_not_matter_and_the_rank_lies_inside(
    places: list[Counted], confidence: float, random: object
) -> None:
    found = rank_intervals(places, confidence)
    assert [one.code for one in found] == [one.code for one in places]
    mixed = list(places)
    random.shuffle(mixed)  # type: ignore[attr-defined]
    assert sorted(rank_intervals(mixed, confidence), key=lambda one: one.code) == found
    densities = [Fraction(place.points) / Fraction(place.exposure) for place in places]
    for one, density in zip(found, densities, strict=True):
        rank = 1 + sum(other < density for other in densities)
        assert 1 <= one.rank_low <= rank <= one.rank_high <= len(places)
        assert min(densities) - 1 <= Fraction(one.smoothed) * POINT <= max(densities) + 1
    if confidence > 0.5:
        for wide, narrow in zip(found, rank_intervals(places, 0.5), strict=True):
            assert (wide.rank_low, -wide.rank_high) <= (narrow.rank_low, -narrow.rank_high)


def test_the_quantile_is_that_of_scipy() -> None:
    for confidence in (0.5, 0.9, 0.95, 0.99, 0.999):
        assert float(quantile(confidence)) == pytest.approx(stats.norm.ppf((1 + confidence) / 2), abs=1e-6)
    assert quantile(0.95) == Fraction(1_959_964, 1_000_000)


def test_two_hundred_places_in_a_moment() -> None:
    places, _ = some_places(np.random.default_rng(1), 200)
    best = min(_seconds(places) for _ in range(5))
    assert best < 0.05


def _seconds(places: list[Counted]) -> float:
    begun = time.perf_counter()
    rank_intervals(places, 0.95)
    return time.perf_counter() - begun
