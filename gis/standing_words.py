"""Why a street stands where it stands, in sentences, Chinese or English (clause 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from gis.errors import NotFound
from gis.rules.deductions import DOUBLE_TEN, DUST, GOVERNANCE, KINDS, LISTING, MEDIA, PROBLEM
from gis.rules.periods import parse_period
from gis.rules.ranking import TEN_DAYS
from gis.standing_reads import Opened, Standing, opened, read_standing

LANGUAGES = ("en", "zh")
SHOWN_TERMS = 5
HUNDREDTH = Decimal("0.01")
Say = Callable[..., str]

KIND_WORDS = {
    PROBLEM: ("problems", "问题"),
    DOUBLE_TEN: ("late or missing steps of double ten", "双十超时或缺失"),
    LISTING: ("days over the deadline of listed places", "挂牌督办超期"),
    DUST: ("dust over the limit", "以克论净超标"),
    GOVERNANCE: ("law-based governance rate", "依法治理率不足"),
    MEDIA: ("media exposures", "媒体曝光"),
}
SOURCE_WORDS = {
    "patrol": ("patrol", "巡查"),
    "supervision_centre": ("supervision centre", "监督中心"),
    "citizen": ("citizens", "市民"),
    "media": ("media", "媒体"),
    "leader_note": ("leader's note", "领导批示"),
    "sensor": ("sensor", "传感器"),
}
CONSEQUENCE_WORDS = {
    "notice": ("notice", "通报"),
    "interview": ("interview of the two heads", "约谈党政主要负责人"),
    "self_criticism": ("self-criticism by the district head", "区长作检查"),
    "flag": ("flagged as serious, for people to decide", "情节严重，提请人工决定"),
}


def explain(conn: Connection, standing: Standing, code: str, lang: str = "en") -> list[str]:
    """The sentences, most important first.

    Parameters
    ----------
    lang
        One of LANGUAGES.

    Raises
    ------
    NotFound
        The standing has no such row.
    """
    which = LANGUAGES.index(lang)

    def say(english: str, chinese: str, **values: Any) -> str:
        return (english, chinese)[which].format(**values)

    row = standing.row(code)
    deep = opened(standing, code)
    return [
        *_place(standing, row, say),
        *_sum(row, deep, say, which),
        *_neighbours(standing, row, say),
        *_sure(row, say),
        *_since(conn, standing, row, say),
        *_outcome(row, say, which),
        *_proof(standing, say),
    ]


def number(value: Any) -> str:
    """Two decimals at most, thousands apart."""
    return f"{Decimal(value).quantize(HUNDREDTH).normalize():,f}"


def _place(standing: Standing, row: dict[str, Any], say: Say) -> Iterator[str]:
    one = standing.record
    ranked = sum(other["rank"] is not None for other in standing.rows)
    given = {
        "name": row["name"],
        "code": row["code"],
        "period": one.period,
        "revision": one.revision,
        "state": say("published", "已发布") if one.published_at else say("draft", "草稿"),
        "rank": row["rank"],
        "ranked": ranked,
        "points": number(row["deduction"]),
        "km2": f"{row['area_km2']:.3f}",
        "density": row["density"],
        "score": row["score"],
        "days": (one.after_day - one.first_day).days,
    }
    if row["rank"] is None:
        yield say(
            "{name} ({code}) has no rank in {period} ({state}, revision {revision}): it has no responsible area.",
            "{name}（{code}）{period} 不参加排名（{state}，第 {revision} 版）：没有责任面积。",
            **given,
        )
    elif parse_period(one.period).is_ten_days:
        yield say(
            "{name} ({code}) is number {rank} of {ranked} in {period} ({state}, revision {revision}): {points} points"
            " of deductions on {km2} km2 are {density} per km2; score {score}. Fewer is better.",
            "{name}（{code}）{period} 排名第 {rank}，共 {ranked} 个（{state}，第 {revision} 版）：扣 {points} 分，"
            "责任面积 {km2} 平方公里，每平方公里 {density} 分，得分 {score}。扣分越少越靠前。",
            **given,
        )
    else:
        yield say(
            "{name} ({code}) is number {rank} of {ranked} in {period} ({state}, revision {revision}): its streets lost"
            " {points} points in {days} days on {km2} km2, {density} per km2 and day; score {score}. Fewer is better.",
            "{name}（{code}）{period} 排名第 {rank}，共 {ranked} 个（{state}，第 {revision} 版）：所辖街道 {days} 天"
            "共扣 {points} 分，责任面积 {km2} 平方公里，每平方公里每天 {density} 分，得分 {score}。扣分越少越靠前。",
            **given,
        )


def _sum(row: dict[str, Any], deep: Opened, say: Say, which: int) -> Iterator[str]:
    total = row["deduction"]
    if not total:
        yield say("Nothing was deducted.", "没有扣分。")
        return
    parts = [f"{number(row['parts'][kind])} {KIND_WORDS[kind][which]}" for kind in KINDS if row["parts"].get(kind)]
    yield say("The points are for: {parts}.", "扣分构成：{parts}。", parts=say("; ", "；").join(parts))
    for term in [one for one in deep.terms if one["kind"] == PROBLEM][:SHOWN_TERMS]:
        again = (
            say(
                ", noticed in period {times} in a row (x{multiplier})",
                "，连续第 {times} 旬出现（×{multiplier}）",
                **term,
            )
            if term["times"] > 1
            else ""
        )
        exposed = say(", exposed by the media", "，被媒体曝光") if term["exposed"] else ""
        yield say(
            "  {count} x {category_name} found by {source}{again}{exposed}: {each} each, {points} together.",
            "  {source}发现{category_name} {count} 件{again}{exposed}：每件 {each} 分，共 {points} 分。",
            count=term["count"],
            category_name=term["category_name"],
            source=SOURCE_WORDS[term["source_kind"]][which],
            again=again,
            exposed=exposed,
            each=term["points_each"],
            points=number(term["points"]),
        )
    for name, points in _streets(deep).most_common(SHOWN_TERMS):
        yield say("  {name}: {points} points.", "  {name}：{points} 分。", name=name, points=number(points))


def _streets(deep: Opened) -> Counter[str]:
    """Points of a month by street."""
    found: Counter[str] = Counter()
    for part in deep.causes:
        if part["kind"] == TEN_DAYS:
            found[part["name"]] += part["points"]
    return found


def _neighbours(standing: Standing, row: dict[str, Any], say: Say) -> Iterator[str]:
    if row["rank"] is None:
        return
    better = [one for one in standing.rows if one["rank"] is not None and one["rank"] < row["rank"]]
    worse = [one for one in standing.rows if one["rank"] is not None and one["rank"] > row["rank"]]
    if better:
        next_one = better[-1]
        share = (row["density"] - next_one["density"]) / row["density"]
        yield say(
            "The next better one is {name} with {density}: {points} points fewer would have reached it.",
            "前一名是{name}（{density}）：少扣 {points} 分即可追上。",
            name=next_one["name"],
            density=next_one["density"],
            points=number(row["deduction"] * share),
        )
    if worse:
        yield say(
            "The next worse one is {name} with {density}.",
            "后一名是{name}（{density}）。",
            name=worse[0]["name"],
            density=worse[0]["density"],
        )


def _sure(row: dict[str, Any], say: Say) -> Iterator[str]:
    if row["rank_low"] is None:
        return
    if row["rank_low"] == row["rank_high"]:
        yield say(
            "Uncertain as counts are, no other rank than {rank} is possible.",
            "即使考虑计数本身的不确定性，名次也只能是第 {rank}。",
            rank=row["rank_low"],
        )
        return
    yield say(
        "As the counts themselves are uncertain, it may stand anywhere from {low} to {high}{apart}.",
        "考虑计数本身的不确定性，名次可能在第 {low} 至第 {high} 之间{apart}。",
        low=row["rank_low"],
        high=row["rank_high"],
        apart="" if row["apart"] else say("; it cannot be told apart from its neighbours", "，与相邻名次无显著差别"),
    )


def _since(conn: Connection, standing: Standing, row: dict[str, Any], say: Say) -> Iterator[str]:
    earlier = parse_period(standing.record.period).previous()
    try:
        before = read_standing(conn, standing.record.level, earlier).row(row["code"])
    except NotFound:
        yield say(
            "There is no standing of {period} to compare with.", "没有 {period} 的排名可供比较。", period=earlier.name
        )
        return
    if before["rank"] is None or row["rank"] is None:
        return
    yield say(
        "In {period} it was number {rank} with {density}.",
        "{period} 排名第 {rank}（{density}）。",
        period=earlier.name,
        rank=before["rank"],
        density=before["density"],
    )


def _outcome(row: dict[str, Any], say: Say, which: int) -> Iterator[str]:
    if row["provisional"] and row["rank"] is not None:
        share = None if row["coverage"] is None else f"{row['coverage']:.2%}"
        yield (
            say(
                "It has no roads to survey, so its rank is provisional and no money moves.",
                "辖区没有道路，排名待定，不奖不罚。",
            )
            if share is None
            else say(
                "Only {share} of its roads were surveyed, so its rank is provisional and no money moves.",
                "道路普查覆盖率只有 {share}，排名待定，不奖不罚。",
                share=share,
            )
        )
    yuan = row["reward_yuan"]
    if yuan > 0:
        yield say("It is rewarded with {yuan:,} yuan.", "奖励 {yuan:,} 元。", yuan=yuan)
    if yuan < 0:
        yield say("It pays {yuan:,} yuan.", "处罚 {yuan:,} 元。", yuan=-yuan)
    if row["consequences"]:
        words = say(", ", "、").join(CONSEQUENCE_WORDS[one][which] for one in row["consequences"])
        run = row["bottom_run"]
        again = say(", {run} times in a row", "，已连续 {run} 次", run=run) if run > 1 else ""
        yield say("At the bottom{again}: {words}.", "排名靠后{again}：{words}。", again=again, words=words)


def _proof(standing: Standing, say: Say) -> Iterator[str]:
    one = standing.record
    yield say(
        "Worked out by the policy of {policy} from the facts {facts}; `finegrid standings verify` works it out anew.",
        "依据 {policy} 起施行的规则参数，由事实 {facts} 计算；`finegrid standings verify` 可重新核算。",
        policy=one.policy_effective,
        facts=one.facts_sha256[:12],
    )
