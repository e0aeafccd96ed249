"""The mean effect of all measures of a kind (clause 12)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from gis.effect_estimate import Estimate
from gis.effect_pooling import Pooled, pooled
from gis.effects import EffectQuery, MeasureEffect, PlaceEffect, measure_effects
from gis.errors import TooCostly
from gis.ground import Ground
from gis.measures import Measure, measures
from gis.rules.effect import TOO_LITTLE, in_words, too_little, verdict

SEED = 20150101
"""Of the draw that tells how far a mean strays; said in every answer, so that anybody may repeat it."""
LEAST = 2


@dataclass(frozen=True)
class KindEffect:
    """What can be said of a kind.

    Parameters
    ----------
    effects
        Of each measure by itself, in the order of refs.
    touched, ring
        Means of those that can be judged; None where these are fewer than two.
    """

    kind: str
    effects: list[MeasureEffect]
    touched: Pooled | None
    ring: Pooled | None
    seed: int

    def as_dict(self, ground: Ground) -> dict[str, Any]:
        """For JSON."""
        rows = [one.as_dict(ground) for one in self.effects]
        confidence = self.effects[0].policy.effect_confidence if self.effects else 0.0
        return {
            "kind": self.kind,
            "measures": len(rows),
            "cost_yuan": sum(row["cost_yuan"] or 0 for row in rows),
            **_said(self.touched, [one.touched for one in self.effects], confidence),
            "ring": _said(self.ring, [one.ring for one in self.effects], confidence),
            "seed": self.seed,
            "rows": rows,
        }


def kind_effect(
    conn: Connection,
    ground: Ground,
    kind: str,
    query: EffectQuery,
    *,
    seed: int = SEED,
    most: int | None = None,
    watched: Callable[[Sequence[Measure]], Iterable[Measure]] = iter,
) -> KindEffect:
    """The effects of all measures of a kind, and their mean; weights are how sure each is.

    No two measures are compared with the same place, so that their estimates stray independently of one another.

    Parameters
    ----------
    most
        How many measures may be asked about; None: any number.
    watched
        As in `gis.effects.measure_effects`.

    Raises
    ------
    ParameterError
        There is no such category or source.
    TooCostly
        The kind has more than `most` measures.
    """
    found = measures(conn, kind=kind)
    if most is not None and len(found) > most:
        msg = (
            f"{len(found)} measures are of the kind {kind}, more than {most}: finegrid measures effects judges them all"
        )
        raise TooCostly(msg)
    effects = measure_effects(conn, ground, found, query, apart=True, watched=watched)
    return KindEffect(
        kind,
        effects,
        _mean([one.touched for one in effects], effects, seed),
        _mean([one.ring for one in effects], effects, seed),
        seed,
    )


def _judged(places: Sequence[PlaceEffect | None]) -> list[Estimate]:
    return [one.found for one in places if one is not None and isinstance(one.found, Estimate)]


def _mean(places: Sequence[PlaceEffect | None], effects: Sequence[MeasureEffect], seed: int) -> Pooled | None:
    estimates = _judged(places)
    if len(estimates) < LEAST:
        return None
    return pooled(estimates, effects[0].policy.effect_confidence, seed)


def _said(mean: Pooled | None, places: Sequence[PlaceEffect | None], confidence: float) -> dict[str, Any]:
    judged = len(_judged(places))
    if mean is None:
        words, words_zh = too_little("measures", judged, LEAST)
        said = {"verdict": TOO_LITTLE, "text": words, "text_zh": words_zh}
        return {"judged": judged, **said, "ratio": None, "low": None, "high": None, "p": None}
    low, high = mean.interval
    words, words_zh = in_words(mean.ratio, low, high, confidence)
    said = {"verdict": verdict(low, high), "text": words, "text_zh": words_zh}
    return {"judged": judged, **said, "ratio": mean.ratio, "low": low, "high": high, "p": mean.p}
