"""Clause 6: one deduction per distinct incident, however many papers print it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules.media import first_reports
from gis.rules.shares import share_interval

START = date(2016, 1, 1)


@dataclass(frozen=True)
class Told:
    incident: str
    day: date
    ref: str


def told(*what: tuple[str, int]) -> list[Told]:
    return [Told(incident, START + timedelta(days), f"m{at:03d}") for at, (incident, days) in enumerate(what)]


def test_three_papers_of_one_incident_are_one() -> None:
    assert [one.ref for one in first_reports(told(("A", 3), ("A", 1), ("A", 1), ("B", 2)), 90)] == ["m001", "m003"]


def test_after_the_memory_it_counts_anew_and_the_memory_runs_from_the_one_that_counted() -> None:
    # Repeated every 60 days: the third one is 120 days after the first, and counts although 60 days after the second.
    found = first_reports(told(("A", 0), ("A", 60), ("A", 120), ("A", 180), ("A", 209), ("A", 210)), 90)
    assert [(one.day - START).days for one in found] == [0, 120, 210]
    assert [one.ref for one in first_reports(told(("A", 0), ("A", 89)), 90)] == ["m000"]
    assert [one.ref for one in first_reports(told(("A", 0), ("A", 90)), 90)] == ["m000", "m001"]


SOME = st.lists(st.tuples(st.sampled_from("ABC"), st.integers(0, 400)), max_size=25)


@given(what=SOME, memory=st.integers(1, 200), order=st.randoms(use_true_random=False))
def test_order_does_not_matter_and_every_report_has_one_that_counts_for_it(
    what: list[tuple[str, int]], memory: int, order: object
) -> None:
    reports = told(*what)
    found = first_reports(reports, memory)
    shuffled = list(reports)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    assert first_reports(shuffled, memory) == found
    for one in reports:
        covering = [
            first
            for first in found
            if first.incident == one.incident and timedelta(0) <= one.day - first.day < timedelta(memory)
        ]
        assert len(covering) == 1
    for one in found:
        others = [other for other in found if other.incident == one.incident and other is not one]
        assert all(abs((other.day - one.day).days) >= memory for other in others)


def test_wilson_against_published_values() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29.
    for hits, asked, low, high in (
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ):
        assert share_interval(hits / asked, asked, 0.95) == pytest.approx((low, high), abs=5e-5)
