"""When to try again: waits that grow, spread by chance so that failed attempts do not come back all at once."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class RetryPlan:
    """How a receiver that does not take an event is tried again.

    Waits: 5 s, 20 s, 80 s, 5 min, 21 min, 85 min, then every 2 h; each 20 % longer or shorter by chance. With 40
    attempts that is three days, a weekend and a day.

    Parameters
    ----------
    first_s, factor, longest_s
        Seconds before the second attempt; how much longer each wait is than the one before; the longest.
    attempts
        After so many an event is given up, and the next one of its case is told.
    longest_pause_s
        A receiver that is away is left alone as a whole, in waits that grow likewise up to this one.
    spread
        Share by which chance lengthens or shortens a wait.
    """

    first_s: float = 5.0
    factor: float = 4.0
    longest_s: float = 7200.0
    attempts: int = 40
    longest_pause_s: float = 300.0
    spread: float = 0.2

    def wait_s(self, attempts: int, chance: random.Random) -> float:
        """Seconds until the next attempt after so many failed ones, from 1."""
        return self._grown(attempts, self.longest_s, chance)

    def pause_s(self, failures: int, chance: random.Random) -> float:
        """Seconds for which a receiver is left alone that was away so many times in a row, from 1."""
        return self._grown(failures, self.longest_pause_s, chance)

    def _grown(self, times: int, longest_s: float, chance: random.Random) -> float:
        # The exponent is bounded: 4.0 ** 600 would overflow.
        wait = min(self.first_s * self.factor ** min(times - 1, 60), longest_s)
        return wait * (1 + self.spread * (2 * chance.random() - 1))
