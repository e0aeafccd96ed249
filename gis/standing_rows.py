"""From the facts of a standing to its rows: pure, the same for a draft, a replay and an explanation (clauses 5-10)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

import numpy as np
import orjson

from gis.fact_text import Facts
from gis.ground import DM2_PER_KM2
from gis.rules.coverage import is_enough
from gis.rules.deductions import (
    DOUBLE_TEN,
    DUST,
    GOVERNANCE,
    KINDS,
    LISTING,
    MEDIA,
    PROBLEM,
    Problem,
    dust_units,
    exposure_units,
    governance_units,
    overdue_units,
    points,
    problem_units,
    step_units,
)
from gis.rules.policy import Policy
from gis.rules.ranking import MONTH, NO_AREA, TEN_DAYS, Entry, Place, stand
from gis.rules.uncertainty import Counted, rank_intervals

RULES = 1
"""Which wording of the rules in code this is; a change that could change a published row counts up."""
SHARE = Decimal("0.0001")
MM_PER_M = 1000
SHORT = "surveyed {surveyed} of {length} km of roads, {share}: below {needed}, so provisional, and no money moves"
NO_ROADS = "no roads: nothing could be surveyed, so provisional, and no money moves"


@dataclass(frozen=True)
class Term:
    """Deductions of one kind that cost the same, of one place.

    Parameters
    ----------
    place
        Number in the table `places`.
    kind
        One of `rules.deductions.KINDS`.
    count
        How many.
    units
        What one of them costs, in 1/100,000 point.
    problem
        What the cost of a problem depends on; None for other kinds.
    category
        Number in the table `categories`; -1 for other kinds.
    """

    place: int
    kind: str
    count: int
    units: int
    problem: Problem | None = None
    category: int = -1


@dataclass(frozen=True)
class Row:
    """One street or district.

    Parameters
    ----------
    units, square_units
        Sum, and sum of the squares, of all deductions in 1/100,000 point.
    problems
        How many were deducted.
    coverage
        Surveyed share of the roads' length to four decimals; None: no roads.
    by_kind
        Units of each kind of deduction that there is.
    rank_low, rank_high, smoothed, apart
        As in `rules.uncertainty.HowSure`; None: not ranked.
    """

    place: Place
    area_id: int
    name: str
    dm2: int
    units: int
    square_units: int
    problems: int
    coverage: Decimal | None
    note: str | None
    by_kind: dict[str, int]
    rank_low: int | None
    rank_high: int | None
    smoothed: Decimal | None
    apart: bool | None

    @property
    def area_km2(self) -> Decimal:
        """Responsible area."""
        return Decimal(self.dm2) / DM2_PER_KM2

    def canonical(self) -> list[Any]:
        """What is published of it, in the order in which the digest takes it."""
        one = self.place
        shown = (one.density, one.score, self.coverage, self.smoothed)
        density, score, coverage, smoothed = (None if value is None else f"{value:f}" for value in shown)
        return [
            one.code,
            self.name,
            one.rank,
            self.units,
            self.square_units,
            self.dm2,
            density,
            score,
            self.problems,
            coverage,
            one.provisional,
            self.note,
            one.reward_yuan,
            one.bottom_run,
            list(one.consequences),
            self.by_kind,
            self.rank_low,
            self.rank_high,
            smoothed,
            self.apart,
        ]


def rows_text(rows: list[Row]) -> bytes:
    """The rows as canonical text: one JSON array a line."""
    return b"".join(orjson.dumps(row.canonical(), option=orjson.OPT_SORT_KEYS) + b"\n" for row in rows)


def terms_of(facts: Facts, policy: Policy) -> Iterator[Term]:
    """Every deduction of a ten-day period, those that cost the same together."""
    yield from _problem_terms(facts, policy)
    for name, kind in (("responses", DOUBLE_TEN), ("listings", LISTING), ("dust", DUST), ("media", MEDIA)):
        for row in facts.table(name).to_pylist():
            units = units_of(kind, row, policy)
            if units:
                yield Term(row["place"], kind, 1, units)
    for at, row in enumerate(facts.table("places").to_pylist()):
        units = units_of(GOVERNANCE, row, policy)
        if units:
            yield Term(at, GOVERNANCE, 1, units)


def units_of(kind: str, row: dict[str, Any], policy: Policy) -> int:
    """What one row of the facts costs that is no problem."""
    if kind == DOUBLE_TEN:
        return step_units(row["verdict"], policy)
    if kind == LISTING:
        return overdue_units(row["days"], policy)
    if kind == DUST:
        return dust_units(Decimal(row["points"]))
    if kind == GOVERNANCE:
        return governance_units(row["enforcement_valid"], row["enforcement_needed"], policy)
    return exposure_units(row["chaos"], policy)


def problem_keys(facts: Facts) -> np.ndarray:
    """What each problem's cost depends on, a row of whole numbers: category, source, exposed, before, surveyed."""
    columns = ("category", "source", "exposed", "before", "surveyed")
    return np.column_stack([facts.numbers("problems", name).astype(np.int64) for name in columns])


def _problem_terms(facts: Facts, policy: Policy) -> Iterator[Term]:
    place = facts.numbers("problems", "place").astype(np.int64)
    if not len(place):
        return
    keys = problem_keys(facts)
    # One sortable number per problem; fields are far below these widths.
    packed = place
    for column, bits in zip(keys.T, (12, 12, 1, 12, 1), strict=True):
        packed = (packed << bits) + column
    _, first, counts = np.unique(packed, return_index=True, return_counts=True)
    categories, sources = facts.table("categories").to_pylist(), facts.table("sources").to_pylist()
    for at, count in zip(first.tolist(), counts.tolist(), strict=True):
        problem = problem_of(keys[at].tolist(), categories, sources)
        yield Term(int(place[at]), PROBLEM, count, problem_units(problem, policy), problem, int(keys[at][0]))


def problem_of(key: list[int], categories: list[dict[str, Any]], sources: list[dict[str, Any]]) -> Problem:
    """One row of `problem_keys` as the rule takes it."""
    category, source, exposed, before, surveyed = key
    return Problem(categories[category]["chaos"], sources[source]["kind"], bool(exposed), before, bool(surveyed))


def is_month(facts: Facts) -> bool:
    """Whether ten-day rows are pooled."""
    return "parts" in facts.tables


def work_out(facts: Facts, policy: Policy) -> list[Row]:
    """The rows of a standing, best first.

    Parameters
    ----------
    facts
        Of a ten-day period; or of a month, where `parts` holds the ten-day rows that are pooled.
    policy
        Whose numbers are used.
    """
    pooled = is_month(facts)
    totals = [_Total(row, pooled=pooled) for row in facts.table("places").to_pylist()]
    if pooled:
        for part in facts.table("parts").to_pylist():
            totals[part["place"]].add_part(part)
    else:
        for term in terms_of(facts, policy):
            totals[term.place].add_term(term)
    entries = [one.entry(policy) for one in totals]
    by_code = {one.facts["code"]: one for one in totals}
    places = stand(entries, MONTH if pooled else TEN_DAYS, policy)
    counted = [by_code[place.code].counted() for place in places if place.rank is not None]
    sure = {one.code: one for one in rank_intervals(counted, policy.rank_confidence)}
    return [by_code[place.code].row(place, sure.get(place.code), policy) for place in places]


class _Total:
    """What adds up for one place."""

    def __init__(self, facts: dict[str, Any], *, pooled: bool) -> None:
        self.facts = facts
        self.dm2 = facts["dm2"]
        self.exposure_dm2 = 0 if pooled else self.dm2
        self.length_mm, self.surveyed_mm = facts["length_mm"], facts["surveyed_mm"]
        self.units = self.square_units = self.problems = 0
        self.by_kind: dict[str, int] = defaultdict(int)

    def add_term(self, term: Term) -> None:
        self.units += term.count * term.units
        self.square_units += term.count * term.units**2
        self.by_kind[term.kind] += term.count * term.units
        if term.kind == PROBLEM:
            self.problems += term.count

    def add_part(self, part: dict[str, Any]) -> None:
        """A street's ten-day row, of a month."""
        self.units += part["units"]
        self.square_units += int(part["square_units"])
        self.exposure_dm2 += part["dm2"] * part["days"]
        self.length_mm += part["length_mm"]
        self.surveyed_mm += part["surveyed_mm"]
        self.problems += part["problems"]
        for kind, units in orjson.loads(part["by_kind"]).items():
            self.by_kind[kind] += units

    @property
    def exposure(self) -> Decimal:
        return Decimal(self.exposure_dm2) / DM2_PER_KM2

    def enough(self, policy: Policy) -> bool | None:
        return is_enough(Decimal(self.surveyed_mm), Decimal(self.length_mm), policy)

    def entry(self, policy: Policy) -> Entry:
        one = self.facts
        return Entry(
            one["code"], points(self.units), self.exposure, self.enough(policy), one["tier"], one["bottom_before"]
        )

    def counted(self) -> Counted:
        return Counted(self.facts["code"], self.units, self.square_units, self.exposure)

    def row(self, place: Place, sure: Any, policy: Policy) -> Row:
        share = Decimal(self.surveyed_mm) / self.length_mm if self.length_mm else None
        return Row(
            place,
            self.facts["area_id"],
            self.facts["name"],
            self.dm2,
            self.units,
            self.square_units,
            self.problems,
            None if share is None else share.quantize(SHARE, ROUND_HALF_EVEN),
            self._note(place, policy),
            {kind: self.by_kind[kind] for kind in KINDS if self.by_kind[kind]},
            *((sure.rank_low, sure.rank_high, sure.smoothed, sure.apart) if sure else (None,) * 4),
        )

    def _note(self, place: Place, policy: Policy) -> str | None:
        if place.rank is None:
            return NO_AREA
        if not place.provisional:
            return None
        if not self.length_mm:
            return NO_ROADS
        km = MM_PER_M * MM_PER_M
        return SHORT.format(
            surveyed=f"{Decimal(self.surveyed_mm) / km:.1f}",
            length=f"{Decimal(self.length_mm) / km:.1f}",
            share=f"{Decimal(self.surveyed_mm) / self.length_mm:.2%}",
            needed=f"{policy.coverage_needed:.0%}",
        )
