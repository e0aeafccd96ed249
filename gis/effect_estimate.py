"""The effect of a measure as a rate ratio, with an interval from places where nothing was done (clause 12).

Difference-in-differences on the logarithm: how the counts of the treated place changed from the baseline to after,
against how those of places alike changed. A ratio and not a difference per km2, because what moves counts
(season, patrols, how readily people report) moves many and few in proportion, so that differences of places with
different levels drift apart by themselves.

How far such an estimate strays where nothing was done is not assumed but seen: every place alike that has no measure is
treated as if it had one (a placebo), with matches of its own, by the same code. Pure NumPy and SciPy; no database.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls
from scipy.spatial import cKDTree

from gis.effect_matching import HALF, NONE, Floats, Ground, Ints, Places, alike, features, places_of, usual_spread

EARLY, LATE, BASELINE, CHOICE, AFTER = range(5)
"""Parts of the window, as rows of counts: two halves of the matching part, the baseline, what the choice was made by,
and after."""
LEAST_VARIANCE = 1e-12
MATCHED = (EARLY, LATE, CHOICE)
"""Parts whose levels are compared. Never the baseline: places that happen to be as high as the treated one in it would
fall back to their own mean afterwards. The choice part is compared, and is in neither side of the difference: who is
chosen for being worst in it falls back before the measure has done anything."""


@dataclass(frozen=True)
class Demand:
    """What an estimate needs and how sure it is to be.

    Parameters
    ----------
    matches, least_matches
        Places to compare with, and how many of them there must be.
    level_factor
        Their level in the matching part may differ from the treated one's by this factor at most.
    least_reports
        Reports that the treated place must have in its matching part.
    placebos, least_placebos
        Places treated as if, and how many there must be, side by side.
    confidence
        Of the interval.
    """

    matches: int
    least_matches: int
    level_factor: float
    least_reports: int
    placebos: int
    least_placebos: int
    confidence: float


@dataclass(frozen=True)
class Estimate:
    """A rate ratio: what the counts are of what they would be without the measure.

    Parameters
    ----------
    log_ratio, spread
        Estimate and its standard deviation on the logarithm.
    critical
        How many standard deviations the interval reaches to either side.
    p
        How often places without a measure stray as far.
    strayed
        Estimates of the placebos in their own standard deviations.
    treated, controls
        Counts of the parts (EARLY .. AFTER); of the controls, of all matches together.
    matches
        Shape (k, m): positions of the cells of each match.
    at, strayed_at
        Shape (2,) and (placebos, 2): middles of the place and of the placebos, metres.
    """

    log_ratio: float
    spread: float
    critical: float
    p: float
    strayed: Floats
    treated: Floats
    controls: Floats
    matches: Ints
    at: Floats
    strayed_at: Floats

    @property
    def ratio(self) -> float:
        """Below 1: fewer problems than without the measure."""
        return float(np.exp(self.log_ratio))

    @property
    def interval(self) -> tuple[float, float]:
        """Of the ratio."""
        reach = self.critical * self.spread
        return float(np.exp(self.log_ratio - reach)), float(np.exp(self.log_ratio + reach))


@dataclass(frozen=True)
class TooLittle:
    """Why nothing can be said: a name of the reason and what was found and needed."""

    reason: str
    found: int
    needed: int
    treated: Floats


@dataclass(frozen=True)
class Neighbourhood:
    """Places of one size on one ground, made ready to be compared; the same for any counts."""

    ground: Ground
    places: Places | None
    size: int


def neighbourhood(ground: Ground, size: int) -> Neighbourhood:
    """Make places of `size` cells."""
    return Neighbourhood(ground, places_of(ground, size), size)


def effect(
    around: Neighbourhood, treated: Ints, counts: Floats, demand: Demand, taken: NDArray[np.bool_] | None = None
) -> Estimate | TooLittle:
    """The effect of a measure on the cells it touches.

    Parameters
    ----------
    treated
        Positions of the treated cells; as many as the places have.
    counts
        Shape (5, n): reports of each cell in each part, EARLY .. AFTER.
    taken
        Shape (n,): cells that may not be compared with, as another measure is already that shall be averaged with this
        one; None: all may.
    """
    own = counts[:, treated].sum(axis=1)
    # Asked of the matching part: asked of the baseline, it would take places whose baseline is high by chance.
    if (reports := int(own[EARLY] + own[LATE])) < demand.least_reports:
        return TooLittle("reports", reports, demand.least_reports, own)
    places, side_by_side = around.places, int(around.ground.free.sum()) // around.size
    if places is None or side_by_side < demand.least_placebos:
        return TooLittle("places", side_by_side, demand.least_placebos, own)
    sums = places.sums(counts)
    levels = sums[list(MATCHED)]
    scale = usual_spread(levels)
    of_places = features(levels, places.traits, scale)
    tree = cKDTree(of_places)
    xy = around.ground.xy[treated]
    middle = xy.mean(axis=0, keepdims=True)
    reach = np.hypot(*(xy - middle).T).max(keepdims=True)
    wanted = features(own[list(MATCHED), None], around.ground.traits[treated].mean(axis=0, keepdims=True), scale)
    barred = None if taken is None else np.asarray(taken[places.members].any(axis=1))
    matches = alike(wanted, middle, reach, tree, places, demand.matches, barred)
    kept = _close(own[None], sums, matches, demand.level_factor)
    if (found := int(kept.sum())) < demand.least_matches:
        return TooLittle("matches", found, demand.least_matches, own)
    mimics = _mimics(wanted, tree, demand.placebos)
    of_mimics = alike(of_places[mimics], places.middle[mimics], places.radius[mimics], tree, places, demand.matches)
    close = _close(sums[:, mimics].T, sums, of_mimics, demand.level_factor)
    usable = close.sum(axis=1) >= demand.least_matches
    if (seen := int(usable.sum())) < demand.least_placebos:
        return TooLittle("placebos", seen, demand.least_placebos, own)
    placebo = _log_ratio(sums[:, mimics[usable]].T, sums, of_mimics[usable], close[usable])
    real = _log_ratio(own[None], sums, matches, kept)
    fitted = _fit_spread(placebo)
    strayed = placebo.value / fitted.of(placebo)
    spread = float(fitted.of(real)[0])
    value = float(real.value[0])
    beyond = np.sort(np.abs(strayed))
    # Placebos that share cells are not so many independent ones: the rank is that of as many as fit side by side.
    independent = len(np.unique(places.members[mimics[usable]])) / around.size
    share = min(ceil((independent + 1) * demand.confidence) / independent, 1.0)
    critical = float(np.quantile(beyond, share, method="higher"))
    as_far = float((beyond >= abs(value) / spread).mean())
    p = (1 + independent * as_far) / (independent + 1)
    chosen = matches[0][kept[0]]
    controls = sums[:, chosen].sum(axis=1)
    return Estimate(
        value,
        spread,
        critical,
        p,
        strayed,
        own,
        controls,
        places.members[chosen],
        middle[0],
        places.middle[mimics[usable]],
    )


def _mimics(wanted: Floats, tree: cKDTree, count: int) -> Ints:
    """The places most like the treated one."""
    count = min(count, tree.n)
    return np.asarray(tree.query(wanted[0], count)[1]).reshape(-1)


def _close(own: Floats, sums: Floats, matches: Ints, factor: float) -> NDArray[np.bool_]:
    """Which matches have about the level of their own place in the matching part; own is (w, parts)."""
    level = np.log(sums[EARLY] + sums[LATE] + HALF)
    apart = np.abs(level[matches] - np.log(own[:, EARLY] + own[:, LATE] + HALF)[:, None])
    return np.asarray((matches != NONE) & (apart <= np.log(factor)))


@dataclass(frozen=True)
class LogRatios:
    """Log ratios with what their spread depends on: the counts they are made of, and of how many places."""

    value: Floats
    counting: Floats
    drifting: Floats


def _log_ratio(own: Floats, sums: Floats, matches: Ints, kept: NDArray[np.bool_]) -> LogRatios:
    compared = np.where(kept, sums[:, matches], 0.0).sum(axis=2)
    before, after = own[:, BASELINE] + HALF, own[:, AFTER] + HALF
    of_before, of_after = compared[BASELINE] + HALF, compared[AFTER] + HALF
    value = np.log(after / before) - np.log(of_after / of_before)
    return LogRatios(value, 1 / before + 1 / after + 1 / of_before + 1 / of_after, 1 + 1 / kept.sum(axis=1))


@dataclass(frozen=True)
class Spread:
    """How far log ratios stray, as it depends on their counts.

    Parameters
    ----------
    phi
        How much more counts vary than by chance alone.
    sigma2
        Variance by which places drift by themselves, however much is counted.
    """

    phi: float
    sigma2: float

    def of(self, asked: LogRatios) -> Floats:
        """Standard deviation of each."""
        return np.asarray(np.sqrt(np.maximum(self.phi * asked.counting + self.sigma2 * asked.drifting, LEAST_VARIANCE)))


def _fit_spread(seen: LogRatios) -> Spread:
    """Fit to what was seen, weighted by the inverse of the variance, so that places with few reports do not decide."""
    weight = 1 / seen.counting
    columns = np.column_stack([seen.counting * weight, seen.drifting * weight])
    (phi, sigma2), _ = nnls(columns, np.square(seen.value) * weight)
    return Spread(float(phi), float(sigma2))
