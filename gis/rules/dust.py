"""Dust by weight 以克论净: the value of a road, its limit, and what being over it costs (clause 10).

All numbers are exact decimals. What is weighed is all that was swept up, in grams per m2; silt load 积尘负荷, the part
finer than 75 micrometres, is another quantity of 0.3 to 0.8 g/m2 and never mixed with it.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal, localcontext
from statistics import median

from gis.rules.policy import Policy

MILLIGRAM = Decimal("0.001")
NO_POINTS = Decimal(0)
UNITS = 1000
"""Points are in thousandths in the policy."""
FEW_RESULTS = 10
"""Two roads; below, a median says nothing of a whole file."""


def road_mean(grams_per_m2: Sequence[Decimal], policy: Policy) -> Decimal | None:
    """The value of a road: the mean of its points, rounded half up to 0.001 g/m2, because what is shown is what counts.

    Parameters
    ----------
    grams_per_m2
        Of each point that was weighed; points that were not are left out, they are not clean.

    Returns
    -------
    Decimal or None
        None: fewer points were weighed than `dust_points_needed`, so the road has no value.
    """
    if len(grams_per_m2) < policy.dust_points_needed or not grams_per_m2:
        return None
    with localcontext() as exact:
        exact.prec = 50
        return (sum(grams_per_m2, Decimal(0)) / len(grams_per_m2)).quantize(MILLIGRAM, ROUND_HALF_UP)


def limit_g_per_m2(road_class: str, policy: Policy) -> Decimal:
    """What a road of a class may have, in g/m2; on the limit is not over it."""
    limit: float = getattr(policy, f"dust_limit_{road_class}_g_per_m2")
    return Decimal(str(limit))


def road_points(mean: Decimal, limit: Decimal, policy: Policy) -> Decimal:
    """Points deducted for one road: so much per started gram over the limit, up to the most.

    Parameters
    ----------
    mean, limit
        g/m2. With a limit of 5, a mean of 5 costs nothing, 5.001 and 6 cost one started gram, 6.001 costs two.
    """
    if mean <= limit:
        return NO_POINTS
    started = (mean - limit).to_integral_value(ROUND_CEILING)
    return min(started * policy.dust_started_gram_points, Decimal(policy.dust_most_points)) / UNITS


def looks_like_silt_load(grams_per_m2: Sequence[Decimal], policy: Policy) -> bool:
    """Whether a file of results seems to hold silt load: ten or more of them, and the median within its range."""
    if len(grams_per_m2) < FEW_RESULTS:
        return False
    return median(grams_per_m2) <= silt_load_up_to(policy)


def silt_load_up_to(policy: Policy) -> Decimal:
    """Up to where silt load goes, in g/m2."""
    return Decimal(str(policy.dust_silt_load_g_per_m2))
