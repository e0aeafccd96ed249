"""The method 办法 of a standing in sentences, with the clauses and the numbers of its own policy (clauses 3-10)."""

from __future__ import annotations

from decimal import Decimal

from gis.bulletins.words import Language
from gis.rules.policy import Policy
from gis.rules.ranking import POOLED, TIERS, quotas_of

MILLI = Decimal(1000)
ROAD_CLASSES = ("ring", "trunk", "main", "branch", "back_street")


def number(value: Decimal | float) -> str:
    """A number without zeros at its end."""
    exact = Decimal(str(value)).normalize()
    return f"{exact:f}"


def method(policy: Policy, *, month: bool, lang: Language) -> list[tuple[str, str]]:
    """Clause and sentence, in the order in which a standing is worked out."""
    return _zh(policy, month=month) if lang == "zh" else _en(policy, month=month)


def _base(policy: Policy) -> str:
    """Points of a problem of each chaos and of another one, where they differ."""
    chaoses = {getattr(policy, f"problem_points_{one}") for one in ("parking", "trading", "rubbish", "posters")}
    return " / ".join(number(one / MILLI) for one in sorted(chaoses, reverse=True))


def _ladder(policy: Policy) -> str:
    """Multipliers of repeats until they no longer grow."""
    steps = [1, policy.repeat_second, policy.repeat_third]
    while steps[-1] < policy.repeat_most and policy.repeat_further > 0:
        steps.append(min(steps[-1] + policy.repeat_further, policy.repeat_most))
    return "、".join(str(min(step, policy.repeat_most)) for step in steps)


def _dust(policy: Policy) -> str:
    return " / ".join(number(getattr(policy, f"dust_limit_{one}_g_per_m2")) for one in ROAD_CLASSES)


def _money(policy: Policy, *, month: bool) -> tuple[int, int, int]:
    """Places at each end, yuan of the first and of the last of them."""
    places = policy.district_places if month else policy.street_places
    first = policy.district_first_yuan if month else policy.street_first_yuan
    step = policy.district_step_yuan if month else policy.street_step_yuan
    return places, first, first - step * (places - 1)


def _score(policy: Policy, *, month: bool) -> str:
    """What the display score takes off for a point of density; a month's density is per day."""
    return f"{policy.score_factor} × {policy.score_days}" if month else str(policy.score_factor)


def _zh(policy: Policy, *, month: bool) -> list[tuple[str, str]]:
    places, first, last = _money(policy, month=month)
    what = "区县" if month else "街道办"
    score = _score(policy, month=month)
    density = (
        "月度把三个旬的扣分合并，除以面积与天数的乘积，不是名次的平均"
        if month
        else "扣分除以责任面积（平方公里），不按区域个数比"
    )
    sentences = [
        ("3", "一条上报只属于一个网格或不属于任何网格；落在公共边上的归代码最小的网格，各级数字因此相加一致。"),
        ("5", f"{density}；密度越低名次越前，相同密度名次并列（1、2、2、4）。"),
        (
            "5",
            (
                f"四乱问题每件先扣 {_base(policy)} 分，其他问题 {number(policy.problem_points_other / MILLI)} 分，"
                "再按来源折算。"
            ),
        ),
        (
            "6",
            (
                f"连续各旬重复出现的同一问题按 {_ladder(policy)} 倍扣分；媒体曝光 {policy.media_multiplier} 倍，"
                "同一事件只扣一次。"
            ),
        ),
        (
            "7",
            (
                f"双十：{policy.response_limit_s} 秒内到场（含）为按时；"
                f"超时扣 {number(policy.late_points / MILLI)} 分，缺失扣 {number(policy.missing_points / MILLI)} 分。"
            ),
        ),
        (
            "8",
            (
                f"依法治理率低于 {policy.governance_needed}% 的，每差一个百分点（不足按一个）扣 "
                f"{number(policy.governance_points / MILLI)} 分。"
            ),
        ),
        (
            "9",
            (
                f"挂牌地点超期每天扣 {policy.overdue_points_per_day} 分；最差路段按每公里加权问题数、最差点位按 "
                f"{number(policy.spot_reach_m)} 米内至少 {policy.spot_reports} 件的聚类，"
                f"各取 {policy.listing_count} 处。"
            ),
        ),
        (
            "10",
            (
                f"以克论净限值（环路/干线/主干道/支路/背街）{_dust(policy)} 克/平方米，每超一克（不足按一克）扣 "
                f"{number(policy.dust_started_gram_points / MILLI)} 分，每条路最多 "
                f"{number(policy.dust_most_points / MILLI)} 分。"
            ),
        ),
        (
            "5",
            (
                f"道路巡查覆盖不足 {policy.coverage_needed:.0%} 的为暂定：有名次，不计奖罚，也不影响他人；"
                "没查到不等于干净。"
            ),
        ),
        (
            "5",
            (
                f"前 {places} 名{what}奖 {first:,} 至 {last:,} 元，后 {places} 名对等处罚；参排不足 {2 * places} 个的，"
                "各取一半。并列者平分所占名次之和，奖罚总额恒相等。"
            ),
        ),
        (
            "5",
            (
                f"末位者通报批评、约谈两位主要负责人、区长作检讨；连续 {policy.serious_run} 期末位的只提请研判，"
                "由人决定，系统不作决定。"
            ),
        ),
        (
            "5",
            (
                f"得分 = max(0，100 − {score} × 密度)，只供展示，不用于排名。可能名次为问题数量偶然波动下"
                "名次的 95% 范围。"
            ),
        ),
        ("5", "公布后永不改动；更正另出新版，写明原因与差异。本通报的数字由存档事实可逐位重算。"),
    ]
    if not month and policy.quotas != POOLED:
        sentences.insert(10, ("5", f"奖罚名额按重点、双重、一般区域分配：{_quotas(policy)}。"))
    return sentences


def _en(policy: Policy, *, month: bool) -> list[tuple[str, str]]:
    places, first, last = _money(policy, month=month)
    what = "districts" if month else "street offices"
    score = _score(policy, month=month)
    density = (
        "The points of the three ten-day periods are pooled and divided by km² × days; ranks are not averaged"
        if month
        else "Points are divided by the km² of responsible area, not by the number of regions"
    )
    sentences = [
        (
            "3",
            (
                "A report belongs to one cell or to none, on a shared edge to the one with the lowest code, so numbers "
                "add up at every level."
            ),
        ),
        ("5", f"{density}; the lowest density is first, equal ones share a rank (1, 2, 2, 4)."),
        (
            "5",
            (
                f"A problem of the four chaoses deducts {_base(policy)} points at first, another one "
                f"{number(policy.problem_points_other / MILLI)}, times the share of whoever found it."
            ),
        ),
        (
            "6",
            (
                f"Noticed in consecutive periods it deducts {_ladder(policy).replace('、', ', ')} times as much; "
                f"exposed by the media {policy.media_multiplier} times, once per incident."
            ),
        ),
        (
            "7",
            (
                f"Double ten: {policy.response_limit_s} s, the last included; a late step deducts "
                f"{number(policy.late_points / MILLI)} points, a missing one {number(policy.missing_points / MILLI)}."
            ),
        ),
        (
            "8",
            (
                f"A law-based governance rate below {policy.governance_needed} % deducts "
                f"{number(policy.governance_points / MILLI)} points for each point, or part of one, "
                "that it lacks."
            ),
        ),
        (
            "9",
            (
                f"A listed place deducts {policy.overdue_points_per_day} points for each day over its deadline. Worst "
                f"segments go by weighted problems per km, worst spots are clusters of {policy.spot_reports} or more "
                f"within {number(policy.spot_reach_m)} m; {policy.listing_count} of each are named."
            ),
        ),
        (
            "10",
            (
                f"Dust limits on ring, trunk, main and branch roads and back streets are {_dust(policy)} g/m²; each "
                f"started gram over deducts {number(policy.dust_started_gram_points / MILLI)} points, at most "
                f"{number(policy.dust_most_points / MILLI)} a road."
            ),
        ),
        (
            "5",
            (
                f"Where less than {policy.coverage_needed:.0%} of the roads was surveyed the standing is provisional: "
                "a rank, but no money, and nobody else's money moves by it. Unsurveyed is not clean."
            ),
        ),
        (
            "5",
            (
                f"The first {places} {what} get {first:,} to {last:,} yuan, the last {places} pay as much; with fewer "
                f"than {2 * places} half of them each. Ties share what their places are worth, so sums cancel."
            ),
        ),
        (
            "5",
            (
                "The last are given notice, their two heads are interviewed, the district head criticises himself. "
                f"{policy.serious_run} times in a row raises a flag for people to decide; the software decides nothing."
            ),
        ),
        (
            "5",
            (
                f"Score = max(0, 100 - {score} × density), for display only. “Could be” is the 95 % "
                "range of the rank under chance in the counts."
            ),
        ),
        (
            "5",
            (
                "What is published never changes; a correction is a further revision with reason and difference. Every "
                "number here can be worked out again from the stored facts."
            ),
        ),
    ]
    if not month and policy.quotas != POOLED:
        places_of = f"Places at each end are dealt to key, secondary and general streets: {_quotas(policy)}."
        sentences.insert(10, ("5", places_of))
    return sentences


def _quotas(policy: Policy) -> str:
    quotas = quotas_of(policy.quotas) or {}
    return " / ".join(str(quotas.get(tier, 0)) for tier in TIERS)
