"""Worst segments: weighted problems per km of road, from the roll-up (clause 9)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from gis.problem_weights import UNITS, ProblemWeights, weighted
from gis.rules.periods import Period
from gis.rules.policy import Policy
from gis.store.copying import copy_out_fields
from gis.store.database import sql

MM_PER_KM = 1_000_000
STEP = Decimal("0.001")
"""Scores are compared and stored to so many decimals."""
Whole = NDArray[np.int64]


@dataclass(frozen=True)
class WorstSegment:
    """A segment with its score.

    Parameters
    ----------
    reports
        That count: with a weight, not on a shared coordinate.
    shared_reports
        Left out because their coordinate is shared by too many.
    score
        Weighted problems per km.
    terms
        Reports and weight by kind of source and chaos.
    """

    rank: int
    segment_id: int
    reports: int
    shared_reports: int
    weighted: Decimal
    length_m: Decimal
    score: Decimal
    terms: list[dict[str, Any]]


@dataclass(frozen=True)
class SegmentFacts:
    """Reports of a period by live segment, in code order.

    Parameters
    ----------
    ids, mm
        Database id, and geodesic length in millimetres.
    reports, shared, units
        By segment: reports that count, those left out, and the sum of weights in ten-thousandths.
    kinds
        (number of the kind, ids, reports) of everything that was summed; negative reports are those left out again.
    """

    ids: Whole
    mm: Whole
    codes: list[bytes]
    reports: Whole
    shared: Whole
    units: Whole
    kinds: list[tuple[int, Whole, Whole]]

    def sha256(self) -> str:
        """Digest of what scores are made of: code, mm, reports, left out, weight in ten-thousandths; in code order."""
        digest = hashlib.sha256()
        for at in np.flatnonzero(self.reports + self.shared).tolist():
            row = [int(each[at]) for each in (self.mm, self.reports, self.shared, self.units)]
            digest.update(b"\t".join([self.codes[at], *(b"%d" % number for number in row)]) + b"\n")
        return digest.hexdigest()


def segment_facts(conn: Connection, period: Period, weights: ProblemWeights) -> SegmentFacts:
    """Count a period's reports by segment."""
    ((packed_ids, lengths, packed_codes),) = copy_out_fields(conn, sql("segment_lengths"), {})
    ids = np.frombuffer(packed_ids or b"", ">i4").astype(np.int64)
    days = {"from_day": period.first, "to_day": period.after}
    kinds: list[tuple[int, Whole, Whole]] = []
    largest = int(ids.max(initial=0))
    totals = np.zeros((3, largest + 1), np.int64)
    for category, source, packed, counts in copy_out_fields(
        conn, sql("packed_counts_by_kind"), {"target": "segment", **days}
    ):
        place = int.from_bytes(category or b"", "big"), int.from_bytes(source or b"", "big")
        at = np.frombuffer(packed or b"", "<i4").astype(np.int64)
        found = np.frombuffer(counts or b"", "<i4").astype(np.int64)
        live = (at > 0) & (at <= largest)
        _add(totals, weights, place, at[live], found[live], kinds)
    for segment, category, source, count in conn.execute(sql("shared_segment_kinds"), days):
        if segment <= largest:
            _add(totals, weights, (category, source), np.array([segment]), np.array([-count]), kinds)
            totals[1, segment] += count if weights.units[category, source] else 0
    reports, shared, units = totals[:, ids]
    codes = (packed_codes or b"").split(b"\0")[:-1]
    return SegmentFacts(
        ids, np.frombuffer(lengths or b"", ">i8").astype(np.int64), codes, reports, shared, units, kinds
    )


def _add(
    totals: Whole,
    weights: ProblemWeights,
    place: tuple[int, int],
    ids: Whole,
    counts: Whole,
    kinds: list[tuple[int, Whole, Whole]],
) -> None:
    units = int(weights.units[place])
    if not units:
        return
    # Sums of whole numbers below 2**53 are exact in float64.
    summed = np.bincount(ids, counts, totals.shape[1]).astype(np.int64)
    totals[0] += summed
    totals[2] += summed * units
    kinds.append((int(weights.kind[place]), ids, counts))


def worst_segments(facts: SegmentFacts, weights: ProblemWeights, policy: Policy) -> list[WorstSegment]:
    """The worst of the segments that are long enough and have enough reports, worst first, ties to the lowest code."""
    ranked = (facts.mm >= policy.listing_segment_m * 1000) & (facts.reports >= policy.listing_segment_reports)
    at = np.flatnonzero(ranked)
    rough = facts.units[at] / facts.mm[at]
    if len(at) > policy.listing_count:
        # Only those that rounding could bring among the worst are worked out in exact decimals.
        least = np.partition(rough, -policy.listing_count)[-policy.listing_count]
        at = at[rough >= least - float(STEP) * UNITS / MM_PER_KM * 2]
    scores = {int(one): _score(int(facts.units[one]), int(facts.mm[one])) for one in at}
    order = sorted(scores, key=lambda one: (-scores[one], one))[: policy.listing_count]
    chosen = facts.ids[order]
    by_kind: dict[int, dict[int, int]] = {int(one): {} for one in chosen}
    for kind, ids, counts in facts.kinds:
        inside = np.isin(ids, chosen)
        for segment, count in zip(ids[inside].tolist(), counts[inside].tolist(), strict=True):
            by_kind[segment][kind] = by_kind[segment].get(kind, 0) + count
    return [
        WorstSegment(
            rank,
            int(facts.ids[one]),
            int(facts.reports[one]),
            int(facts.shared[one]),
            weighted(facts.units[one]),
            Decimal(int(facts.mm[one])) / 1000,
            scores[one],
            weights.terms(by_kind[int(facts.ids[one])], policy),
        )
        for rank, one in enumerate(order, 1)
    ]


def segment_score(units: int, length_m: Decimal) -> Decimal:
    """Weighted problems (in ten-thousandths) per km, to three decimals."""
    return _score(units, int(length_m * 1000))


def _score(units: int, mm: int) -> Decimal:
    return (Decimal(units) * MM_PER_KM / (Decimal(mm) * UNITS)).quantize(STEP, ROUND_HALF_UP)
