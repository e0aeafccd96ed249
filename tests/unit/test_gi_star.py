"""Gi*, its permutations and false-discovery control: against esda, against plain formulas, and on planted clusters."""

from __future__ import annotations

import itertools
import time
import warnings

import esda
import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from libpysal.weights import Queen, W

from gis.geometry.gi_star import (
    Floats,
    Neighbours,
    false_discovery_rates,
    gi_star,
    permutation_tails,
    touching,
    two_sided,
    within_reach,
)

FDR = 0.05


def lattice(side: int, reach: float = 250.0, seed: int = 0) -> tuple[Floats, Neighbours]:
    """Points about 100 m apart, and who is within reach."""
    at = np.stack(np.meshgrid(np.arange(side) * 100.0, np.arange(side) * 100.0), -1).reshape(-1, 2)
    at += np.random.default_rng(seed).uniform(-20, 20, at.shape)
    return at, within_reach(at[:, 0], at[:, 1], reach)


def pysal_weights(neighbours: Neighbours) -> W:
    near = {place: neighbours.other[neighbours.one == place].tolist() for place in range(len(neighbours.count))}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return W(near, silence_warnings=True)


def esda_gi_star(values: Floats, neighbours: Neighbours, permutations: int) -> esda.G_Local:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return esda.G_Local(
            values, pysal_weights(neighbours), star=True, transform="B", permutations=permutations, seed=5, n_jobs=1
        )


def judged(values: Floats, neighbours: Neighbours, permutations: int, seed: int) -> tuple[Floats, Floats]:
    """p and q."""
    p = two_sided(*permutation_tails(values, neighbours, permutations, seed), permutations)
    return p, false_discovery_rates(p)


# -- neighbours --------------------------------------------------------------------------------------------------------


def test_neighbours_within_reach_are_all_pairs_within_reach() -> None:
    at, found = lattice(8, 220.0)
    pairs = {
        (one, other)
        for one, other in itertools.permutations(range(len(at)), 2)
        if np.hypot(*(at[one] - at[other])) <= 220.0
    }
    assert set(zip(found.one.tolist(), found.other.tolist(), strict=True)) == pairs
    assert found.count.tolist() == [sum(1 for one, _ in pairs if one == place) for place in range(len(at))]


def test_touching_areas_are_queen_neighbours() -> None:
    shapes = np.array(
        [shapely.box(x, y, x + 1000, y + 1000) for x in range(0, 6000, 1000) for y in range(0, 5000, 1000)], object
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        queen = Queen.from_iterable(shapes)
    found = touching(shapes, 1.0)
    assert found.count.tolist() == [queen.cardinalities[place] for place in range(len(shapes))]
    # A gap of half a metre is surveying, one of two metres is not.
    left, right = shapely.box(0, 0, 100, 100), shapely.box(100.5, 0, 200, 100)
    assert touching(np.array([left, right], object), 1.0).count.tolist() == [1, 1]
    assert touching(np.array([left, right], object), 0.2).count.tolist() == [0, 0]


def test_nobody_has_no_neighbours() -> None:
    assert within_reach(np.empty(0), np.empty(0), 250.0).count.tolist() == []
    assert touching(np.empty(0, object), 1.0).count.tolist() == []


# -- the score ---------------------------------------------------------------------------------------------------------


@settings(max_examples=50, deadline=None)
@given(values=st.lists(st.integers(0, 9), min_size=9, max_size=9))
def test_the_score_by_the_plain_formula(values: list[int]) -> None:
    at, neighbours = lattice(3, 150.0)
    found = gi_star(np.array(values, float), neighbours)
    n, mean = 9, sum(values) / 9
    spread = (sum(value * value for value in values) / n - mean**2) ** 0.5
    for place in range(n):
        near = [other for other in range(n) if np.hypot(*(at[place] - at[other])) <= 150.0]
        w = len(near)
        below = spread * ((n * w - w * w) / (n - 1)) ** 0.5
        if below < 1e-9:
            assert np.isnan(found[place])
        else:
            assert found[place] == pytest.approx((sum(values[one] for one in near) - w * mean) / below)


def test_the_score_is_esdas() -> None:
    _, neighbours = lattice(12)
    for values in (np.random.default_rng(1).gamma(1, 1, 144), np.random.default_rng(1).poisson(0.5, 144) / 0.01):
        theirs = esda_gi_star(values, neighbours, 0)
        assert gi_star(values, neighbours) == pytest.approx(theirs.Zs, abs=1e-12)


def test_without_spread_there_is_no_score() -> None:
    _, neighbours = lattice(4)
    assert np.isnan(gi_star(np.full(16, 3.0), neighbours)).all()
    everybody = within_reach(np.zeros(4), np.zeros(4), 1.0)
    assert np.isnan(gi_star(np.array([1.0, 2.0, 3.0, 4.0]), everybody)).all()
    assert np.isnan(gi_star(np.array([1.0]), within_reach(np.zeros(1), np.zeros(1), 1.0))).all()


# -- permutations ------------------------------------------------------------------------------------------------------


def test_tails_are_those_of_all_arrangements_there_are() -> None:
    """Every way to choose the neighbours' values out of the others, counted one by one."""
    values = np.array([0.0, 0.0, 1.0, 0.0, 2.0, 5.0, 1.0, 3.0])
    neighbours = within_reach(np.arange(8) * 100.0, np.zeros(8), 210.0)
    permutations = 200_000
    high, low = permutation_tails(values, neighbours, permutations, 3)
    for place in range(8):
        others = np.delete(values, place)
        k = int(neighbours.count[place])
        real = neighbours.sums(values)[place]
        sums = [sum(some) for some in itertools.combinations(others.tolist(), k)]
        assert high[place] / permutations == pytest.approx(np.mean([one >= real for one in sums]), abs=0.006)
        assert low[place] / permutations == pytest.approx(np.mean([one <= real for one in sums]), abs=0.006)


def test_tails_are_esdas_where_nothing_ties() -> None:
    _, neighbours = lattice(12)
    values = np.random.default_rng(2).gamma(1, 1, 144)
    theirs = esda_gi_star(values, neighbours, 9999)
    high, low = permutation_tails(values, neighbours, 9999, 2)
    one_sided = (np.minimum(high, low) + 1) / 10_000
    assert one_sided == pytest.approx(theirs.p_sim, abs=0.025)  # both are drawn: 4 standard errors


def test_drawing_by_shuffling_and_by_drawing_anew_agree() -> None:
    """Few places are shuffled, many are drawn until different: the two meet at four times as many places as draws."""
    values = np.random.default_rng(2).gamma(1, 1, 50)
    x = np.arange(50) * 100.0
    many = permutation_tails(values, within_reach(x, 0 * x, 650.0), 40_000, 1)[0]  # 12 neighbours: 49 >= 48
    few = permutation_tails(values, within_reach(x, 0 * x, 750.0), 40_000, 1)[0]  # 14 neighbours: 49 < 56
    for reach, found in ((650.0, many), (750.0, few)):
        neighbours = within_reach(x, 0 * x, reach)
        rng = np.random.default_rng(9)
        for place in (0, 20, 49):
            k, others = int(neighbours.count[place]), np.delete(values, place)
            sums = np.array([rng.permutation(others)[:k].sum() for _ in range(4000)])
            real = neighbours.sums(values)[place]
            assert found[place] / 40_000 == pytest.approx((sums >= real).mean(), abs=0.035)


def test_the_seed_decides_and_the_chunks_do_not(monkeypatch: pytest.MonkeyPatch) -> None:
    _, neighbours = lattice(10)
    values = np.random.default_rng(2).poisson(1, 100).astype(float)
    first = permutation_tails(values, neighbours, 999, 7)
    assert np.array_equal(first, permutation_tails(values, neighbours, 999, 7))
    assert not np.array_equal(first, permutation_tails(values, neighbours, 999, 8))
    monkeypatch.setattr("gis.geometry.gi_star.DRAWS_AT_ONCE", 500)
    assert np.allclose(first, permutation_tails(values, neighbours, 999, 7), atol=90)


def test_ties_count_on_both_sides() -> None:
    _, neighbours = lattice(6)
    assert all((one == 99).all() for one in permutation_tails(np.zeros(36), neighbours, 99, 1))
    # Nothing anywhere but in one place: the empty ones around are not cold.
    values = np.zeros(400)
    values[0] = 5.0
    _, neighbours = lattice(20)
    p, q = judged(values, neighbours, 999, 1)
    assert (q > FDR).all()
    assert p.min() > 0.01


def test_who_stands_alone_is_never_significant() -> None:
    neighbours = within_reach(np.array([0.0, 100.0, 9000.0]), np.zeros(3), 250.0)
    high, low = permutation_tails(np.array([1.0, 2.0, 99.0]), neighbours, 99, 1)
    assert two_sided(high, low, 99)[2] == 1


# -- false discoveries -------------------------------------------------------------------------------------------------


@settings(max_examples=100, deadline=None)
@given(p=st.lists(st.floats(0.001, 1), min_size=1, max_size=40))
def test_q_values_by_the_definition_and_by_esda(p: list[float]) -> None:
    found = false_discovery_rates(np.array(p))
    ordered = sorted(p)
    for value, q in zip(p, found.tolist(), strict=True):
        ranks = [(other * len(p) / (rank + 1), other) for rank, other in enumerate(ordered)]
        assert q == pytest.approx(min(1.0, min(scaled for scaled, other in ranks if other >= value)))
    cut = esda.fdr(np.array(p), FDR)
    called = found <= FDR
    assert called.any() == bool((np.array(p) <= cut).any() and cut > FDR / len(p)) or called.sum() <= 1
    if called.sum() > 1:
        assert np.array_equal(called, np.array(p) <= cut)


def test_without_a_cluster_hardly_ever_is_one_found() -> None:
    """Under no clustering at all whatever is found is false: in at most 5 % of cities, were they independent."""
    _, neighbours = lattice(20)
    rng = np.random.default_rng(11)
    found = 0
    for city in range(200):
        values = rng.poisson(0.6, 400) / 0.01
        found += bool((judged(values, neighbours, 9999, city)[1] <= FDR).any())
    assert found <= 0.05 * 200 + 2 * (0.05 * 0.95 * 200) ** 0.5


def test_a_planted_cluster_is_found_and_little_else() -> None:
    at, neighbours = lattice(40)
    inside = np.hypot(*(at - at.mean(axis=0)).T) < 300
    false, called = 0, 0
    for city in range(20):
        rng = np.random.default_rng(city)
        values = rng.poisson(np.where(inside, 4.0, 0.5)) / 0.01
        _, q = judged(values, neighbours, 99_999, city)
        hot = (q <= FDR) & (gi_star(values, neighbours) > 0)
        assert hot[inside].mean() > 0.9
        # Who has part of the cluster among its neighbours is rightly called, too.
        near = np.hypot(*(at - at.mean(axis=0)).T) < 300 + 250
        false += int(hot[~near].sum())
        called += int(hot.sum())
    assert false / called <= FDR


def test_an_empty_quarter_is_cold() -> None:
    at, neighbours = lattice(30)
    quarter = (at[:, 0] < 1000) & (at[:, 1] < 1000)
    values = np.random.default_rng(3).poisson(np.where(quarter, 0.2, 4.0)) / 0.01
    _, q = judged(values, neighbours, 99_999, 1)
    cold = (q <= FDR) & (gi_star(values, neighbours) < 0)
    assert cold[quarter].mean() > 0.7
    assert cold[~quarter].mean() < 0.1


def test_a_hundred_thousand_cells_take_no_time() -> None:
    _, neighbours = lattice(316)
    values = np.random.default_rng(1).poisson(0.5, 316 * 316) / 0.01
    begun = time.perf_counter()
    permutation_tails(values, neighbours, 999, 1)
    assert time.perf_counter() - begun < 3  # 0.04 s on an idle machine; esda takes 15


def test_p_is_twice_the_smaller_tail_and_the_real_arrangement_is_one_of_them() -> None:
    high, low = np.array([9, 990, 0, 700, 999]), np.array([995, 9, 999, 400, 999])
    assert two_sided(high, low, 999) == pytest.approx([0.02, 0.02, 0.002, 0.802, 1.0])
