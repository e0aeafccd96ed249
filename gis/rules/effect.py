"""Which days an effect is judged by, and what is said of it (clause 12)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from gis.rules.periods import Period, ten_day_period
from gis.rules.policy import Policy

FEWER, MORE, OPEN, TOO_LITTLE = "fewer", "more", "cannot_be_told", "too_little_data"
VERDICTS = (FEWER, MORE, OPEN, TOO_LITTLE)


@dataclass(frozen=True)
class EffectWindow:
    """The ten-day periods around a measure, each in one part.

    Parameters
    ----------
    matching
        The earliest: by its level and trend places are found that are alike.
    baseline
        With which `after` is compared.
    choice
        Just before the works: the place was chosen by what was seen in them, so they are in neither side.
    works
        From the day the works began to the day the measure was in place: in neither side; may be none.
    after
        Whole periods with the measure in place, at most as many as the policy looks at.
    """

    matching: tuple[Period, ...]
    baseline: tuple[Period, ...]
    choice: tuple[Period, ...]
    works: tuple[Period, ...]
    after: tuple[Period, ...]

    @property
    def periods(self) -> tuple[Period, ...]:
        """All of them, one after the other."""
        return (*self.matching, *self.baseline, *self.choice, *self.works, *self.after)

    def as_dict(self) -> dict[str, Any]:
        """First day, day after the last one and number of periods of each part; null for a part without any."""
        parts: Mapping[str, tuple[Period, ...]] = vars(self)
        return {
            name: {"from": part[0].first, "to": part[-1].after, "periods": len(part)} if part else None
            for name, part in parts.items()
        }


def effect_window(begun: date, in_place: date, removed: date | None, policy: Policy) -> EffectWindow:
    """The periods by which the effect of a measure is judged, whether reports of them are known or not.

    Parameters
    ----------
    begun, in_place
        First day of the works, first day with the measure.
    removed
        First day without it again; None: it is there.
    """
    first_of_works = ten_day_period(begun)
    before: list[Period] = []
    current = first_of_works
    parts = (policy.effect_match_periods, policy.effect_baseline_periods, policy.effect_choice_periods)
    for _ in range(sum(parts)):
        current = current.previous()
        before.append(current)
    before.reverse()
    works, current = [], first_of_works
    # A period in which the measure came is in neither side, unless it was in place on its first day.
    while current.first < in_place:
        works.append(current)
        current = current.following()
    after: list[Period] = []
    while len(after) < policy.effect_after_periods and (removed is None or current.after <= removed):
        after.append(current)
        current = current.following()
    match, baseline, _ = parts
    return EffectWindow(
        tuple(before[:match]),
        tuple(before[match : match + baseline]),
        tuple(before[match + baseline :]),
        tuple(works),
        tuple(after),
    )


def verdict(low: float, high: float) -> str:
    """What an interval of a rate ratio says: 1 is no effect; below it there are fewer problems, above it more."""
    return FEWER if high < 1 else MORE if low > 1 else OPEN


REASONS = {
    "before": (
        "of the {needed} ten-day periods before it, reports of {found} are known",
        "其前 {needed} 个旬中仅有 {found} 个旬有上报数据",
    ),
    "after": (
        "of the at least {needed} whole ten-day periods after it, reports of {found} are known",
        "其后至少需要 {needed} 个完整旬，现有 {found} 个",
    ),
    "cells": (
        "it touches {found} grid cells, at least {needed} is needed",
        "其涉及单元网格 {found} 个，至少需要 {needed} 个",
    ),
    "reports": (
        "the part by which it is matched has {found} reports, at least {needed} are needed",
        "匹配期上报 {found} 件，至少需要 {needed} 件",
    ),
    "places": (
        "there are {found} comparable places, at least {needed} are needed",
        "可比地点 {found} 处，至少需要 {needed} 处",
    ),
    "matches": (
        "{found} untreated places are alike, at least {needed} are needed",
        "未采取措施的相似地点 {found} 处，至少需要 {needed} 处",
    ),
    "placebos": (
        "{found} untreated places can show how far such counts stray by themselves, at least {needed} are needed",
        "可用于检验自然波动的未采取措施地点 {found} 处，至少需要 {needed} 处",
    ),
    "measures": (
        "{found} measures can be judged, at least {needed} are needed",
        "可评估的措施 {found} 项，至少需要 {needed} 项",
    ),
}


def too_little(reason: str, found: int, needed: int) -> tuple[str, str]:
    """Why nothing can be said, in English and Chinese."""
    english, chinese = (text.format(found=found, needed=needed) for text in REASONS[reason])
    return f"Too little data: {english}.", f"数据不足：{chinese}。"


def in_words(ratio: float, low: float, high: float, confidence: float) -> tuple[str, str]:
    """What an estimate says, in English and Chinese."""
    sure = f"{confidence:.0%}"
    span, span_zh = f"{_change(low)} to {_change(high)}", f"{_change(low)} 至 {_change(high)}"
    decided = verdict(low, high)
    against = f"{_change(ratio)} against places alike without a measure"
    if decided == OPEN:
        return (
            f"Cannot be told: {against}, but anything from {span} would fit ({sure} interval).",
            f"尚不能判定：与未采取措施的相似地点相比变化 {_change(ratio)}，{sure} 置信区间 {span_zh}，包含“无变化”。",
        )
    word, word_zh = ("Fewer", "减少") if decided == FEWER else ("More", "增多")
    return (
        f"{word} problems: {against} ({sure} interval {span}).",
        f"问题{word_zh}：与未采取措施的相似地点相比变化 {_change(ratio)}（{sure} 置信区间 {span_zh}）。",
    )


def _change(ratio: float) -> str:
    """A rate ratio as a change in per cent, with a true minus sign's plain cousin."""
    return f"{(ratio - 1) * 100:+.0f} %"
