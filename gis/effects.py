"""Effects of measures 措施成效: before and after against places alike, the ring around, and what that says (clause 12).

Facts (SQL): counts of cells by ten-day period, what cells are like, which a measure touches. Estimate (pure):
`gis.effect_estimate`. Words and days (pure): `gis.rules.effect`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.effect_estimate import AFTER, CHOICE, Demand, Estimate, TooLittle, effect, neighbourhood
from gis.effect_matching import TIER_WEIGHT, Floats, Ints
from gis.effect_matching import Ground as Compared
from gis.geometry.datum import metric_transformer
from gis.ground import Ground
from gis.measures import Measure
from gis.period_counts import counts_of_periods
from gis.policies import city_policy
from gis.rules.effect import TOO_LITTLE, EffectWindow, effect_window, in_words, too_little, verdict
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.store.copying import copy_out_array
from gis.store.database import sql

CELL_FIELDS = {"id": "int4", "lon": "float8", "lat": "float8", "road_m": "float8", "main_m": "float8"}
USUAL_ROAD_M = 100.0
"""A cell with one street through it and a cell with none differ as much as levels usually do."""
PARTS = ("matching", "baseline", "choice", "after")


@dataclass(frozen=True)
class EffectQuery:
    """Of which problems the effect is asked, as in `gis.density.DensityQuery`; empty: all."""

    categories: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlaceEffect:
    """What can be said of one group of cells: those a measure touches, or its ring.

    Parameters
    ----------
    cells
        Ranks in the ground.
    found
        The estimate, or why there is none.
    """

    cells: Ints
    found: Estimate | TooLittle

    def as_dict(self, ground: Ground, window: EffectWindow, confidence: float) -> dict[str, Any]:
        """Numbers, words and the places that were compared, by their codes."""
        counts = _by_part(self.found.treated)
        codes = [ground.cell_codes[cell] for cell in self.cells.tolist()]
        if isinstance(self.found, TooLittle):
            words, words_zh = too_little(self.found.reason, self.found.found, self.found.needed)
            said = {"verdict": TOO_LITTLE, "text": words, "text_zh": words_zh, "reason": self.found.reason}
            return said | dict.fromkeys(("ratio", "low", "high", "p")) | {"cells": codes, "counts": counts}
        low, high = self.found.interval
        words, words_zh = in_words(self.found.ratio, low, high, confidence)
        return {
            "verdict": verdict(low, high),
            "text": words,
            "text_zh": words_zh,
            "reason": None,
            "ratio": self.found.ratio,
            "low": low,
            "high": high,
            "p": self.found.p,
            "cells": codes,
            "counts": counts,
            "before_after": _plain_change(self.found.treated, window),
            "controls": {
                "counts": _by_part(self.found.controls),
                "before_after": _plain_change(self.found.controls, window),
                "places": [[ground.cell_codes[cell] for cell in place] for place in self.found.matches.tolist()],
            },
            "placebos": len(self.found.strayed),
        }


@dataclass(frozen=True)
class MeasureEffect:
    """What can be said of one measure.

    Parameters
    ----------
    touched, ring
        None where the days do not suffice.
    lacking
        Reason, found and needed where the days do not suffice.
    beside
        Refs of other measures in the same cells in the window: the estimate is of all of them together.
    """

    measure: Measure
    policy: Policy
    window: EffectWindow
    touched: PlaceEffect | None = None
    ring: PlaceEffect | None = None
    lacking: tuple[str, int, int] | None = None
    beside: list[str] = field(default_factory=list)

    def as_dict(self, ground: Ground) -> dict[str, Any]:
        """For JSON."""
        head = {**self.measure.as_dict(), "window": self.window.as_dict(), "beside": self.beside}
        head["rule"] = rule_of(self.policy)
        if self.touched is None or self.ring is None:
            lacking = self.lacking or ("cells", 0, 1)
            words, words_zh = too_little(*lacking)
            said = {"verdict": TOO_LITTLE, "text": words, "text_zh": words_zh, "reason": lacking[0]}
            return {**head, **said, **dict.fromkeys(("ratio", "low", "high", "p", "ring"))}
        confidence = self.policy.effect_confidence
        touched = self.touched.as_dict(ground, self.window, confidence)
        return {**head, **touched, "ring": self.ring.as_dict(ground, self.window, confidence)}


def rule_of(policy: Policy) -> dict[str, Any]:
    """The numbers by which an effect was judged."""
    names = [name for name in Policy.__dataclass_fields__ if name.startswith("effect_")]
    return {"policy": policy.effective, **{name: getattr(policy, name) for name in names}}


def measure_effects(
    conn: Connection,
    ground: Ground,
    asked: Sequence[Measure],
    query: EffectQuery,
    *,
    apart: bool = False,
    watched: Callable[[Sequence[Measure]], Iterable[Measure]] = iter,
) -> list[MeasureEffect]:
    """The effect of each measure by itself.

    Cells that any measure reached in the window (touched, or in its ring) are compared with nothing; so no place is
    compared with the ring into which its problems may have moved.

    Parameters
    ----------
    apart
        Whether a place may be compared with one measure only, the first one that wants it.
    watched
        Goes through the measures, e.g. with a bar; each takes up to a second.

    Raises
    ------
    ParameterError
        There is no such category or source.
    """
    if not asked:
        return []
    compared = _compared(conn, ground)
    taken = [np.zeros(len(ground.cell_ids), bool) for _ in range(2)] if apart else [None, None]
    counted = _Counted(conn, ground, query)
    return [_effect_of(conn, ground, compared, measure, counted, taken) for measure in watched(asked)]


class _Counted:
    """Counts of windows; those of the last one are kept, as measures of a kind often share theirs."""

    def __init__(self, conn: Connection, ground: Ground, query: EffectQuery) -> None:
        self._ask = partial(counts_of_periods, conn, ground, "cell", categories=query.categories, sources=query.sources)
        self._kept: tuple[tuple[Period, ...], NDArray[np.int64]] | None = None

    def of(self, periods: tuple[Period, ...]) -> NDArray[np.int64]:
        """Reports of every cell in every period."""
        if self._kept is None or self._kept[0] != periods:
            self._kept = periods, self._ask(periods)
        return self._kept[1]


def _effect_of(
    conn: Connection,
    ground: Ground,
    compared: Compared,
    measure: Measure,
    counted: _Counted,
    taken: Sequence[NDArray[np.bool_] | None],
) -> MeasureEffect:
    policy = city_policy(conn, measure.valid_from)
    window = effect_window(measure.begun or measure.valid_from, measure.valid_from, measure.valid_to, policy)
    counts = counted.of(window.periods)
    window, kept, lacking = _known_part(window, counts, policy)
    touched, ring = _cells_of(conn, ground, measure, policy)
    beside = _beside(conn, ground, measure, touched, window)
    if lacking is None and not len(touched):
        lacking = ("cells", 0, 1)
    if lacking is not None:
        return MeasureEffect(measure, policy, window, lacking=lacking, beside=beside)
    free = np.ones(len(ground.cell_ids), bool)
    free[_reached(conn, ground, window, policy)] = False
    free[touched] = free[ring] = False
    on = Compared(compared.xy, compared.traits, free)
    parts = _parts(window, counts[kept])
    demand = demand_of(policy)
    found: list[PlaceEffect] = []
    for cells, held in zip((touched, ring), taken, strict=True):
        size = max(len(cells), 1)
        estimate = _no_ring(cells) or effect(neighbourhood(on, size), cells, parts, demand, held)
        if held is not None and isinstance(estimate, Estimate):
            held[estimate.matches] = True
        found.append(PlaceEffect(cells, estimate))
    return MeasureEffect(measure, policy, window, found[0], found[1], beside=beside)


def _no_ring(cells: Ints) -> TooLittle | None:
    """A measure that fills its surroundings has no ring of cells."""
    return None if len(cells) else TooLittle("cells", 0, 1, np.zeros(AFTER + 1))


def demand_of(policy: Policy) -> Demand:
    """What a policy asks of an estimate."""
    return Demand(
        matches=policy.effect_matches,
        least_matches=policy.effect_least_matches,
        level_factor=policy.effect_level_factor,
        least_reports=policy.effect_least_reports,
        placebos=policy.effect_placebos,
        least_placebos=policy.effect_least_placebos,
        confidence=policy.effect_confidence,
    )


def _known_part(
    window: EffectWindow, counts: NDArray[np.int64], policy: Policy
) -> tuple[EffectWindow, NDArray[np.bool_], tuple[str, int, int] | None]:
    """The window without periods after the last one known, which of its periods these are, and what is lacking."""
    totals = counts.sum(axis=1)
    before = len(window.matching) + len(window.baseline) + len(window.choice)
    usual = float(np.median(totals[:before])) or float(np.median(totals))
    known = (totals >= policy.effect_known_share * usual) & (totals > 0)
    works = before + len(window.works)
    after = int(np.argmin(np.append(known[works:], False)))
    kept = np.arange(len(totals)) < works + after
    cut = EffectWindow(window.matching, window.baseline, window.choice, window.works, window.after[:after])
    if (seen := int(known[:before].sum())) < before:
        return cut, kept, ("before", seen, before)
    if after < policy.effect_after_least:
        return cut, kept, ("after", after, policy.effect_after_least)
    return cut, kept, None


def _parts(window: EffectWindow, counts: NDArray[np.int64]) -> Floats:
    """Counts of the parts: two halves of the matching part, baseline, choice, after."""
    half = len(window.matching) // 2
    lengths = (half, len(window.matching) - half, *(len(part) for part in _later(window)))
    ends = np.cumsum(lengths)
    rows = [counts[end - length : end].sum(axis=0) for end, length in zip(ends, lengths, strict=True)]
    return np.array([*rows[:4], rows[5]], np.float64)


def _later(window: EffectWindow) -> tuple[tuple[Period, ...], ...]:
    return window.baseline, window.choice, window.works, window.after


def _compared(conn: Connection, ground: Ground) -> Compared:
    """Where cells are and what they are like, by rank."""
    rows = copy_out_array(conn, sql("effect_cells"), {}, CELL_FIELDS)
    n = len(ground.cell_ids)
    xy, traits = np.zeros((n, 2)), np.zeros((n, 4))
    rank = ground.rank_of_cell[rows["id"]] if len(rows) else np.empty(0, np.int32)
    xy[rank] = np.column_stack(metric_transformer(ground.city.metric_crs).transform(rows["lon"], rows["lat"]))
    tiers = np.array(ground.cell_tiers)
    traits[:, 0], traits[:, 1] = TIER_WEIGHT * (tiers == "key"), TIER_WEIGHT * (tiers == "secondary")
    traits[rank, 2], traits[rank, 3] = rows["road_m"] / USUAL_ROAD_M, rows["main_m"] / USUAL_ROAD_M
    return Compared(xy, traits, np.ones(n, bool))


def _cells_of(conn: Connection, ground: Ground, measure: Measure, policy: Policy) -> tuple[Ints, Ints]:
    """Ranks of the cells that a measure touches, and of those in its ring."""
    asked = {"ids": [measure.id], "ring_m": policy.effect_ring_m, "from_day": None, "to_day": None}
    rows = conn.execute(sql("measure_cells"), asked).all()
    ranks = ground.rank_of_cell[np.array([row.cell_id for row in rows], np.int64)] if rows else np.empty(0, np.int64)
    touched = np.array([row.touched for row in rows], bool)
    return ranks[touched].astype(np.int64), ranks[~touched].astype(np.int64)


def _reached(conn: Connection, ground: Ground, window: EffectWindow, policy: Policy) -> Ints:
    """Ranks of all cells that any measure touched, or had in its ring, in the window."""
    days = {"from_day": window.periods[0].first, "to_day": window.periods[-1].after}
    rows = conn.execute(sql("measure_cells"), {"ids": None, "ring_m": policy.effect_ring_m, **days}).all()
    ids = np.unique(np.array([row.cell_id for row in rows], np.int64))
    return ground.rank_of_cell[ids].astype(np.int64)


def _beside(conn: Connection, ground: Ground, measure: Measure, touched: Ints, window: EffectWindow) -> list[str]:
    days = {"from_day": window.periods[0].first, "to_day": window.periods[-1].after}
    cells = ground.cell_ids[touched].tolist()
    return list(conn.execute(sql("measures_beside"), {"id": measure.id, "cells": cells, **days}).scalars())


def _by_part(counts: Floats) -> dict[str, int]:
    early, late, baseline, choice, after = (int(one) for one in counts)
    return dict(zip(PARTS, (early + late, baseline, choice, after), strict=True))


def _plain_change(counts: Floats, window: EffectWindow) -> float | None:
    """Reports per day after, of those per day in the choice part: what a glance before and after would say."""
    before_days = (window.choice[-1].after - window.choice[0].first).days if window.choice else 0
    after_days = (window.after[-1].after - window.after[0].first).days
    if not before_days or not counts[CHOICE]:
        return None
    return float((counts[AFTER] / after_days) / (counts[CHOICE] / before_days))
