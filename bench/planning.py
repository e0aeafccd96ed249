"""Where to look and where to stand: hot spots beside esda, and how 200 streets should be staffed."""

from __future__ import annotations

import heapq
import warnings
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np
import shapely
from esda.getisord import G_Local
from libpysal.weights import W

from bench import importing
from bench.city import METRIC
from bench.measure import Measured, in_turn, seconds
from gis.density import DensityQuery
from gis.geometry.datum import metric_transformer
from gis.geometry.gi_star import Neighbours, gi_star, permutation_tails, within_reach
from gis.ground import load_ground
from gis.hot_spots import HotSpotQuery, hot_spots
from gis.posting_programme import best_posting
from gis.rules.policy import POLICIES
from gis.rules.posting import TIERS, Post, missing_by_tier, posting_cost, scale_of
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

USUAL = 999
BESIDE_ESDA = 10_000
STREETS = 200
LIMIT_S = 10.0
FROM, TO = date(2016, 5, 1), date(2016, 6, 1)


def section(bench: Bench) -> list[Measured]:
    """The permutations alone, the whole answer, and a proposal."""
    return [_permutations(bench), *_answers(bench), _proposal()]


def _permutations(bench: Bench) -> Measured:
    cells = bench.cells[:BESIDE_ESDA]
    centres = shapely.centroid(cells)
    x, y = metric_transformer(METRIC).transform(shapely.get_x(centres), shapely.get_y(centres))
    neighbours = within_reach(np.asarray(x), np.asarray(y), POLICIES[0].hotspot_reach_m)
    values = np.random.default_rng(1).gamma(1, 1, len(cells))  # without ties, which esda counts on one side only
    weights = _weights(neighbours)

    def theirs() -> G_Local:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return G_Local(values, weights, star=True, transform="B", permutations=USUAL, seed=1, n_jobs=1)

    spent, answers = in_turn({"ours": lambda: permutation_tails(values, neighbours, USUAL, 1), "esda": theirs}, 3)
    high, low = answers["ours"]
    apart = np.abs((np.minimum(high, low) + 1) / (USUAL + 1) - answers["esda"].p_sim)
    scores = np.abs(gi_star(values, neighbours) - answers["esda"].Zs).max()
    return Measured(
        f"Gi* of {len(cells):,} cells, {USUAL} conditional permutations",
        spent["ours"],
        {"esda (without numba)": spent["esda"]},
        identical=f"z differ by {scores:.0e}, p (both drawn) by {apart.mean():.3f} on average",
        note="without the weights of either",
    )


def _weights(neighbours: Neighbours) -> W:
    ends = np.cumsum(neighbours.count)
    near = {
        place: neighbours.other[end - count : end].tolist()
        for place, (count, end) in enumerate(zip(neighbours.count.tolist(), ends.tolist(), strict=True))
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return W(near, silence_warnings=True)


def _answers(bench: Bench) -> list[Measured]:
    held = importing.filled(bench, bench.rows(10_000_000))
    found = []
    with transaction(bench.engine, read_only=True) as conn:
        ground = load_ground(conn)
        for permutations in (USUAL, None):
            # A window of its own each time: none is in memory.
            first = iter(FROM + timedelta(days=day) for day in range(9))
            spent, answer = seconds(
                lambda first=first, wanted=permutations: hot_spots(
                    conn, HotSpotQuery("cell", DensityQuery(next(first), TO), wanted), ground
                ),
                rounds=3,
            )
            total = answer.total()
            found.append(
                Measured(
                    f"hot spots of a month, {len(ground.cell_ids):,} cells, {held:,} reports, "
                    f"{answer.permutations:,} permutations",
                    spent,
                    {"asked for": LIMIT_S},
                    {"asked for": 1},
                    note=f"{total['hot']:,} hot, {total['cold']:,} cold",
                )
            )
    return found


def _proposal() -> Measured:
    rng = np.random.default_rng(3)
    posts = [
        Post(
            f"{street:03d}",
            tier,
            int(np.ceil(km2 * per_km2)),
            int(rng.poisson(km2 * per_km2 * 40 * rng.gamma(1, 1))),
            int(km2 * per_km2 * rng.uniform(0.5, 1.4)),
        )
        for street in range(STREETS)
        for tier, per_km2 in zip(TIERS, (30, 20, 10), strict=True)
        for km2 in [rng.gamma(1, 0.8)]
    ]
    people = int(1.2 * sum(post.required for post in posts))
    scale = scale_of(posts, people, POLICIES[0].posting_move_gain)
    spent, found = seconds(lambda: best_posting(posts, people, {}, scale), rounds=3)
    greedy_s, greedy = seconds(lambda: _one_by_one(posts, people, scale.mean_load, scale.move_cost))
    differ = posting_cost(posts, found.people, scale) - posting_cost(posts, greedy, scale)
    return Measured(
        f"posting {people:,} people on {len(posts)} posts by the integer programme",
        spent,
        {"asked for": LIMIT_S},
        {"asked for": 1},
        identical=f"costs differ by {abs(differ):.0e} from posting one person at a time, best where no street is capped"
        f" ({greedy_s:.2f} s); {missing_by_tier(posts, found.people)} missing",
    )


def _one_by_one(posts: list[Post], people: int, mean: float, move: float) -> list[int]:
    """One person at a time to where it helps most: minima first, then the load."""
    found = [0] * len(posts)

    def change(at: int) -> tuple[int, float]:
        post, count = posts[at], found[at]
        loads = (post.work / mean) ** 2 * (1 / (count + 1) - 1 / (count or 0.5))
        return -int(count < post.required), loads - move * (count < post.on_post)

    queue = [(change(at), at) for at in range(len(posts))]
    heapq.heapify(queue)
    for _ in range(people):
        at = queue[0][1]
        found[at] += 1
        heapq.heapreplace(queue, (change(at), at))
    return found
