"""The mean effect of several measures, with an interval that knows that neighbours stray together (clause 12).

Pure NumPy; no database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from gis.effect_estimate import Estimate
from gis.effect_matching import Floats

DRAWS = 4000
WITHIN = 0.25
"""Pairs of placebos count for a distance that differs from their own by this share at most."""
LEAST_PAIRS = 30


@dataclass(frozen=True)
class Pooled:
    """The mean effect of several measures, each weighted by how sure it is."""

    log_ratio: float
    spread: float
    critical: float
    p: float

    @property
    def ratio(self) -> float:
        """Below 1: fewer problems than without the measures."""
        return float(np.exp(self.log_ratio))

    @property
    def interval(self) -> tuple[float, float]:
        """Of the ratio."""
        reach = self.critical * self.spread
        return float(np.exp(self.log_ratio - reach)), float(np.exp(self.log_ratio + reach))


def pooled(estimates: Sequence[Estimate], confidence: float, seed: int) -> Pooled:
    """The mean of log ratios, weighted by the inverse of their variances.

    What happens in one part of the city happens to the measures there together, so that many measures beside each other
    are not so many witnesses. How much places stray together, by their distance, is seen among the placebos. The shape
    of the tails is drawn from the placebos of each measure.

    Parameters
    ----------
    seed
        Of these draws.
    """
    spreads = np.array([one.spread for one in estimates])
    weights = spreads**-2 / (spreads**-2).sum()
    value = float(weights @ np.array([one.log_ratio for one in estimates]))
    loads = weights * spreads
    spread = float(np.sqrt(loads @ _together(estimates) @ loads))
    rng = np.random.default_rng(seed)
    drawn = sum(load * rng.choice(one.strayed, DRAWS) for load, one in zip(loads, estimates, strict=True))
    # The spreads themselves were seen among few placebos, and are as unsure in the mean as in each.
    wider = sum(weight * _widening(one, confidence) for weight, one in zip(weights, estimates, strict=True))
    beyond = wider * np.sort(np.abs(np.asarray(drawn))) / np.sqrt(loads @ loads)
    critical = float(beyond[ceil(DRAWS * confidence) - 1])
    p = (1 + int((beyond >= abs(value) / spread).sum())) / (DRAWS + 1)
    return Pooled(value, spread, critical, p)


def _widening(estimate: Estimate, confidence: float) -> float:
    """By how much an estimate's own interval is wider than that of its placebos, for lack of independent ones."""
    return estimate.critical / float(np.quantile(np.abs(estimate.strayed), confidence))


def _together(estimates: Sequence[Estimate]) -> Floats:
    """Correlation of the errors of each two measures, by their distance; never negative."""
    at = np.array([one.at for one in estimates])
    distances = np.hypot(*np.moveaxis(at[:, None] - at[None], 2, 0))
    pairs = [_pairs(one) for one in estimates]
    apart = np.concatenate([distance for distance, _ in pairs])
    products = np.concatenate([product for _, product in pairs])
    order = np.argsort(apart)
    apart, summed = apart[order], np.concatenate([[0.0], np.cumsum(products[order])])
    low, high = (np.searchsorted(apart, distances * factor) for factor in (1 - WITHIN, 1 + WITHIN))
    number = high - low
    mean = np.where(number >= LEAST_PAIRS, (summed[high] - summed[low]) / np.maximum(number, 1), 0.0)
    together = np.clip(mean, 0.0, 1.0)
    np.fill_diagonal(together, 1.0)
    return together


def _pairs(estimate: Estimate) -> tuple[Floats, Floats]:
    """Distances of each two placebos, and the product of how far they stray."""
    at, strayed = estimate.strayed_at, estimate.strayed
    one, other = np.triu_indices(len(strayed), 1)
    return np.hypot(*(at[one] - at[other]).T), strayed[one] * strayed[other]
