"""Indicators 考核指标: rates of filing, dispatch, closure, punctuality, rework, extension, and governance (clause 8).

Rates are percent with two decimals, rounded half up in whole numbers, so that the published week of Zhengzhou comes
out to the last digit.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from decimal import Decimal
from operator import attrgetter

RATES = {
    "filing_rate": ("filed", "accepted"),
    "dispatch_rate": ("dispatched", "filed"),
    "closure_rate": ("closed", "due"),
    "on_time_rate": ("on_time", "due"),
    "rework_rate": ("rework", "due"),
    "extension_rate": ("extended", "due"),
    "governance_rate": ("enforcement_valid", "enforcement_needed"),
}
"""Rate -> what is divided by what."""


@dataclass(frozen=True)
class Counts:
    """Cases of a window, each counted once per column.

    Parameters
    ----------
    accepted, filed, dispatched, rework, extended
        Cases whose first move of this kind lies in the window.
    closed, on_time
        Cases closed in the window; those of them that were closed by their due time.
    overdue
        Cases that are open and past their limit at the window's end.
    enforcement_needed
        Of the cases closed in the window or overdue at its end, those in which persuasion had failed.
    enforcement_valid
        Of these, the closed ones with enforcement officers on the spot.
    """

    accepted: int = 0
    filed: int = 0
    dispatched: int = 0
    overdue: int = 0
    closed: int = 0
    on_time: int = 0
    rework: int = 0
    extended: int = 0
    enforcement_needed: int = 0
    enforcement_valid: int = 0

    @property
    def due(self) -> int:
        """Cases that had to be closed 应结案: closed in the window, or open past their limit at its end."""
        return self.closed + self.overdue

    def rates(self) -> dict[str, Decimal | None]:
        """The indicators in percent."""
        return {name: percent(getattr(self, part), getattr(self, whole)) for name, (part, whole) in RATES.items()}


values_of = attrgetter(*(one.name for one in fields(Counts)))
"""The counts of one, in the order of the class."""


def summed(counts: Iterable[Counts]) -> Counts:
    """All of them together."""
    return Counts(*map(sum, zip(*map(values_of, counts), strict=True)))


def percent(part: int, whole: int) -> Decimal | None:
    """A share in percent with two decimals, half up; None where there is nothing to share.

    Raises
    ------
    ValueError
        A count below zero.
    """
    if part < 0 or whole < 0:
        msg = f"{part} of {whole}: counts are not negative"
        raise ValueError(msg)
    if whole == 0:
        return None
    # floor(x + 1/2) in hundredths of a percent, without a division that would round on its own.
    return Decimal((20_000 * part + whole) // (2 * whole)).scaleb(-2)
