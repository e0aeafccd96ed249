"""Deductions 扣分: what problems, late steps, overdue places and missing enforcement cost a street (clauses 5-9).

Points are whole numbers of 1/100,000 point, so that sums are exact whatever the order.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from gis.rules.policy import Policy
from gis.rules.response import LATE, MISSING

UNITS = 100_000
"""In one point."""
MILLI = UNITS // 1000
PERCENT = 100
PROBLEM = "problem"
DOUBLE_TEN = "double_ten"
LISTING = "listing"
DUST = "dust"
GOVERNANCE = "governance"
MEDIA = "media"
KINDS = (PROBLEM, DOUBLE_TEN, LISTING, DUST, GOVERNANCE, MEDIA)
CLAUSES = {PROBLEM: "5, 6", DOUBLE_TEN: "7", LISTING: "9", DUST: "10", GOVERNANCE: "8", MEDIA: "6"}


@dataclass(frozen=True, order=True)
class Problem:
    """What the deduction of a problem depends on.

    Parameters
    ----------
    chaos
        One of the four chaoses 四乱, or "" for another problem.
    source_kind
        Who found it.
    exposed
        Whether the media exposed it 曝光.
    before
        How many periods in a row it had been noticed before this one; 0: it is new.
    surveyed
        Whether its road was surveyed in this period.
    """

    chaos: str
    source_kind: str
    exposed: bool
    before: int
    surveyed: bool


def points(units: int) -> Decimal:
    """Units as points, without zeros at the end."""
    exact = Decimal(units) / UNITS
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() else exact.normalize()


def times_noticed(before: int, *, surveyed: bool) -> int:
    """Periods in a row in which a problem was noticed, this one included (clause 6).

    Parameters
    ----------
    before
        The number up to the period before.
    surveyed
        A period in which the road was not surveyed neither resets nor advances: the number stays, but a problem that is
        noticed was noticed once at least.
    """
    if before < 0:
        msg = f"{before} periods: a number of periods is not negative"
        raise ValueError(msg)
    return before + 1 if surveyed else max(before, 1)


def repeat_multiplier(times: int, policy: Policy) -> int:
    """How many times a problem deducts that was noticed so many periods in a row (clause 6): 1, 3, 6, 9, 12, 12 ..."""
    if times < 1:
        msg = f"noticed {times} times: what is deducted was noticed at least once"
        raise ValueError(msg)
    if times == 1:
        return 1
    steps = policy.repeat_second if times == 2 else policy.repeat_third + (times - 3) * policy.repeat_further
    return min(steps, policy.repeat_most)


def base_units(chaos: str, source_kind: str, policy: Policy) -> int:
    """What a problem of a category deducts that a source found, before repeats and media (clause 5)."""
    of_category: int = getattr(policy, f"problem_points_{chaos or 'other'}")
    share: int = getattr(policy, f"source_share_{source_kind}")
    # Thousandths of a point by hundredths: just the units.
    return of_category * share * MILLI // PERCENT


def problem_units(problem: Problem, policy: Policy) -> int:
    """base(category, source) x repeat multiplier x media multiplier (clause 5)."""
    repeated = repeat_multiplier(times_noticed(problem.before, surveyed=problem.surveyed), policy)
    exposed = policy.media_multiplier if problem.exposed else 1
    return base_units(problem.chaos, problem.source_kind, policy) * repeated * exposed


def exposure_units(chaos: str, policy: Policy) -> int:
    """An incident that the media exposed and of which no report is known, by count (clause 6).

    Parameters
    ----------
    chaos
        One of the four chaoses; "": another problem, or not known.
    """
    return base_units(chaos, "media", policy) * policy.media_multiplier


def step_units(verdict: str, policy: Policy) -> int:
    """A step of double ten; missing is not on time (clause 7). Only late and missing cost anything."""
    return {LATE: policy.late_points, MISSING: policy.missing_points}.get(verdict, 0) * MILLI


def overdue_units(days: int, policy: Policy) -> int:
    """Days of the period that a listed place was over its deadline (clause 9)."""
    return days * policy.overdue_points_per_day * UNITS


def governance_units(valid: int, needed: int, policy: Policy) -> int:
    """Law-based governance rate 依法治理率: each started percentage point that it lacks (clause 8).

    Parameters
    ----------
    valid, needed
        Validly closed enforcement cases, and cases that needed enforcement. Fewer than `governance_cases` of these are
        no rate, and nothing is deducted.
    """
    if not 0 <= valid <= needed:
        msg = f"{valid} of {needed} enforcement cases: must lie between none and all of them"
        raise ValueError(msg)
    lacking = policy.governance_needed * needed - PERCENT * valid
    if needed < max(policy.governance_cases, 1) or lacking <= 0:
        return 0
    return -(-lacking // needed) * policy.governance_points * MILLI


def dust_units(of_road: Decimal) -> int:
    """Points of a weighed road (clause 10) as units.

    Raises
    ------
    ValueError
        They are no whole number of units.
    """
    units = of_road * UNITS
    if units != units.to_integral_value():
        msg = f"{of_road} points are no whole number of 1/{UNITS} point"
        raise ValueError(msg)
    return int(units)
