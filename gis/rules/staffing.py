"""Coordinators 协管员 per km2: the 30 / 20 / 10 rule (clause 11)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, Decimal

from gis.rules.policy import Policy


@dataclass(frozen=True)
class Demand:
    """What one tier of one street needs, and why.

    Parameters
    ----------
    tier
        key, secondary or general.
    area_km2
        Sum over the street's cells of that tier, exact.
    per_km2
        The rule's number.
    required
        Persons, rounded up after summing the cells.
    on_post
        Persons there now.
    """

    tier: str
    area_km2: Decimal
    per_km2: int
    required: int
    on_post: int

    @property
    def gap(self) -> int:
        """On post minus required; negative: persons missing."""
        return self.on_post - self.required

    @property
    def explanation(self) -> str:
        """The rule worked out, in one line."""
        exact = self.area_km2 * self.per_km2
        return (
            f"{self.area_km2.normalize():f} km2 x {self.per_km2}/km2 = {exact.normalize():f}, "
            f"rounded up to {self.required}; {self.on_post} on post, gap {self.gap:+d}"
        )


def demand(tier: str, area_km2: Decimal, on_post: int, policy: Policy) -> Demand:
    """Work out one tier of one street.

    Parameters
    ----------
    area_km2
        Decimal, because 8.3 x 30 is 249 and not 249.00000000000003 (which would round up to 250).

    Raises
    ------
    TypeError
        The area is a float.
    """
    if not isinstance(area_km2, Decimal):
        msg = f"area_km2 must be a Decimal, not {type(area_km2).__name__}: binary fractions round up wrongly"
        raise TypeError(msg)
    per_km2 = policy.coordinators_per_km2(tier)
    required = int((area_km2 * per_km2).to_integral_value(ROUND_CEILING))
    return Demand(tier, area_km2, per_km2, required, on_post)
