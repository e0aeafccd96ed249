"""Classes of density: round numbers, so that a colour has a meaning that can be said aloud.

The rule
--------
- Breaks are 1, 2 or 5 times a power of ten, in reports per km2, consecutive; a class reaches from its break (included)
  to the next (not included). Cells without reports are a class of their own.
- A density is classed as it is shown, with three significant digits: one report in a lattice cell of 0.010002 km2 is
  100 per km2, not 99.98 and thus another colour than its neighbour.
- The highest break is the largest such number that at least one in a thousand of the cells with reports reaches; below
  it stand the five smaller ones, as far as any cell is below them. Everything above zero and below the lowest break is
  one more class. So there are at most seven.
- All sub-periods of a page share one set of breaks, so that their colours compare; the whole window, being longer, has
  its own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

MOST_BREAKS = 6
TOP_SHARE = 1000
ROUND_NUMBERS = tuple(sign * 10**power for power in range(12) for sign in (1, 2, 5))


def as_shown(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round positive rates to three significant digits."""
    unit = 10.0 ** (np.floor(np.log10(rates)) - 2)
    return np.rint(rates / unit) * unit


def class_breaks(rates: NDArray[np.float64]) -> list[int]:
    """Lower limits of the classes above the lowest one, ascending, for positive rates per km2; empty for none.

    See the rule at the top of this module.
    """
    shown = np.sort(as_shown(rates[rates > 0]))
    if not len(shown):
        return []
    reached = shown[len(shown) - int(np.ceil(len(shown) / TOP_SHARE))]
    below = [number for number in ROUND_NUMBERS if number <= reached * (1 + 1e-9)]
    return [number for number in below[-MOST_BREAKS:] if shown[0] < number * (1 - 1e-9)]
