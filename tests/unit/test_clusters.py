"""DBSCAN against its definition, written a second time over all pairs of points."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from gis.geometry import neighbours
from gis.geometry.clusters import dbscan, spots
from gis.geometry.neighbours import NOISE

REACH = 50.0


def by_definition(x: NDArray, y: NDArray, least: int) -> tuple[list[int], list[bool]]:
    """Labels and cores: every pair looked at, components by scipy, the nearest core by sorting."""
    apart = (x[:, None] - x) ** 2 + (y[:, None] - y) ** 2
    near = apart <= REACH**2
    core = near.sum(axis=1) >= least
    _, component = connected_components(csr_matrix(near & core[:, None] & core), directed=False)
    labels = np.where(core, component, NOISE)
    for point in np.flatnonzero(~core):
        cores = np.flatnonzero(core & near[point])
        if len(cores):
            labels[point] = component[min(cores, key=lambda one: (apart[point, one], x[one], y[one]))]
    number: dict[int, int] = {}
    for point in np.lexsort((y, x)):
        if labels[point] != NOISE:
            number.setdefault(int(labels[point]), len(number))
    return [number.get(int(label), NOISE) for label in labels], core.tolist()


def scattered(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    count = int(rng.integers(1, 250))
    return rng.uniform(0, 700, count), rng.uniform(-300, 400, count)


def on_a_grid(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    """Distances of exactly the reach (30, 40, 50), coincident points, ties between cores."""
    count = int(rng.integers(1, 250))
    return rng.integers(0, 40, count) * 10.0, rng.integers(0, 40, count) * 10.0


def crowded(rng: np.random.Generator) -> tuple[NDArray, NDArray]:
    count = int(rng.integers(100, 400))
    centre = rng.integers(0, 3, count) * 130.0
    return centre + rng.normal(0, 25, count), rng.normal(0, 25, count)


@pytest.mark.parametrize("draw", [scattered, on_a_grid, crowded])
@pytest.mark.parametrize("seed", range(40))
def test_as_the_definition_says(draw, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x, y = draw(rng)
    least = int(rng.integers(1, 9))
    labels, core = dbscan(x, y, REACH, least)
    assert (labels.tolist(), core.tolist()) == by_definition(x, y, least)


@pytest.mark.parametrize("draw", [on_a_grid, crowded])
def test_crowded_buckets_are_cut_and_pairs_are_looked_at_in_parts(draw, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "CROWD", 4)
    monkeypatch.setattr(neighbours, "PAIRS_AT_ONCE", 50)
    monkeypatch.setattr(neighbours, "PAIRS_KEPT", 100)
    for seed in range(20):
        x, y = draw(np.random.default_rng(seed))
        for least in (5, 20, 60):
            labels, core = dbscan(x, y, REACH, least)
            assert (labels.tolist(), core.tolist()) == by_definition(x, y, least)


def test_the_order_of_the_input_does_not_matter() -> None:
    for seed in range(20):
        rng = np.random.default_rng(seed)
        x, y = on_a_grid(rng)
        mixed = rng.permutation(len(x))
        assert np.array_equal(dbscan(x, y, REACH, 3)[0][mixed], dbscan(x[mixed], y[mixed], REACH, 3)[0])
        assert np.array_equal(spots(x, y, REACH, 3, 90)[mixed], spots(x[mixed], y[mixed], REACH, 3, 90))


def test_the_reach_itself_is_within_reach() -> None:
    x, y = np.array([0.0, 30.0, 60.0]), np.array([0.0, 40.0, 80.0])
    assert dbscan(x, y, 50.0, 3)[0].tolist() == [0, 0, 0]
    assert dbscan(x, y, np.nextafter(50.0, 0), 3)[0].tolist() == [NOISE] * 3


@pytest.mark.parametrize(("between", "expected"), [(39.0, 0), (40.0, 0), (41.0, 1)])
def test_a_border_point_goes_to_the_nearest_core_and_in_a_tie_to_the_lower_one(between: float, expected: int) -> None:
    # Left and right the same: cores at 0 and 80 with 10 and more within reach, the point between them has 9.
    x = np.array([0.0] * 4 + [-30.0] * 6 + [80.0] * 4 + [110.0] * 6 + [between])
    labels, core = dbscan(x, np.zeros(21), 50.0, 10)
    assert core.tolist() == [True] * 20 + [False]
    assert labels.tolist() == [0] * 10 + [1] * 10 + [expected]


def test_nothing_and_one_point() -> None:
    labels, core = dbscan(np.empty(0), np.empty(0), 50.0, 5)
    assert len(labels) == len(core) == len(spots(np.empty(0), np.empty(0), 50.0, 5, 300)) == 0
    assert dbscan(np.array([7.0]), np.array([7.0]), 50.0, 1)[0].tolist() == [0]
    assert dbscan(np.array([7.0]), np.array([7.0]), 50.0, 2)[0].tolist() == [NOISE]


def test_coincident_points_each_count() -> None:
    x = np.array([5.0] * 5 + [200.0] * 4)
    assert dbscan(x, x, 50.0, 5)[0].tolist() == [0] * 5 + [NOISE] * 4


def test_fifty_thousand_points_have_the_cores_of_a_tree() -> None:
    rng = np.random.default_rng(3)
    at = np.concatenate([rng.uniform(0, 9000, (40_000, 2)), rng.normal(4000, 60, (10_000, 2))])
    core = dbscan(at[:, 0], at[:, 1], REACH, 5)[1]
    tree = cKDTree(at)
    assert np.array_equal(core, tree.query_ball_point(at, REACH, return_length=True) >= 5)


def test_a_crowd_in_one_place_is_counted_by_boxes() -> None:
    """Thirty thousand points within a few dozen metres are half a thousand million pairs; hardly any is looked at."""
    rng = np.random.default_rng(5)
    x, y = rng.normal(0, 8, 30_000), rng.normal(0, 8, 30_000)
    positions = neighbours.Positions.of(x, y)
    places = neighbours.Neighbourhood.of(positions, REACH)
    one, other = places.mixed
    assert (places.size[one] * places.size[other]).sum() < 0.05 * len(x) ** 2 / 2
    assert set(spots(x, y, REACH, 5, 300).tolist()) == {0}


# -- spots -------------------------------------------------------------------------------------------------------------


def test_narrow_clusters_are_those_of_dbscan() -> None:
    x, y = crowded(np.random.default_rng(1))
    assert np.array_equal(spots(x, y, REACH, 5, np.inf), dbscan(x, y, REACH, 5)[0])


def street() -> tuple[NDArray, NDArray]:
    """A kilometre with a report every 20 m, and three markets on it."""
    rng = np.random.default_rng(4)
    along = np.concatenate([np.arange(0, 1000, 20.0), *(rng.normal(centre, 12, 60) for centre in (100, 500, 900))])
    return along, np.concatenate([np.zeros(50), rng.normal(0, 12, 180)])


def test_a_street_is_taken_apart_into_its_markets() -> None:
    x, y = street()
    assert set(dbscan(x, y, REACH, 5)[0].tolist()) == {0}
    labels = spots(x, y, REACH, 5, 300)
    assert set(labels.tolist()) == {NOISE, 0, 1, 2}
    for label, centre in enumerate((100, 500, 900)):
        inside = x[labels == label]
        assert abs(np.median(inside) - centre) < 5
        assert np.ptp(inside) <= 300


def test_what_taking_apart_would_lose_stays_whole() -> None:
    # Each point has the same number of neighbours but the ends: no stricter number leaves a part.
    x = np.arange(0, 2000, 25.0)
    labels = spots(x, np.zeros(len(x)), REACH, 5, 300)
    assert set(labels.tolist()) == {0}
    assert (labels == 0).all()


@pytest.mark.parametrize("draw", [scattered, on_a_grid, crowded, "two wide ones"])
@pytest.mark.parametrize("seed", range(15))
def test_taking_apart_is_dbscan_with_a_higher_least_number_inside_a_cluster(draw, seed: int) -> None:
    rng = np.random.default_rng(seed)
    if draw == "two wide ones":
        # Rows of points 90 m apart with some between: borders of one row are near cores of the other.
        x = np.concatenate([rng.uniform(0, 500, 60), rng.uniform(0, 500, 90), rng.uniform(0, 500, 12)])
        y = np.concatenate([rng.normal(0, 3, 60), rng.normal(90, 3, 90), rng.uniform(35, 55, 12)])
    else:
        x, y = draw(rng)
    for least, width in ((3, 150), (5, 80)):
        assert _sets(spots(x, y, REACH, least, width)) == _apart(x, y, least, width)


def _sets(labels: NDArray) -> set[frozenset[int]]:
    return {frozenset(np.flatnonzero(labels == one).tolist()) for one in set(labels.tolist()) - {NOISE}}


def _apart(x: NDArray, y: NDArray, least: int, width: float) -> set[frozenset[int]]:
    """By definition: neighbours are counted among all points, borders stay in their cluster."""
    counts = ((x[:, None] - x) ** 2 + (y[:, None] - y) ** 2 <= REACH**2).sum(axis=1)
    waiting, done = [(np.arange(len(x)), least)], set()
    while waiting:
        members, needed = waiting.pop()
        core = members[counts[members] >= needed]
        near = (x[members][:, None] - x[core]) ** 2 + (y[members][:, None] - y[core]) ** 2
        tied = (x[core][:, None] - x[core]) ** 2 + (y[core][:, None] - y[core]) ** 2 <= REACH**2
        _, component = connected_components(csr_matrix(tied), directed=False)
        of_core = dict(zip(core.tolist(), component.tolist(), strict=True))
        parts: dict[int, set[int]] = {}
        for at, member in enumerate(members.tolist()):
            choice = sorted(
                (near[at, k], x[c], y[c], c) for k, c in enumerate(core.tolist()) if near[at, k] <= REACH**2
            )
            if choice:
                label = of_core[member] if member in of_core else of_core[choice[0][3]]
                parts.setdefault(label, set()).add(member)
        stricter = int(np.ceil(needed * 1.5))
        for part in map(sorted, parts.values()):
            circle = 2 * shapely.minimum_bounding_radius(shapely.multipoints(np.column_stack([x[part], y[part]])))
            if circle <= width or counts[part].max() < stricter:
                done.add(frozenset(part))
            else:
                waiting.append((np.array(part), stricter))
    return done
