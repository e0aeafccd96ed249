"""A city's policy file judged and laid on the rule book: days, ranges, names, what goes back."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.rules import policy as rule_book
from gis.rules.policy import POLICIES, Policy, policy_numbers, policy_on
from gis.rules.policy_judging import TEXTS, judge, range_of, value_problem
from gis.rules.policy_overrides import UNDATED, Override, differences, numbers, origins, policies_with

MARCH, JUNE = date(2016, 3, 1), date(2016, 6, 1)


def entry(effective: date = MARCH, reason: str = "Order 12", **values: Any) -> dict[str, Any]:
    return {"effective": effective, "reason": reason, **values}


def problems(*entries: dict[str, Any], **more: Any) -> str:
    return "\n".join(judge({"from": list(entries), **more}).problems)


@pytest.mark.parametrize("name", numbers())
def test_every_number_of_the_rule_book_is_one_that_a_city_could_write(name: str) -> None:
    for policy in POLICIES:
        value = getattr(policy, name)
        assert value_problem(name, list(value) if isinstance(value, tuple) else value) is None
    judged = judge({"from": [entry(**{name: getattr(POLICIES[-1], name)})]})
    assert not judged.problems
    assert getattr(policies_with(judged.overrides)[-1], name) == getattr(POLICIES[-1], name)


def test_an_override_holds_from_its_day_on_and_the_later_one_on_top() -> None:
    held = judge({"from": [entry(JUNE, spot_reports=8), entry(MARCH, spot_reports=6, hold_days=5)]}).overrides
    policies = policies_with(held)
    found = {
        day: (policy_on(day, policies).spot_reports, policy_on(day, policies).hold_days)
        for day in (date(2016, 2, 29), MARCH, date(2016, 5, 31), JUNE, date(2030, 1, 1))
    }
    assert list(found.values()) == [(5, 10), (6, 5), (6, 5), (8, 5), (8, 5)]
    assert policy_on(date(2016, 5, 31), policies).effective == MARCH
    assert policy_on(date(2016, 2, 29), policies).effective == POLICIES[0].effective


def test_a_number_goes_back_to_the_rule_book() -> None:
    held = judge({"from": [entry(spot_reports=6), entry(JUNE, back_to_rule_book=["spot_reports"])]}).overrides
    policies = policies_with(held)
    assert [policy_on(day, policies).spot_reports for day in (MARCH, JUNE)] == [6, 5]
    assert origins(held, MARCH)["spot_reports"].reason == "Order 12"
    assert "spot_reports" not in origins(held, JUNE)


def test_the_citys_own_number_outlives_a_new_rule_book(monkeypatch: pytest.MonkeyPatch) -> None:
    new = replace(POLICIES[0], effective=JUNE, spot_reports=7, hold_days=20)
    monkeypatch.setattr(rule_book, "POLICIES", (POLICIES[0], new))
    policies = policies_with(judge({"from": [entry(spot_reports=6)]}).overrides)
    assert [one.effective for one in policies] == [POLICIES[0].effective, MARCH, JUNE]
    assert [(one.spot_reports, one.hold_days) for one in policies] == [(5, 10), (6, 10), (6, 20)]


def test_the_reach_of_segments_has_no_days() -> None:
    judged = judge({"from": [entry(segment_reach_m=40)]})
    assert {one.segment_reach_m for one in policies_with(judged.overrides)} == {40.0}
    assert "every report is placed anew" in judged.warnings[0]
    assert UNDATED[0] in origins(judged.overrides, date(2015, 1, 1))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"coordinators_key_per_km": 35}, "did you mean coordinators_key_per_km2"),
        ({"xyz": 1}, "`finegrid policy show` lists all"),
        ({"spot_reports": 5.5}, "spot_reports: a whole number is right (reports), such as 5, not 5.5"),
        ({"spot_reports": True}, "a number is right"),
        ({"spot_reports": "6"}, "a number is right (reports), such as 5, not '6'"),
        ({"spot_reports": 0}, "0 is out of range: 1 to 1e+06 reports"),
        ({"coverage_needed": 95}, "95 is out of range: 0 to 1"),
        ({"coverage_needed": float("nan")}, "nan is out of range"),
        ({"spot_width_m": float("inf")}, "inf is out of range"),
        ({"spot_reports": 10**400}, "is out of range"),
        ({"goal_confidence": 1}, "1 is out of range: 0.5 to 0.9999"),
        ({"source_weight_media": -1}, "-1 is out of range: 0 to 10000 %"),
        ({"office_hours": "9 to 5"}, "08:30-12:00,13:30-18:00 would be"),
        ({"office_hours": "12:00-08:30"}, "each time must be after the one before"),
        ({"office_hours": 9}, "a text is right"),
        ({"spot_reports": {"x": 1}}, "a number is right"),
        ({"back_to_rule_book": ["spot_report"]}, "did you mean spot_reports"),
        ({"back_to_rule_book": "spot_reports"}, "a list of names is right"),
        ({"back_to_rule_book": ["spot_reports"], "spot_reports": 6}, "goes back to the rule book on the same day"),
        ({"reason": " "}, "say who decided it"),
        ({"reason": "a\0b"}, "say who decided it"),
        ({"effective": date(2014, 12, 31), "spot_reports": 6}, "the rule book begins with 2015-01-01"),
        ({"effective": date(2999, 1, 1), "spot_reports": 6}, "the rule book begins with"),
        ({"effective": "2016-03-01"}, "entry 1: effective: a day without quotes is right"),
        ({"effective": datetime(2016, 3, 1)}, "a day without quotes is right"),  # noqa: DTZ001 - as TOML reads one
        ({"spot_width_m": 40.0}, "spot_width_m: must not be less than spot_reach_m"),
        ({"segment_reach_m": 1, "segment_tie_m": 1}, "must be less than segment_reach_m"),
        ({"quotas": "5,3"}, "write pooled, or places for key, secondary and general streets"),
        ({"street_step_yuan": 30000}, "the last of street_places would get -70000 yuan"),
        ({"dust_points_needed": 6}, "must not be more than dust_points_per_road"),
    ],
)
def test_what_is_wrong_is_named_with_what_would_be_right(values: dict[str, Any], said: str) -> None:
    assert said in problems({**entry(), **values})


def test_every_text_is_read_by_a_function_that_knows_its_form() -> None:
    assert {one.name for one in fields(Policy) if isinstance(one.default, str)} == set(TEXTS)


def test_form_and_double_days() -> None:
    assert "stands twice" in problems(entry(spot_reports=6), entry(hold_days=6))
    assert "stands outside of any entry" in problems(spot_reports=6)
    assert "double brackets" in "\n".join(judge({"from": {"effective": MARCH}}).problems)
    assert judge({}).overrides == ()


def test_what_the_rule_itself_says_may_be_overridden_and_that_is_told() -> None:
    judged = judge({"from": [entry(coordinators_key_per_km2=35, coordinators_general_per_km2=25)]})
    assert not judged.problems
    assert "clause 11 itself says 30" in judged.warnings[0]
    assert judged.warnings[-1] == (
        "2016-03-01: coordinators: 35 / 20 / 25 per km2 in key / secondary / general areas: not descending"
    )
    assert "changes no number" in judge({"from": [entry()]}).warnings[0]


def test_differences_are_stretches_of_days() -> None:
    before = policies_with([Override(MARCH, "a", {"spot_reports": 6})])
    after = policies_with([Override(MARCH, "a", {"spot_reports": 6}), Override(JUNE, "b", {"spot_reports": 9})])
    (one,) = differences(before, after)
    assert (one.name, one.from_day, one.to_day, one.before, one.after) == ("spot_reports", JUNE, None, 6, 9)
    (one,) = differences(
        POLICIES,
        policies_with([Override(MARCH, "a", {"spot_reports": 6}), Override(JUNE, "b", {"spot_reports": None})]),
    )
    assert (one.from_day, one.to_day, one.before, one.after) == (MARCH, JUNE, 5, 6)
    assert differences(before, before) == []


WHOLE = [one.name for one in fields(Policy) if isinstance(one.default, int) and one.name not in UNDATED]
DAYS = st.dates(date(2015, 1, 1), date(2020, 1, 1))


@given(
    st.dictionaries(
        DAYS, st.dictionaries(st.sampled_from(WHOLE), st.none() | st.integers(1, 90), max_size=4), max_size=6
    ),
    DAYS,
)
def test_any_overrides_as_if_applied_one_after_the_other(entries: dict[date, dict[str, int | None]], day: date) -> None:
    held = [Override(when, "x", values) for when, values in entries.items()]
    expected = {one["name"]: one["value"] for one in policy_numbers(policy_on(day))}
    for when in sorted(entries):
        if when <= day:
            for name, value in entries[when].items():
                expected[name] = getattr(POLICIES[0], name) if value is None else value
    policies = policies_with(held)
    assert {one["name"]: one["value"] for one in policy_numbers(policy_on(day, policies))} == expected
    for one in differences(POLICIES, policies):
        assert one.from_day < (one.to_day or date.max)
        inside = (
            policy_on(one.from_day, policies),
            policy_on((one.to_day or one.from_day + timedelta(1)) - timedelta(1), policies),
        )
        assert {getattr(policy, one.name) for policy in inside} == {one.after}
    assert all(range_of(name) for name in expected)
