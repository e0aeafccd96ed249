"""What each report weighs among the worst segments and spots, by kind of source and chaos (clause 9)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, select

from gis.rules.policy import Policy
from gis.store.database import sql
from gis.store.schema import sources

UNITS = 10_000
"""A weight of 1 in the whole numbers that are summed, so that sums are exact."""


@dataclass(frozen=True)
class ProblemWeights:
    """Weights as arrays over categories and sources.

    Parameters
    ----------
    kinds
        (kind of source, chaos or None) of each number in `kind`.
    kind
        int64 of shape (categories + 1, sources + 1), by database id.
    units
        Of the same shape: ten-thousandths; 0 does not count at all.
    """

    kinds: tuple[tuple[str, str | None], ...]
    kind: NDArray[np.int64]
    units: NDArray[np.int64]

    @property
    def categories(self) -> list[int]:
        """Ids of the categories that count with at least one source."""
        return np.flatnonzero(self.units.any(axis=1)).tolist()

    @property
    def sources(self) -> list[int]:
        """Ids of the sources that count with at least one category."""
        return np.flatnonzero(self.units.any(axis=0)).tolist()

    def terms(self, counts: Mapping[int, int], policy: Policy) -> list[dict[str, Any]]:
        """Reports by kind as the terms of a sum, in order.

        Parameters
        ----------
        counts
            Number in `kinds` -> reports.
        """
        return [
            {
                "source_kind": source,
                "chaos": chaos,
                "reports": counts[number],
                "weight": policy.problem_weight(source, chaos) / UNITS,
            }
            for number, (source, chaos) in enumerate(self.kinds)
            if counts.get(number)
        ]


def problem_weights(conn: Connection, policy: Policy) -> ProblemWeights:
    """The weights of a policy for the city's own categories and sources."""
    chaoses = {row.id: row.chaos for row in conn.execute(sql("category_chaoses"))}
    source_kinds = {row.id: row.kind for row in conn.execute(select(sources.c.id, sources.c.kind))}
    pairs = {(source, chaos) for source in source_kinds.values() for chaos in chaoses.values()}
    kinds = sorted(pairs, key=lambda pair: (pair[0], pair[1] or "~"))
    number = {pair: at for at, pair in enumerate(kinds)}
    shape = max(chaoses, default=0) + 1, max(source_kinds, default=0) + 1
    kind, units = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for category, chaos in chaoses.items():
        for source, source_kind in source_kinds.items():
            kind[category, source] = number[source_kind, chaos]
            units[category, source] = policy.problem_weight(source_kind, chaos)
    return ProblemWeights(tuple(kinds), kind, units)


def weighted(units: int) -> Decimal:
    """Summed weights as problems."""
    return Decimal(int(units)) / UNITS


def worked_out(terms: Iterable[Mapping[str, Any]], total: Decimal, length_m: Decimal | None, score: Decimal) -> str:
    """A score as a sentence that can be checked by hand."""
    said = [
        f"{term['reports']} {term['source_kind']} {term['chaos'] or 'other'} x {term['weight']:g}" for term in terms
    ]
    problems = f"{' + '.join(said) or 'no reports'} = {total.normalize():f}"
    if length_m is None:
        return f"{problems} weighted problems"
    return f"{problems} weighted problems / {length_m / 1000:f} km = {score:f} per km"
