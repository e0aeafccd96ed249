"""The goal 整治目标: the four chaoses 四乱 down by 80 % against a base period (clause 2)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, localcontext

from gis.rules.policy import Policy
from gis.rules.uncertainty import quantile

YES, NO, CANNOT_TELL = "yes", "no", "cannot_be_told"
RATE, SHARE = Decimal("0.000001"), Decimal("0.0001")
DIGITS = 40
NO_AREA = "no cells: without responsible area there is no rate"
NO_BASE = "nothing was counted in the base period: there is nothing to fall from"


@dataclass(frozen=True)
class Fall:
    """How far a rate fell.

    Parameters
    ----------
    rate_now, rate_base
        Problems per km2 and day, six decimals; None: no area.
    fall
        1 - rate_now / rate_base, four decimals; negative: it rose; None where the base is zero.
    fall_low, fall_high
        What the counts' own chance leaves open, at the policy's confidence.
    reached
        `yes`: all of the interval reaches the goal; `no`: none of it; `cannot_be_told`: some of it; None: no fall.
    note
        Why there is no fall.
    """

    rate_now: Decimal | None = None
    rate_base: Decimal | None = None
    fall: Decimal | None = None
    fall_low: Decimal | None = None
    fall_high: Decimal | None = None
    reached: str | None = None
    note: str | None = None


def fall_of(now: int, base: int, now_km2_days: Decimal, base_km2_days: Decimal, policy: Policy) -> Fall:
    """How far the rate of a kind of problem fell against the base period, and whether that is the goal.

    Counts are taken as Poisson. Given how many there were in both periods together, those of now are a binomial share
    (Przyborowski and Wilenski 1940); its interval is Wilson's (1927), and the interval of the fall follows from it.

    Parameters
    ----------
    now, base
        Problems counted in each period.
    now_km2_days, base_km2_days
        Responsible area times days of each period; 0: no cells.

    Raises
    ------
    ValueError
        A count or an exposure is negative.
    """
    if min(now, base) < 0 or min(now_km2_days, base_km2_days) < 0:
        msg = "counts, areas and days are not negative"
        raise ValueError(msg)
    if not now_km2_days or not base_km2_days:
        return Fall(note=NO_AREA)
    with localcontext() as context:
        context.prec = DIGITS
        context.rounding = ROUND_HALF_EVEN
        rates = (now / now_km2_days).quantize(RATE), (base / base_km2_days).quantize(RATE)
        if base == 0:
            return Fall(*rates, note=NO_BASE)
        sizes = base_km2_days / now_km2_days
        fall = 1 - now * sizes / base
        least, most = _share_interval(now, now + base, policy.goal_confidence)
        low, high = 1 - most / (1 - most) * sizes, 1 - least / (1 - least) * sizes
        goal = Decimal(repr(policy.goal_reduction))
        reached = YES if low >= goal else NO if high < goal else CANNOT_TELL
        return Fall(*rates, fall.quantize(SHARE), low.quantize(SHARE), high.quantize(SHARE), reached)


def _share_interval(part: int, whole: int, confidence: float) -> tuple[Decimal, Decimal]:
    """Wilson's interval of a binomial share."""
    exact = quantile(confidence)
    z = Decimal(exact.numerator) / exact.denominator
    share, square = Decimal(part) / whole, z * z
    middle = share + square / (2 * whole)
    half = z * (share * (1 - share) / whole + square / (4 * whole * whole)).sqrt()
    spread = 1 + square / whole
    return max(Decimal(0), (middle - half) / spread), (middle + half) / spread
