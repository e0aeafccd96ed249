"""A city's policy file judged: what is wrong with it, and what may be used and should be known.

It is a list of entries, each with the day from which it holds, a reason, and numbers by name.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any

from gis.rules import policy as rule_book
from gis.rules.deadlines import office_hours
from gis.rules.policy import Policy
from gis.rules.policy_overrides import UNDATED, Override, numbers, policies_with
from gis.rules.ranking import quotas_of

ENTRIES = "from"
EFFECTIVE, REASON, BACK = "effective", "reason", "back_to_rule_book"
FORM = 'a [[from]] such as effective = 2016-03-01, reason = "Order 12", then name = value lines'
LAST_DAY = date(2200, 1, 1)
LONGEST_REASON = 500

# By unit: least and most that makes sense. Whatever else a unit is, a number of it is not negative.
RANGES: dict[str, tuple[float, float]] = {
    "persons/km2": (0, 1000),
    "m": (1, 1000),
    "s": (1, 86_400),
    "deg": (0, 180),
    "reports": (1, 1_000_000),
    "work days": (1, 366),
    "days": (1, 366),
    "places": (1, 1000),
    "points/day": (0, 1000),
    "1/1000 point": (0, 1_000_000),
    "points": (0, 1000),
    "times": (0, 1000),
    "periods": (1, 100),
    "h": (0, 720),
    "streets": (1, 1000),
    "districts": (1, 100),
    "roads": (1, 10_000),
    "yuan": (0, 100_000_000),
    "g/m2": (0.1, 1000),
    "%": (0, 10_000),
    "1": (0, 1),
}
OF_ONE: dict[str, tuple[float, float]] = {
    "segment_tie_m": (0, 1),
    "cell_size_m": (10, 10_000),
    "spot_width_m": (1, 5000),
    "repeat_most": (1, 1000),
    "governance_needed": (0, 100),
    "hotspot_gap_m": (0, 100),
    "hotspot_reach_m": (50, 500),
    "hotspot_least_m2": (0, 10_000),
    "hotspot_permutations": (99, 999_999),
    "hotspot_fdr": (0.001, 0.5),
    "dust_points_per_road": (1, 100),
    "dust_points_needed": (1, 100),
    "rank_confidence": (0.5, 0.9999),
    "goal_confidence": (0.5, 0.9999),
    "effect_confidence": (0.5, 0.999),
    "effect_level_factor": (1.01, 100),
    "effect_ring_m": (1, 2000),
}
TEXTS: dict[str, Callable[[str], object]] = {"office_hours": office_hours, "quotas": quotas_of}
"""How numbers that are written as text are read; a ValueError says what would be right."""
POTS = (
    ("street_places", "street_first_yuan", "street_step_yuan"),
    ("district_places", "district_first_yuan", "district_step_yuan"),
)
ANY_RANGE = (0, 1_000_000_000)


@dataclass(frozen=True)
class Judged:
    """A city's policy as it was read.

    Parameters
    ----------
    overrides
        In the order of their days; only whole where there are no problems.
    problems
        Why it cannot be used, one line each.
    warnings
        What may be used and should be known.
    """

    overrides: tuple[Override, ...] = ()
    problems: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def range_of(name: str) -> tuple[float, float]:
    """Least and most that a number may be, both included."""
    return OF_ONE.get(name) or RANGES.get(numbers()[name].metadata["unit"], ANY_RANGE)


def value_problem(name: str, value: Any) -> str | None:
    """What is wrong with a value for a number, None where nothing is: its type, its form, its range."""
    entry = numbers()[name]
    return _unlike(name, entry.default, value, entry.metadata["unit"])


def _unlike(name: str, example: Any, value: Any, unit: str) -> str | None:
    if isinstance(example, tuple):
        if not isinstance(value, list | tuple) or len(value) != len(example):
            return f"a list of {len(example)} values such as {list(example)} is right, not {value!r}"
        return next(
            filter(None, (_unlike(name, one, part, unit) for one, part in zip(example, value, strict=True))), None
        )
    if isinstance(example, str):
        return _text_problem(name, example, value)
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return f"a number is right ({unit}), such as {example}, not {value!r}"
    if isinstance(example, int) and not isinstance(value, int):
        return f"a whole number is right ({unit}), such as {example}, not {value!r}"
    least, most = range_of(name)
    if not least <= value <= most:  # nan, too, lies nowhere
        return f"{value} is out of range: {least:g} to {most:g} {'' if unit == '1' else unit}".rstrip()
    return None


def _text_problem(name: str, example: str, value: Any) -> str | None:
    if not isinstance(value, str):
        return f'a text is right, such as "{example}", not {value!r}'
    try:
        TEXTS[name](value)
    except ValueError as problem:
        return str(problem)
    return None


def judge(document: Mapping[str, Any]) -> Judged:
    """Read a city's policy, already parsed from TOML or JSON, and say all that is wrong with it.

    Parameters
    ----------
    document
        `from`: a list of entries with `effective` (a date), `reason`, `back_to_rule_book` (names), and numbers.
    """
    found = Judged()
    entries = document.get(ENTRIES, [])
    for key in document:
        if key != ENTRIES:
            found.problems.append(f"{key}: stands outside of any entry; {FORM} is right")
    if not isinstance(entries, list) or not all(isinstance(entry, Mapping) for entry in entries):
        found.problems.append(f"{ENTRIES}: {FORM} is right; mind the double brackets")
        return found
    overrides = [_entry(number, entry, found) for number, entry in enumerate(entries, 1)]
    held = sorted((one for one in overrides if one is not None), key=lambda one: one.effective)
    for earlier, later in pairwise(held):
        if earlier.effective == later.effective:
            found.problems.append(f"{later.effective}: stands twice; put what holds from that day on into one [[from]]")
    if not found.problems:
        for earlier_policy, policy in pairwise((None, *policies_with(held))):
            assert policy is not None  # noqa: S101 - only the first of the pairs begins with None
            found.problems.extend(f"{policy.effective}: {text}" for text in contradictions(policy))
            found.warnings.extend(
                f"{policy.effective}: {text}"
                for text in oddities(policy)
                if earlier_policy is None or text not in oddities(earlier_policy)
            )
    return Judged(tuple(held), found.problems, found.warnings)


def _entry(number: int, entry: Mapping[str, Any], found: Judged) -> Override | None:
    effective = entry.get(EFFECTIVE)
    first = rule_book.POLICIES[0].effective
    if isinstance(effective, datetime) or not isinstance(effective, date):
        found.problems.append(f"entry {number}: effective: a day without quotes is right: effective = 2016-03-01")
        return None
    if not first <= effective < LAST_DAY:
        found.problems.append(f"{effective}: effective: the rule book begins with {first}, and a policy after it")
    reason = entry.get(REASON)
    if not isinstance(reason, str) or not reason.strip() or len(reason) > LONGEST_REASON or not reason.isprintable():
        say = 'say who decided it and why, such as reason = "Order 12 of the mayor", in one line'
        found.problems.append(f"{effective}: reason: {say}")
        reason = ""
    values = _values(effective, entry, found) | _back(effective, entry, found)
    if not values:
        found.warnings.append(f"{effective}: this entry changes no number")
    return Override(effective, reason.strip(), values)


def _values(effective: date, entry: Mapping[str, Any], found: Judged) -> dict[str, Any]:
    known, values = numbers(), {}
    for name, value in entry.items():
        if name in (EFFECTIVE, REASON, BACK):
            continue
        wrong = value_problem(name, value) if name in known else _no_such(name)
        if wrong is not None:
            found.problems.append(f"{effective}: {name}: {wrong}")
            continue
        values[name] = _as_number(known[name].default, value)
        found.warnings.extend(f"{effective}: {name}: {text}" for text in _remarks(name, known[name]))
    return values


def _back(effective: date, entry: Mapping[str, Any], found: Judged) -> dict[str, None]:
    names = entry.get(BACK, [])
    if not isinstance(names, list):
        found.problems.append(f'{effective}: {BACK}: a list of names is right, such as ["spot_reports"]')
        return {}
    for name in names:
        if not isinstance(name, str) or name not in numbers():
            found.problems.append(f"{effective}: {BACK}: {_no_such(str(name))}")
        elif name in entry:
            found.problems.append(f"{effective}: {name}: has a value and goes back to the rule book on the same day")
    return {name: None for name in names if isinstance(name, str)}


def _remarks(name: str, entry: Any) -> list[str]:
    remarks = []
    if entry.metadata["mark"] == "rule":
        clause = entry.metadata["clause"]
        remarks.append(f"clause {clause} itself says {entry.default}; the city's own number holds instead, and shows")
    if name in UNDATED:
        remarks.append("has no days: every report is placed anew when this is loaded, whatever its day")
    return remarks


def _no_such(name: str) -> str:
    near = difflib.get_close_matches(name, numbers(), n=3, cutoff=0.6)
    meant = f"did you mean {', '.join(near)}?" if near else "`finegrid policy show` lists all"
    return f"there is no such number; {meant}"


def _as_number(example: Any, value: Any) -> Any:
    """A value in the type of the policy's own."""
    if isinstance(example, tuple):
        return tuple(_as_number(one, part) for one, part in zip(example, value, strict=True))
    if isinstance(example, Decimal):
        return Decimal(str(value))
    return float(value) if isinstance(example, float) else value


def contradictions(policy: Policy) -> list[str]:
    """Numbers of a policy that cannot hold together."""
    found = []
    if policy.segment_tie_m >= policy.segment_reach_m:
        found.append("segment_tie_m: must be less than segment_reach_m, or every road would be a tie")
    if policy.spot_width_m < policy.spot_reach_m:
        found.append("spot_width_m: must not be less than spot_reach_m, or no two reports would be one spot")
    for places, first, step in POTS:
        last = getattr(policy, first) - getattr(policy, step) * (getattr(policy, places) - 1)
        if last < 0:
            found.append(f"{first}: the last of {places} would get {last} yuan; {step} takes too much off each place")
    for least, most in (
        ("effect_after_least", "effect_after_periods"),
        ("effect_least_matches", "effect_matches"),
        ("effect_least_placebos", "effect_placebos"),
    ):
        if getattr(policy, least) > getattr(policy, most):
            found.append(f"{least}: must not be more than {most}, or no effect could ever be told")
    if policy.dust_points_needed > policy.dust_points_per_road:
        found.append(
            "dust_points_needed: must not be more than dust_points_per_road, or no road would ever have enough"
        )
    return found


def oddities(policy: Policy) -> list[str]:
    """Numbers of a policy that can hold together, but hardly are meant so."""
    key, secondary, general = (policy.coordinators_per_km2(tier) for tier in ("key", "secondary", "general"))
    if key < secondary or secondary < general:
        return [
            f"coordinators: {key} / {secondary} / {general} per km2 in key / secondary / general areas: not descending"
        ]
    return []
