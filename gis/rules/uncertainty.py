"""How sure a rank is: the interface; the rule itself follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class Counted:
    """What was counted of a place."""

    code: str
    points: int
    square_points: int
    exposure: Decimal


@dataclass(frozen=True)
class HowSure:
    """What can be said of its rank."""

    code: str
    rank_low: int
    rank_high: int
    smoothed: Decimal
    apart: bool


def rank_intervals(places: Sequence[Counted], confidence: float) -> list[HowSure]:  # noqa: ARG001
    """Nothing is said yet: every rank is possible."""
    return [HowSure(place.code, 1, len(places), Decimal(0), apart=False) for place in places]
