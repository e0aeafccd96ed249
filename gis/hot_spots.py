"""Hot spots 热点: where problems are denser than chance would have it, by Gi* and permutations (clause 9).

    reports per km2 of each place -> Gi* over it and its neighbours -> permutations -> p -> q -> verdict

Worked out when asked for, and kept in memory for as long as the data stays the same: with the seed that an answer
names, the same data give the same answer on any machine, so nothing needs to be stored.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.density import DensityQuery, DensityTable, density
from gis.errors import ParameterError
from gis.geometry.datum import metric_transformer
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
from gis.ground import Ground, load_ground
from gis.policies import city_policy
from gis.rules.policy import Policy
from gis.store.copying import copy_out_fields
from gis.store.database import sql
from gis.tiles.kept import Kept, Key

DEFAULT_SEED = 1
FEWEST_PERMUTATIONS, MOST_PERMUTATIONS = 99, 999_999
MOST_SEED = 2**53
LAYERS = ("city", "reports", "categories", "cells", "areas", "policy")
HOT, COLD, NOT_SIGNIFICANT = "hot", "cold", "not_significant"
VERDICTS = (HOT, COLD, NOT_SIGNIFICANT)
VERDICT_ZH = {HOT: "热点", COLD: "冷点", NOT_SIGNIFICANT: "不显著"}
COLUMNS = (
    "code",
    "name",
    "count",
    "area_km2",
    "per_km2",
    "neighbours",
    "z",
    "p_sim",
    "q",
    "verdict",
    "verdict_zh",
    "note",
)
TOO_SMALL = "too small to be tested: under {least:g} m2"
NO_CELLS = "no cells: without responsible area there is nothing to be tested"
ALONE = "no neighbours: it stands alone, so nothing can be said"
M2_PER_KM2 = 1e6


@dataclass(frozen=True)
class HotSpotQuery:
    """What is tested.

    Parameters
    ----------
    level
        cell, or a level of areas that the city has.
    counted
        Window, categories and sources; neither box nor operation, because every place is compared with all.
    permutations
        How many random arrangements; None: as many as let one hot spot stand out among all (`enough_permutations`).
    seed
        Of the generator (NumPy's PCG64).
    """

    level: str
    counted: DensityQuery
    permutations: int | None = None
    seed: int = DEFAULT_SEED

    def __post_init__(self) -> None:
        """Refuse what cannot be."""
        if self.permutations is not None and not FEWEST_PERMUTATIONS <= self.permutations <= MOST_PERMUTATIONS:
            msg = f"{self.permutations} is not between {FEWEST_PERMUTATIONS} and {MOST_PERMUTATIONS:,}; 999 is usual"
            raise ParameterError("permutations", msg)
        if not 0 <= self.seed <= MOST_SEED:
            raise ParameterError("seed", f"{self.seed} is not between 0 and {MOST_SEED}")


@dataclass(frozen=True)
class HotSpots:
    """The places of a level in code order, tested.

    Parameters
    ----------
    table
        Columns as COLUMNS; z, p_sim, q are nan and verdict None where a place was not tested.
    permutations
        How many were used.
    facts_sha256
        Of the code, count and area of every place: what the answer was worked out from.
    """

    query: HotSpotQuery
    table: DensityTable
    policy: Policy
    permutations: int
    facts_sha256: str

    def head(self) -> dict[str, Any]:
        """What the answer says besides its rows."""
        policy, counted = self.policy, self.query.counted
        reach = (
            f"cells whose centres are at most {policy.hotspot_reach_m:g} m apart"
            if self.query.level == "cell"
            else f"areas that touch (gaps up to {policy.hotspot_gap_m:g} m)"
        )
        return {
            "level": self.query.level,
            "from": counted.from_day,
            "to": counted.to_day,
            "days": counted.days,
            "method": "Gi* on reports per km2, conditional permutations, two-sided p, Benjamini-Hochberg",
            "weights": f"binary, the place itself included: {reach}",
            "permutations": self.permutations,
            "seed": self.query.seed,
            "fdr": policy.hotspot_fdr,
            "total": self.total(),
            **dict(zip(("verdict", "verdict_zh"), self.verdict(), strict=True)),
            "facts_sha256": self.facts_sha256,
        }

    def total(self) -> dict[str, int]:
        """How many places of each verdict, and how many were not tested."""
        found = list(self.table.columns["verdict"])
        return {**{one: found.count(one) for one in VERDICTS}, "not_tested": found.count(None)}

    def verdict(self) -> tuple[str, str]:
        """The whole answer in a sentence: English, Chinese."""
        total, share = self.total(), 100 * self.policy.hotspot_fdr
        tested = sum(total[one] for one in VERDICTS)
        if not total[HOT] and not total[COLD]:
            return (
                f"not significant: at none of {tested} places are problems denser or thinner than chance would have it",
                f"不显著：{tested} 处中没有一处的问题密度超出随机波动",
            )
        return (
            f"{total[HOT]} hot and {total[COLD]} cold among {tested} places; "
            f"at most {share:g} % of these are expected to be chance"
        ), f"{tested} 处中热点 {total[HOT]} 处、冷点 {total[COLD]} 处；其中误判比例预期不超过 {share:g}%"


_kept: Kept[HotSpots] = Kept(4)
_neighbours: Kept[tuple[NDArray[np.int64], Neighbours]] = Kept(4)


def hot_spots(conn: Connection, query: HotSpotQuery, ground: Ground | None = None) -> HotSpots:
    """Test every place of a level.

    Parameters
    ----------
    conn
        Its transaction sees one snapshot, so that versions and data belong together.
    ground
        As the transaction sees it; None: it is read where it is needed.

    Raises
    ------
    ParameterError
        The city has no such level, or the dictionary no such category.
    """
    if query.counted.bbox is not None or query.counted.operation is not None:
        msg = "hot spots compare every place with all others: neither a box nor an operation goes with them"
        raise ParameterError("bbox", msg)
    state = _state(conn, LAYERS)
    key = Key((str(conn.engine.url), "hot spots"), state, query)
    return _kept.get(key, lambda: _tested(conn, query, ground or load_ground(conn)))


def _state(conn: Connection, layers: tuple[str, ...]) -> tuple[tuple[int, int], ...]:
    seen = {row.layer: (row.version, row.changed_us) for row in conn.execute(sql("data_versions"))}
    return tuple(seen.get(layer, (0, 0)) for layer in layers)


def _tested(conn: Connection, query: HotSpotQuery, ground: Ground) -> HotSpots:
    policy = city_policy(conn, query.counted.from_day)
    counted = density(conn, ground, query.level, query.counted)
    codes, counts, km2 = (counted.columns[name] for name in ("code", "count", "area_km2"))
    at, neighbours = _ready(conn, ground, query.level, policy)
    together = float(neighbours.count.mean()) + 1 if len(at) else 1.0
    permutations = query.permutations or enough_permutations(len(at), together, policy)
    size = len(counted)
    z, p, q = (np.full(size, np.nan) for _ in range(3))
    around = np.zeros(size, np.int64)
    rates = counted.columns["per_km2"][at]
    around[at] = neighbours.count
    if len(at):
        high, low = permutation_tails(rates, neighbours, permutations, query.seed)
        z[at] = gi_star(rates, neighbours)
        p[at] = two_sided(high, low, permutations)
        q[at] = false_discovery_rates(p[at])
        upper = np.zeros(size, bool)
        upper[at] = high < low
    else:
        upper = np.zeros(size, bool)
    found = _verdicts(z, q, upper, policy.hotspot_fdr)
    tested = np.zeros(size, bool)
    tested[at] = True
    columns = {
        **{name: counted.columns[name] for name in COLUMNS[:5]},
        "neighbours": around,
        "z": z,
        "p_sim": p,
        "q": q,
        "verdict": [one if yes else None for one, yes in zip(found, tested.tolist(), strict=True)],
        "verdict_zh": [VERDICT_ZH[one] if yes else None for one, yes in zip(found, tested.tolist(), strict=True)],
        "note": _notes(tested, km2, around, policy),
    }
    table = replace(counted, columns=columns)
    return HotSpots(query, table, policy, permutations, _digest(codes, counts, km2))


def enough_permutations(places: int, together: float, policy: Policy) -> int:
    """So many that one hot spot could stand out among all places: 999, or ten, hundred or thousand times as many.

    With P permutations no p is below 2 / (P + 1), and m places alone need p <= fdr * m / places. With 999 and 10,000
    cells false-discovery control could never call fewer than 400 cells hot; a hot spot is a place with its neighbours.

    Parameters
    ----------
    together
        Places that a hot spot is made of: neighbours on average, and the place itself.
    """
    found = policy.hotspot_permutations
    while found < MOST_PERMUTATIONS and 2 / (found + 1) > policy.hotspot_fdr * together / max(1, places):
        found = min(MOST_PERMUTATIONS, (found + 1) * 10 - 1)
    return found


def _verdicts(z: Floats, q: Floats, upper: NDArray[np.bool_], fdr: float) -> list[str]:
    """Hot or cold where q is small and the score says the same; else not significant."""
    with np.errstate(invalid="ignore"):
        hot = (q <= fdr) & upper & (z > 0)
        cold = (q <= fdr) & ~upper & (z < 0)
    return np.where(hot, HOT, np.where(cold, COLD, NOT_SIGNIFICANT)).tolist()


def _notes(tested: NDArray[np.bool_], km2: Floats, around: NDArray[np.int64], policy: Policy) -> list[str | None]:
    small = TOO_SMALL.format(least=policy.hotspot_least_m2)
    found: list[str | None] = []
    for yes, area, near in zip(tested.tolist(), km2.tolist(), around.tolist(), strict=True):
        found.append((None if near else ALONE) if yes else (small if area else NO_CELLS))
    return found


def _ready(conn: Connection, ground: Ground, level: str, policy: Policy) -> tuple[NDArray[np.int64], Neighbours]:
    """Which places are tested (positions in code order), and who is next to whom among them; kept per ground."""
    rule = policy.hotspot_reach_m, policy.hotspot_gap_m, policy.hotspot_least_m2
    key = Key((str(conn.engine.url), "neighbours"), _state(conn, ("city", "areas", "cells")), (level, rule))
    return _neighbours.get(
        key, lambda: _of_cells(conn, ground, policy) if level == "cell" else _of_areas(conn, ground, level, policy)
    )


def _of_cells(conn: Connection, ground: Ground, policy: Policy) -> tuple[NDArray[np.int64], Neighbours]:
    at = np.flatnonzero(ground.cell_dm2 >= policy.hotspot_least_m2 * 100)
    centres = shapely.centroid(_shapes(conn, "cell_geometries")[at])
    to_metric = metric_transformer(ground.city.metric_crs)
    x, y = to_metric.transform(shapely.get_x(centres), shapely.get_y(centres))
    return at, within_reach(np.asarray(x), np.asarray(y), policy.hotspot_reach_m)


def _of_areas(conn: Connection, ground: Ground, level: str, policy: Policy) -> tuple[NDArray[np.int64], Neighbours]:
    listed, position = ground.cells_by_area(level)
    with_cells = np.bincount(position[position >= 0], minlength=len(listed)) > 0
    at = np.flatnonzero(with_cells)
    rank = {area_id: number for number, area_id in enumerate(ground.areas)}
    shapes = _shapes(conn, "area_geometries")[[rank[listed[number].id] for number in at.tolist()]]
    to_metric = metric_transformer(ground.city.metric_crs)
    metric = shapely.transform(shapes, lambda points: np.column_stack(to_metric.transform(points[:, 0], points[:, 1])))
    return at, touching(metric, policy.hotspot_gap_m)


def _shapes(conn: Connection, question: str) -> NDArray[np.object_]:
    wkb = [bytes(field) for (field,) in copy_out_fields(conn, sql(question), {}) if field is not None]
    return np.asarray(shapely.from_wkb(np.array(wkb, object)))


def _digest(codes: list[str], counts: NDArray[np.int64], km2: Floats) -> str:
    lines = (
        f"{code}\t{count}\t{area:.8f}\n" for code, count, area in zip(codes, counts.tolist(), km2.tolist(), strict=True)
    )
    return hashlib.sha256("".join(lines).encode()).hexdigest()
