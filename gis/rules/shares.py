"""How sure a share is that some of many people were asked for (clause 12)."""

from __future__ import annotations

from math import sqrt
from statistics import NormalDist


def share_interval(share: float, asked: int, confidence: float) -> tuple[float, float]:
    """Wilson's interval of a share: it stays within 0 and 1, and does not shrink to nothing at either end.

    Parameters
    ----------
    share
        0 to 1, of those who were asked.
    asked
        At least 1.
    confidence
        Between 0 and 1, e.g. 0.95.

    Notes
    -----
    It holds for people who were drawn at random; who was asked at a street corner is less sure than this says.
    """
    z = NormalDist().inv_cdf(0.5 + confidence / 2)
    middle = share + z * z / (2 * asked)
    half = z * sqrt(share * (1 - share) / asked + z * z / (4 * asked * asked))
    whole = 1 + z * z / asked
    return max(0.0, (middle - half) / whole), min(1.0, (middle + half) / whole)
