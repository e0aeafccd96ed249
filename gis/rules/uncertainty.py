"""How sure is a rank 排名的把握: what the counts' own chance leaves open (clause 5).

A count of problems is a draw: the same street in the same state has 40 one time and 46 another. Counts of a kind are
taken as Poisson, so the points of a place, each kind's count times its weight, have the variance sum of n x weight^2.

*Rank interval.* Two places differ where their densities lie further apart than chance explains, and a place's rank lies
between 1 + (places that are better beyond chance) and N - (places that are worse beyond chance). These are pairwise
comparisons as of Goldstein and Spiegelhalter (1996), each at the stated confidence, not corrected for their number,
because the question is asked by one place: "can mine be told?" Where places hardly differ, as many intervals in a
hundred hold their true rank as the confidence says; where they do differ, more. The joint intervals of Klein, Wright
and Wieczorek (2020) hold for all places at once, are far wider, and answer whether the whole table is right.

*Smoothed density.* Marshall's (1991) empirical Bayes: each density is drawn towards the city's, the more the less was
counted. The mean and the spread between places are found by moments; for points, the variance of a count is its mean
times the points of an average problem.

All of it is whole numbers and exact decimals in an order of its own, so that it is the same on any machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext
from fractions import Fraction
from statistics import NormalDist

UNITS = 100_000
"""In one point, as in gis.rules.deductions."""
STORED = Decimal("0.000001")
Z_DIGITS = 6
"""So that the last bits of a logarithm, which differ between machines, decide nothing."""
DIGITS = 60
HALF = Fraction(1, 2)
"""Of an average problem, added to each variance, as Jeffreys' prior of a Poisson count does: none is never certain."""


@dataclass(frozen=True)
class Counted:
    """What was counted of a place.

    Parameters
    ----------
    points
        Whole units of 1/100,000 point.
    square_points
        The variance of that: the sum over problems of their units squared.
    exposure
        km2; of a month km2 x days. More than 0.
    """

    code: str
    points: int
    square_points: int
    exposure: Decimal


@dataclass(frozen=True)
class HowSure:
    """What can be said of its rank.

    Parameters
    ----------
    rank_low, rank_high
        Best and worst rank that chance leaves open.
    smoothed
        Empirical-Bayes density, points per exposure, six decimals.
    apart
        False: it cannot be told apart from a neighbour in rank, before it or after it.
    """

    code: str
    rank_low: int
    rank_high: int
    smoothed: Decimal
    apart: bool


def rank_intervals(places: Sequence[Counted], confidence: float) -> list[HowSure]:
    """Rank interval, smoothed density and whether a place stands apart, in the order in which places are given.

    Parameters
    ----------
    confidence
        Of a comparison of two places, e.g. 0.95; between 0 and 1.

    Raises
    ------
    ValueError
        A place has no exposure or negative points, stands twice, or the confidence is none.
    """
    _check(places, confidence)
    ordered = sorted(places, key=lambda one: one.code)
    squared = quantile(confidence) ** 2
    signs = _compared(ordered, squared)
    smoothed = smoothed_densities(ordered)
    apart = _apart(ordered, signs)
    answers = {}
    for at, (place, density) in enumerate(zip(ordered, smoothed, strict=True)):
        better, worse = signs[at].count(1), signs[at].count(-1)
        answers[place.code] = HowSure(place.code, 1 + better, len(places) - worse, density, apart[at])
    return [answers[place.code] for place in places]


def quantile(confidence: float) -> Fraction:
    """How many standard deviations a difference must have, six decimals: 1.959964 at 0.95."""
    return Fraction(Decimal(repr(round(NormalDist().inv_cdf((1 + confidence) / 2), Z_DIGITS))))


def _check(places: Sequence[Counted], confidence: float) -> None:
    if not 0 < confidence < 1:
        msg = f"a confidence lies between 0 and 1, such as 0.95, and is not {confidence}"
        raise ValueError(msg)
    if len({place.code for place in places}) < len(places):
        msg = "each place stands once"
        raise ValueError(msg)
    for place in places:
        if place.exposure <= 0 or place.points < 0 or place.square_points < 0:
            msg = f"{place.code}: a place that is ranked has an area, and points that are not negative"
            raise ValueError(msg)


def mean_problem(places: Sequence[Counted]) -> Fraction:
    """Units of an average problem, each weighed by its units: what a point's variance is a multiple of."""
    points = sum(place.points for place in places)
    return Fraction(sum(place.square_points for place in places), points) if points else Fraction(0)


def _compared(places: Sequence[Counted], squared: Fraction) -> list[list[int]]:
    """For each place and each other: 1 where the other is better beyond chance, -1 where it is worse, else 0."""
    # With exposures as whole numbers on one scale, densities are compared without a division:
    # (p / e - q / f)^2 > z^2 (v / e^2 + w / f^2)  is  (p f - q e)^2 > z^2 (v f^2 + w e^2).
    scale = Fraction(1)
    for place in places:
        scale = max(scale, Fraction(10) ** max(0, -int(place.exposure.as_tuple().exponent)))
    sizes = [int(Fraction(place.exposure) * scale) for place in places]
    squares = [size * size for size in sizes]
    extra = HALF * mean_problem(places) ** 2
    # Both sides times all denominators, so that everything is whole.
    much, little = squared.denominator * extra.denominator, squared.numerator
    variances = [(place.square_points * extra.denominator + extra.numerator) * little for place in places]
    signs = [[0] * len(places) for _ in places]
    for at, place in enumerate(places):
        own, size, square, variance = signs[at], sizes[at], squares[at], variances[at]
        for to in range(at):
            apart = place.points * sizes[to] - places[to].points * size
            if apart * apart * much > variance * squares[to] + variances[to] * square:
                own[to] = 1 if apart > 0 else -1
                signs[to][at] = -own[to]
    return signs


def _apart(places: Sequence[Counted], signs: Sequence[Sequence[int]]) -> list[bool]:
    """Whether each place differs beyond chance from all places of the ranks next to its own; a tie does not."""
    densities = [Fraction(place.points) / Fraction(place.exposure) for place in places]
    groups: dict[Fraction, list[int]] = {}
    for at in sorted(range(len(places)), key=densities.__getitem__):
        groups.setdefault(densities[at], []).append(at)
    ranks = list(groups.values())
    apart = [False] * len(places)
    for rank, members in enumerate(ranks):
        beside = [at for near in ranks[max(rank - 1, 0) : rank + 2] if near is not members for at in near]
        if len(members) == 1:
            apart[members[0]] = all(signs[members[0]][at] for at in beside)
    return apart


def smoothed_densities(places: Sequence[Counted]) -> list[Decimal]:
    """Empirical-Bayes densities by Marshall's moments, points per exposure, six decimals.

    With r a place's density, e its exposure, m all points by all exposure, and f the points of an average problem, the
    variance between places is A = sum e (r - m)^2 / sum e - f m / mean e, not below 0, and a place's smoothed density
    m + A / (A + f m / e) x (r - m). Where chance alone explains the spread, all have the city's density.
    """
    if not places:
        return []
    with localcontext() as context:
        context.prec = DIGITS
        one_point = Decimal(UNITS)
        total = sum((place.exposure for place in places), Decimal(0))
        overall = Decimal(sum(place.points for place in places)) / one_point / total
        rates = [Decimal(place.points) / one_point / place.exposure for place in places]
        average = mean_problem(places)
        chance = Decimal(average.numerator) / Decimal(average.denominator) / one_point * overall
        spread = sum(
            (place.exposure * (rate - overall) ** 2 for place, rate in zip(places, rates, strict=True)), Decimal(0)
        )
        between = max(spread / total - chance * len(places) / total, Decimal(0))
        found = []
        for place, rate in zip(places, rates, strict=True):
            weight = between / (between + chance / place.exposure) if between else Decimal(0)
            found.append((overall + weight * (rate - overall)).quantize(STORED, ROUND_HALF_EVEN))
        return found
