"""Coverage 普查覆盖率: how much of the roads was surveyed in a period (clauses 5 and 9)."""

from __future__ import annotations

from decimal import Decimal

from gis.rules.policy import Policy


def coverage(surveyed_m: Decimal, length_m: Decimal) -> float | None:
    """Surveyed length by length, from 0 to 1; None where there is no length: what is not there was not surveyed."""
    return float(surveyed_m / length_m) if length_m else None


def is_enough(surveyed_m: Decimal, length_m: Decimal, policy: Policy) -> bool | None:
    """Whether a coverage is high enough for a standing that counts (clause 5); None where there are no roads."""
    return surveyed_m >= Decimal(str(policy.coverage_needed)) * length_m if length_m else None
