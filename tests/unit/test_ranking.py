"""Ranks, money and consequences, in the words of the rule."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from gis.rules.policy import POLICIES
from gis.rules.ranking import MONTH, TEN_DAYS, Entry, dealt, density_of, quotas_of, score_of, slots, stand

POLICY = POLICIES[0]


def streets(*points: str, enough: bool = True, tier: str = "") -> list[Entry]:
    return [Entry(f"S{at:02d}", Decimal(one), Decimal(1), enough, tier) for at, one in enumerate(points)]


def money(entries: list[Entry], kind: str = TEN_DAYS, **policy: object) -> list[int]:
    found = {one.code: one.reward_yuan for one in stand(entries, kind, replace(POLICY, **policy))}
    return [found[entry.code] for entry in entries]


def test_the_first_ten_and_the_last_ten_of_many_streets() -> None:
    entries = streets(*map(str, range(25)))
    assert money(entries)[:10] == [200_000 - 20_000 * place for place in range(10)]
    assert money(entries)[10:15] == [0] * 5
    assert money(entries)[15:] == [-20_000 - 20_000 * place for place in range(10)]
    assert sum(one for one in money(entries) if one > 0) == 1_100_000


def test_the_first_three_and_the_last_three_districts() -> None:
    assert money(streets(*"12345678"), MONTH) == [1_500_000, 1_000_000, 500_000, 0, 0, -500_000, -1_000_000, -1_500_000]


def test_fewer_than_twenty_streets_half_win_and_half_lose() -> None:
    assert money(streets("1", "2", "3", "4", "5")) == [200_000, 180_000, 0, -180_000, -200_000]
    assert money(streets("1")) == [0]


def test_ties_share_the_mean_of_the_slots_they_span() -> None:
    entries = streets("1", "1", *map(str, range(2, 30)))
    assert money(entries)[:3] == [190_000, 190_000, 160_000]
    ninth_to_twelfth = streets(*"12345678", *["9"] * 4, *map(str, range(10, 40)))
    assert money(ninth_to_twelfth)[8:12] == [15_000] * 4


def test_what_cannot_be_divided_goes_one_yuan_each_to_the_lowest_codes() -> None:
    entries = streets("1", "1", "1", *map(str, range(2, 30)))
    assert money(entries, street_first_yuan=100_000, street_step_yuan=1)[:3] == [99_999] * 3
    assert money(entries, street_first_yuan=100_001, street_step_yuan=2)[:3] == [99_999] * 3
    assert money(entries, street_first_yuan=100_000, street_step_yuan=20_001)[:3] == [79_999] * 3
    four = streets(*["1"] * 4, *map(str, range(2, 8)))
    assert money(four, street_first_yuan=10, street_step_yuan=3)[:4] == [6, 6, 5, 5]


def test_all_equal_nobody_wins_or_loses() -> None:
    assert money(streets(*["1"] * 21)) == [0] * 21


def test_unsurveyed_is_not_clean_and_moves_no_money() -> None:
    entries = streets(*map(str, range(22)))
    entries[0] = replace(entries[0], enough=False)
    entries[1] = replace(entries[1], enough=None)
    found = stand(entries, TEN_DAYS, POLICY)
    assert [(one.rank, one.provisional, one.reward_yuan) for one in found[:3]] == [
        (1, True, 0),
        (2, True, 0),
        (3, False, 200_000),
    ]


def test_without_area_there_is_no_rank() -> None:
    entries = [*streets("3"), Entry("X", Decimal(0), Decimal(0), True)]
    assert [(one.code, one.rank, one.density, one.score) for one in stand(entries, TEN_DAYS, POLICY)] == [
        ("S00", 1, Decimal("3.000000"), Decimal("97.00")),
        ("X", None, None, None),
    ]


def test_ranks_are_compared_at_stored_precision() -> None:
    same = [Entry("A", Decimal(1), Decimal(3), True), Entry("B", Decimal("1.0000001"), Decimal(3), True)]
    assert [one.rank for one in stand(same, TEN_DAYS, POLICY)] == [1, 1]
    assert density_of(Decimal(1), Decimal(3)) == Decimal("0.333333")


def test_the_display_score_is_clipped_the_rank_is_not() -> None:
    found = stand(streets("150", "120"), TEN_DAYS, POLICY)
    assert [(one.rank, one.score) for one in found] == [(1, 0), (2, 0)]
    assert score_of(Decimal("3.456"), TEN_DAYS, replace(POLICY, score_factor=2)) == Decimal("93.09")
    assert score_of(Decimal("0.3456"), MONTH, POLICY) == Decimal("96.54")


def test_at_the_bottom_notice_interview_and_self_criticism_three_in_a_row_are_flagged() -> None:
    entries = streets(*map(str, range(25)))
    entries[-1] = replace(entries[-1], bottom_before=2)
    entries[0] = replace(entries[0], bottom_before=7)
    found = {one.code: one for one in stand(entries, TEN_DAYS, POLICY)}
    assert found["S15"].consequences == ("notice", "interview", "self_criticism")
    assert (found["S24"].bottom_run, found["S24"].consequences[-1]) == (3, "flag")
    assert (found["S00"].bottom_run, found["S00"].consequences) == (0, ())


def test_who_skips_the_survey_keeps_the_run_and_is_spared_nothing() -> None:
    entries = streets(*map(str, range(25)))
    entries[-1] = replace(entries[-1], bottom_before=2, enough=False)
    last = stand(entries, TEN_DAYS, POLICY)[-1]
    assert (last.code, last.bottom_run, last.consequences, last.reward_yuan) == ("S24", 2, (), 0)


def test_quotas_by_tier_deal_the_same_pot() -> None:
    pot = slots(10, 200_000, 20_000, 99)
    parts = dealt({"key": 5, "secondary": 3, "general": 2}, pot)
    assert {tier: len(part) for tier, part in parts.items()} == {"key": 5, "secondary": 3, "general": 2}
    assert sorted((yuan for part in parts.values() for yuan in part), reverse=True) == pot
    assert parts["key"][0] == 200_000


def test_with_quotas_the_best_of_each_tier_win() -> None:
    entries = [
        replace(one, code=f"{tier[0]}{one.code}")
        for tier, base in (("key", 0), ("secondary", 100), ("general", 200))
        for one in streets(*map(str, range(base, base + 20)), tier=tier)
    ]
    found = {one.code: one.reward_yuan for one in stand(entries, TEN_DAYS, replace(POLICY, quotas="5,3,2"))}
    winners = sorted(code for code, yuan in found.items() if yuan > 0)
    assert winners == ["gS00", "gS01", *(f"kS{at:02d}" for at in range(5)), "sS00", "sS01", "sS02"]
    assert sum(yuan for yuan in found.values() if yuan > 0) == 1_100_000


def test_quotas_are_pooled_or_three_numbers() -> None:
    assert quotas_of("pooled") is None
    assert quotas_of("5, 3,2") == {"key": 5, "secondary": 3, "general": 2}
    with pytest.raises(ValueError, match="pooled"):
        quotas_of("5,3")


def test_a_place_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="each place stands once"):
        stand([*streets("1"), *streets("2")], TEN_DAYS, POLICY)
