"""What the bulletin says with numbers in it, in the language asked for."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from gis.bulletins.chaoses import ChaosChange
from gis.bulletins.gathered import Bulletin
from gis.bulletins.words import CHAOS, CONSEQUENCES, TEXTS, Language
from gis.rules.periods import Period

TEN_DAYS = {"1": "上旬", "2": "中旬", "3": "下旬"}
MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
NAMED = 3
"""So many of the first and of the last are named in the summary."""
LAYERS = {
    "areas": "区域",
    "cells": "网格",
    "roads": "道路",
    "tiers": "分级",
    "coordinators": "协管员",
    "responsibles": "责任人",
    "operations": "专项行动",
    "categories": "类别",
    "reports": "上报",
    "cases": "案件",
    "listings": "挂牌",
    "patrols": "巡查",
    "dust": "以克论净",
    "media": "媒体报道",
    "satisfaction": "满意度调查",
    "measures": "工程措施",
    "facilities": "设施",
}
"""Layers of a city's provenance in Chinese."""


def period_words(period: Period, lang: Language) -> str:
    """A period as it is spoken of."""
    first, last = period.first, period.after - timedelta(days=1)
    if lang == "zh":
        if not period.is_ten_days:
            return f"{first.year} 年 {first.month} 月"
        return f"{first.year} 年 {first.month} 月{TEN_DAYS[period.name[-1]]}（{first.day}–{last.day} 日）"
    month = f"{MONTHS[first.month - 1]} {first.year}"
    return f"{first.day}–{last.day} {month}" if period.is_ten_days else month


def percent(value: Decimal | float | None, decimals: int = 1) -> str:
    """A share; a dash where there is none."""
    return "–" if value is None else f"{value:.{decimals}%}"


def signed_percent(value: float | None) -> str:
    """A change as a share, with its sign; exactly nothing has none."""
    if value is None:
        return "–"
    text = f"{value:+.1%}"
    return "0.0%" if float(text[:-1]) == 0 else text.replace("-", "−")


def signed(value: Decimal | None, decimals: int) -> str:
    """A difference with its sign; nothing has none."""
    if value is None:
        return "–"
    text = f"{value:+.{decimals}f}"
    return f"{0:.{decimals}f}" if float(text) == 0 else text.replace("-", "−")


def yuan(value: int) -> str:
    """Money with its sign; a dash where none moves."""
    return "–" if value == 0 else f"{value:+,}".replace("-", "−")


def consequences(row: dict[str, Any], lang: Language) -> str:
    """What follows for whoever is last."""
    return TEXTS[lang]["list"].join(CONSEQUENCES[lang][one] for one in row["consequences"])


def note(row: dict[str, Any], needed: float, lang: Language) -> str:
    """Why a row has no rank, or is provisional; "" where there is nothing to say.

    Parameters
    ----------
    needed
        Share of the roads that must be surveyed.
    """
    if lang == "en":
        return row["note"] or ""
    if row["rank"] is None:
        return "无责任面积（无网格），不能计算密度"
    if not row["provisional"]:
        return ""
    if row["coverage"] is None:
        return "无道路，无从巡查：暂定，不计奖罚"
    return f"巡查覆盖 {percent(row['coverage'], 2)}，不足 {needed:.0%}：暂定，不计奖罚"


def place_name(row: dict[str, Any], lang: Language) -> str:
    """Where a worst place is."""
    text = TEXTS[lang]
    if row["kind"] == "segment":
        return str(row["name"] or text["unnamed"])
    return text["near"].format(name=row["name"]) if row["name"] else f"{row['lat']:.5f}, {row['lon']:.5f}"


def by_chaos(counts: dict[str, int], lang: Language) -> str:
    """Reports of a place by what they are about, most first."""
    known = list(CHAOS[lang])
    ordered = sorted(counts, key=lambda chaos: (-counts[chaos], known.index(chaos)))
    return TEXTS[lang]["list"].join(f"{CHAOS[lang][chaos]} {counts[chaos]}" for chaos in ordered)


def layers(names: list[str], lang: Language) -> str:
    """Layers of the provenance in words."""
    return TEXTS[lang]["list"].join(LAYERS.get(name, name) if lang == "zh" else name for name in names)


def summary(found: Bulletin, lang: Language) -> list[str]:
    """What is read out first, a sentence each."""
    return _summary_zh(found) if lang == "zh" else _summary_en(found)


def _ends(found: Bulletin, between: str) -> tuple[str, str]:
    """The first and the last in words, provisional ones left out as they win and lose nothing."""
    firm = [row["name"] for row in found.ranked if not row["provisional"]]
    return between.join(firm[:NAMED]), between.join(firm[::-1][:NAMED])


def _summary_zh(found: Bulletin) -> list[str]:
    told, money = found.summary(), found.head["money"]
    what = "街道办" if found.level == "street" else "区县"
    said = [
        (
            f"{told['ranked']} 个{what}参加排名，其中 {told['provisional']} 个因巡查覆盖不足为暂定；"
            f"{told['unranked']} 个无责任面积，不排名。"
        ),
        f"共扣 {told['deduction']:,.1f} 分，计 {told['problems']:,} 个问题。",
    ]
    best, worst = _ends(found, "、")
    if best:
        said.append(f"除暂定外，前列：{best}；末位：{worst}（末位在前）。")
    said.append(
        f"奖励 {money['rewards_yuan']:,} 元，处罚 {money['penalties_yuan']:,} 元，差额 {money['balance_yuan']:,} 元。"
        if money["rewards_yuan"]
        else "本期不动奖罚资金。"
    )
    if told["flagged"]:
        run = found.policy.serious_run
        said.append(f"{told['flagged']} 个单位连续 {run} 期或以上末位，提请研判，由人决定。")
    if told["not_apart"]:
        said.append(f"{told['not_apart']} 个单位与名次相邻者的差别可能只是偶然，不宜据此评优劣。")
    city = found.chaoses[0]
    said.append(f"“四乱”上报 {city.count:,} 件（上期 {city.count_before:,} 件），日均 {signed_percent(city.change)}。")
    return said


def _summary_en(found: Bulletin) -> list[str]:
    told, money = found.summary(), found.head["money"]
    what = "street offices" if found.level == "street" else "districts"
    said = [
        (
            f"{told['ranked']} {what} are ranked, {told['provisional']} of them provisionally for want of survey; "
            f"{told['unranked']} have no responsible area and no rank."
        ),
        f"{told['deduction']:,.1f} points were deducted, for {told['problems']:,} problems and other causes.",
    ]
    best, worst = _ends(found, ", ")
    if best:
        said.append(f"Provisional ones aside, the first are {best}; the last, from the end, {worst}.")
    said.append(
        f"{money['rewards_yuan']:,} yuan are paid out and {money['penalties_yuan']:,} taken; they differ by "
        f"{money['balance_yuan']:,}."
        if money["rewards_yuan"]
        else "No money moves in this period."
    )
    if told["flagged"]:
        run = found.policy.serious_run
        said.append(f"{told['flagged']} were last {run} times in a row or more: flagged for people to decide.")
    if told["not_apart"]:
        said.append(f"{told['not_apart']} cannot be told apart from a neighbour in rank: the difference may be chance.")
    city = found.chaoses[0]
    said.append(
        f"{city.count:,} reports of the four chaoses ({city.count_before:,} in the period before), "
        f"{signed_percent(city.change)} per day."
    )
    return said


def worst_source(found: Bulletin, lang: Language) -> str:
    """Where the worst places come from."""
    at = found.worst.proposed_at
    if at is None:
        return (
            "本期没有存档的拟挂牌名单；由现有上报按规则重新计算得出。"
            if lang == "zh"
            else "No proposal of this period was stored: worked out by the rule from the reports as they are now."
        )
    day = at.astimezone(found.city.zone).date().isoformat()
    return (
        f"取自 {day} 存档的拟挂牌名单，存档后不变。"
        if lang == "zh"
        else f"From the proposal stored on {day}, which never changes."
    )


def chaos_note(found: Bulletin, lang: Language) -> str:
    """What the comparison of the four chaoses rests on."""
    now: ChaosChange = found.chaoses[0]
    return (
        f"网格内上报件数；本期 {now.days} 天，上期 {now.days_before} 天，增减按日均计。"
        if lang == "zh"
        else f"Reports in cells; {now.days} days now, {now.days_before} before, so the change is per day."
    )


def before_words(found: Bulletin, lang: Language) -> str:
    """With which standing this one is compared."""
    before = found.before
    if before is None:
        return (
            "上期未公布排名，无从比较。" if lang == "zh" else "The period before was not published: nothing to compare."
        )
    days = (before.record.after_day - before.record.first_day).days
    if found.period.is_ten_days:
        even = "扣分与密度未按天折算" if lang == "zh" else "points and densities are not evened out"
    else:
        even = "扣分未按天折算，密度已按天计" if lang == "zh" else "points are not evened out, densities are per day"
    return (
        f"上期为 {before.record.period} 第 {before.record.revision} 版"
        f"（{days} 天；本期 {found.period.days} 天，{even}）。"
        if lang == "zh"
        else f"Compared with {before.record.period}, revision {before.record.revision} ({days} days; this period has "
        f"{found.period.days}; {even})."
    )


def digests(found: Bulletin, lang: Language) -> list[tuple[str, str]]:
    """Digests, whole, as they have to be compared."""
    text, head = TEXTS[lang], found.head
    named = [(text["facts_whole"], head["facts_sha256"]), (text["result_whole"], head["result_sha256"])]
    if found.published:
        named += [(text["chain_whole"], head["sha256"]), (text["previous_whole"], head["previous_sha256"])]
    return named


def provenance(found: Bulletin, lang: Language) -> list[tuple[str, str]]:
    """Layers that were made up, each with what its provenance says."""
    told = []
    for layer in found.synthetic:
        facts = found.city.provenance[layer]
        words = facts.get("text_zh") if lang == "zh" else None
        told.append((layers([layer], lang), str(words or facts.get("text", ""))))
    return told
