"""Made-up cities in which the effect of a measure is known: overdispersed, seasonal, different from place to place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

from gis.effect_estimate import AFTER, Demand, Estimate, TooLittle, effect, neighbourhood
from gis.effect_matching import Ground
from gis.effect_pooling import Pooled, pooled

SIDE = 40
CELL_M = 100.0
LENGTHS = (3, 3, 6, 3, 6)  # periods in each part
DEMAND = Demand(12, 5, 3.0, 20, 300, 60, 0.95)


@dataclass(frozen=True)
class World:
    """Cells in a square of SIDE x SIDE, with what is true of them.

    Parameters
    ----------
    rate
        Shape (periods, cells): expected reports.
    level
        Shape (cells,): what is usual there, per period.
    """

    xy: NDArray[np.float64]
    traits: NDArray[np.float64]
    level: NDArray[np.float64]
    rate: NDArray[np.float64]


def smooth(rng: np.random.Generator, sigma: float) -> NDArray[np.float64]:
    field = gaussian_filter(rng.standard_normal((SIDE, SIDE)), sigma, mode="wrap")
    return np.asarray((field / field.std()).ravel())


def make_world(rng: np.random.Generator, mean: float = 1.0) -> World:
    """Levels of a factor of ten, a season, slow drifts that neighbours share, and a trend of the busy tier alone."""
    x, y = np.meshgrid(np.arange(SIDE), np.arange(SIDE))
    xy = np.column_stack([x.ravel(), y.ravel()]) * CELL_M
    tier = (smooth(rng, 4) > 0.5).astype(float)
    level = mean * np.exp(0.6 * smooth(rng, 2) + 0.5 * rng.standard_normal(SIDE * SIDE) + 0.5 * tier - 0.4)
    periods = sum(LENGTHS)
    season = 0.4 * np.sin(np.arange(periods) / periods * 2 * np.pi + rng.uniform(0, 6.28))
    drift = np.zeros((periods, SIDE * SIDE))
    field = 0.12 * smooth(rng, 3)
    for period in range(periods):
        field = 0.9 * field + 0.12 * np.sqrt(1 - 0.81) * smooth(rng, 3)
        drift[period] = field
    trend = -0.3 * np.outer(np.arange(periods) / periods, tier)
    return World(xy, np.column_stack([3 * tier]), level, level * np.exp(season[:, None] + drift + trend))


def count(rng: np.random.Generator, rate: NDArray[np.float64], dispersion: float = 0.5) -> NDArray[np.float64]:
    """Counts with the variance rate x (1 + dispersion): more than by chance alone."""
    return rng.poisson(rng.gamma(rate / dispersion, dispersion)).astype(float)


def parts(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sums of the parts of the window."""
    return np.add.reduceat(counts, np.cumsum((0, *LENGTHS[:-1])), axis=0)


def patch(cell: int, size: int = 2) -> NDArray[np.int64]:
    """A square of size x size cells with its corner at a cell, within the city."""
    y, x = divmod(cell, SIDE)
    x, y = min(x, SIDE - size), min(y, SIDE - size)
    return np.array([(y + v) * SIDE + x + u for v in range(size) for u in range(size)], np.int64)


def ring_of(cells: NDArray[np.int64], reach: int = 2) -> NDArray[np.int64]:
    """The cells within so many steps of a patch, without the patch."""
    y, x = np.divmod(np.arange(SIDE * SIDE), SIDE)
    own_y, own_x = np.divmod(cells, SIDE)
    near = (
        (x >= own_x.min() - reach)
        & (x <= own_x.max() + reach)
        & (y >= own_y.min() - reach)
        & (y <= own_y.max() + reach)
    )
    near[cells] = False
    return np.flatnonzero(near)


def ground_of(world: World, treated: NDArray[np.int64]) -> Ground:
    free = np.ones(SIDE * SIDE, bool)
    free[treated] = False
    free[ring_of(treated)] = False
    return Ground(world.xy, world.traits, free)


AFTER_FROM = sum(LENGTHS[:AFTER])


def worst_patch(seen: NDArray[np.float64], size: int = 2) -> NDArray[np.int64]:
    """The patch with the most reports."""
    grid = seen.reshape(SIDE, SIDE)
    total = sum(np.roll(grid, (-v, -u), (0, 1)) for v in range(size) for u in range(size))
    assert not isinstance(total, int)
    total = total.copy()
    total[SIDE - size + 1 :], total[:, SIDE - size + 1 :] = -1, -1
    return patch(int(total.argmax()), size)


def place_for(way: str, rng: np.random.Generator, world: World, seen: NDArray[np.float64]) -> NDArray[np.int64]:
    """Where a measure is taken.

    Parameters
    ----------
    way
        random: anywhere, more often where there is much; worst: where most was seen just before (the choice part);
        worst_of_year: where most was seen in all the time before; known: where it is truly worst, whatever was seen.
    seen
        Shape (periods, cells): reports.
    """
    if way == "random":
        return patch(int(rng.choice(SIDE * SIDE, p=world.level / world.level.sum())))
    shown = {
        "worst": seen[AFTER_FROM - LENGTHS[3] : AFTER_FROM].sum(axis=0),
        "worst_of_year": seen[:AFTER_FROM].sum(axis=0),
        "known": world.level,
    }
    return worst_patch(shown[way])


def one_measure(
    seed: tuple[int, ...], way: str, ratio: float, moved: float = 1.0, *, of_ring: bool = False
) -> Estimate | TooLittle:
    """The estimate of a measure with a known effect in a city of its own.

    Parameters
    ----------
    ratio, moved
        What becomes of the rate in the measure's cells, and in the ring around.
    of_ring
        Whether the ring's estimate is asked for.
    """
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    seen = count(rng, world.rate)
    treated = place_for(way, rng, world, seen)
    rate = world.rate.copy()
    rate[AFTER_FROM:, treated] *= ratio
    rate[AFTER_FROM:, ring_of(treated)] *= moved
    seen[AFTER_FROM:] = count(rng, rate[AFTER_FROM:])
    cells = ring_of(treated) if of_ring else treated
    return effect(neighbourhood(ground_of(world, treated), len(cells)), cells, parts(seen), DEMAND)


def several_measures(seed: tuple[int, ...], way: str, ratio: float, measures: int = 5) -> Pooled | None:
    """The mean of measures of one kind in one city; None where fewer than two can be judged."""
    rng = np.random.default_rng(seed)
    world = make_world(rng)
    seen = count(rng, world.rate)
    rate, shown = world.rate.copy(), seen.copy()
    patches: list[NDArray[np.int64]] = []
    while len(patches) < measures:
        treated = place_for(way, rng, world, shown)
        around = np.concatenate([treated, ring_of(treated)])
        if not any(np.isin(around, other).any() for other in patches):
            patches.append(treated)
        shown[:, around] = -1
    for treated in patches:
        rate[AFTER_FROM:, treated] *= ratio
    seen[AFTER_FROM:] = count(rng, rate[AFTER_FROM:])
    free = np.ones(SIDE * SIDE, bool)
    for treated in patches:
        free[treated] = free[ring_of(treated)] = False
    around_all = neighbourhood(Ground(world.xy, world.traits, free), patches[0].size)
    taken = np.zeros(SIDE * SIDE, bool)
    found = []
    for treated in patches:
        one = effect(around_all, treated, parts(seen), DEMAND, taken)
        if isinstance(one, Estimate):
            taken[one.matches] = True
            found.append(one)
    return pooled(found, DEMAND.confidence, seed=1) if len(found) > 1 else None
