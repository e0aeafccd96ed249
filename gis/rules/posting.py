"""Posting 排岗: how so many coordinators should be posted, what that costs, and why (clause 11).

Minima come first: what the 30 / 20 / 10 rule requires of every street and tier. Who is left is shared by workload: the
problems of a window per person. `gis.posting_programme` finds the posting; what is judged, and in which words, is here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf

TIERS = ("key", "secondary", "general")
"""In the order in which minima are kept where they cannot all be."""

NOBODY = 0.5
"""A post with nobody counts as one with half a person, so that its work weighs and the sum stays finite."""


@dataclass(frozen=True)
class Post:
    """One tier of one street, where people can be posted.

    Parameters
    ----------
    code
        Of the street (or of the district, where a city passes streets over).
    tier
        key, secondary or general.
    required
        Persons that the rule asks for at least; 0 where there are no cells.
    work
        What is shared among people: problems of the window (or, where there were none at all, `required`).
    on_post
        Persons there now.
    district
        Code of the district, None without.
    """

    code: str
    tier: str
    required: int
    work: int
    on_post: int
    district: str | None = None


@dataclass(frozen=True)
class Scale:
    """What all posts are measured by.

    Parameters
    ----------
    mean_load
        Work per person if all shared all, > 0.
    move_cost
        What a move must gain at least, in squares of the mean load.
    """

    mean_load: float
    move_cost: float


def scale_of(posts: Sequence[Post], people: int, move_gain: float) -> Scale:
    """Mean load of so many people, and the price of a move.

    Parameters
    ----------
    move_gain
        A person moves only to where so much more work per person waits (0.1: a tenth more).

    Notes
    -----
    One person more at a post lowers its work^2 / persons by about the square of its load; one less raises it so. Where
    a person leaves a post of mean load for one whose load is higher by `move_gain`, the sum falls by about
    (1 + move_gain)^2 - 1 mean loads squared: that is what a move has to pay.
    """
    work = sum(post.work for post in posts)
    return Scale(max(work, 1) / max(people, 1), (1 + move_gain) ** 2 - 1)


def load_cost(post: Post, people: int, scale: Scale) -> float:
    """work^2 / persons of one post, in squares of the mean load; convex in `people`.

    Summed over the posts it is, up to a factor, the load that the average problem meets: least where loads are equal.
    """
    return (post.work / scale.mean_load) ** 2 / max(people, NOBODY)


def posting_cost(posts: Sequence[Post], people: Sequence[int], scale: Scale) -> float:
    """What is minimised once as few minima as possible are missed: load costs, and the price of every move."""
    return sum(
        load_cost(post, count, scale) + scale.move_cost * max(0, post.on_post - count)
        for post, count in zip(posts, people, strict=True)
    )


def missing_by_tier(posts: Sequence[Post], people: Sequence[int]) -> tuple[int, ...]:
    """Persons short of the minima, by tier: key, secondary, general. Compared in this order, less is better."""
    pairs = list(zip(posts, people, strict=True))
    return tuple(sum(max(0, post.required - count) for post, count in pairs if post.tier == tier) for tier in TIERS)


def load(work: int, people: int) -> float | None:
    """Work per person; None where there is work and nobody."""
    return work / people if people else (None if work else 0.0)


@dataclass(frozen=True)
class Move:
    """So many people from one post to another; None: from outside, or to no post."""

    from_post: Post | None
    to_post: Post | None
    people: int


def moves(posts: Sequence[Post], people: Sequence[int]) -> list[Move]:
    """Who goes where: within a street as far as possible, then within a district, then by code.

    How many leave a post and how many join it is the posting's; which of them go to which is this rule's.
    """
    leaving = {at: post.on_post - n for at, (post, n) in enumerate(zip(posts, people, strict=True)) if post.on_post > n}
    joining = {at: n - post.on_post for at, (post, n) in enumerate(zip(posts, people, strict=True)) if n > post.on_post}
    found: list[Move] = []
    for same in (_street, _district, _anywhere):
        wanted: dict[str | None, list[int]] = {}
        for at in joining:
            wanted.setdefault(same(posts[at]), []).append(at)
        for here in list(leaving):
            for there in wanted.get(same(posts[here]), ()):
                if count := min(leaving[here], joining.get(there, 0)):
                    found.append(Move(posts[here], posts[there], count))
                    _take(leaving, here, count)
                    _take(joining, there, count)
                if here not in leaving:
                    break
    found += [Move(posts[at], None, count) for at, count in leaving.items()]
    found += [Move(None, posts[at], count) for at, count in joining.items()]
    return found


def _take(people: dict[int, int], at: int, count: int) -> None:
    people[at] -= count
    if not people[at]:
        del people[at]


def _street(post: Post) -> str | None:
    return post.code


def _district(post: Post) -> str | None:
    return post.district


def _anywhere(_: Post) -> str | None:
    return None


@dataclass(frozen=True)
class Reason:
    """Why a post gets so many, in both languages."""

    en: str
    zh: str


TIER_ZH = {"key": "重点", "secondary": "双重", "general": "一般"}


def reason(post: Post, people: int, problems: int, caps: Mapping[str, int], mean: float) -> Reason:
    """Why so many, in sentences.

    Parameters
    ----------
    problems
        Of the window, at this post; differs from `post.work` only where no post had any.
    caps
        Street code -> most people there.
    mean
        Work per person over the whole city as it is posted now; infinite where nobody is.
    """
    en = [f"the rule asks for at least {post.required}" if post.required else "the rule asks for nobody here"]
    zh = [f"按标准至少 {post.required} 人" if post.required else "按标准无需配备"]
    en.append(
        f"{problems} problem{'' if problems == 1 else 's'}: {_carried(problems, people)}, now {_now(problems, post)}"
    )
    zh.append(f"时段内问题 {problems} 件：{_carried_zh(problems, people)}，现{_carried_zh(problems, post.on_post)}")
    for text, text_zh in (_change(post, people, mean), _short(post, people, caps)):
        en += [text] if text else []
        zh += [text_zh] if text_zh else []
    return Reason("; ".join(en), "；".join(zh))


def _carried(problems: int, people: int) -> str:
    return f"{problems / people:.1f} per person with {people}" if people else "nobody is posted"


def _now(problems: int, post: Post) -> str:
    return f"{problems / post.on_post:.1f} with {post.on_post}" if post.on_post else "nobody is there"


def _carried_zh(problems: int, people: int) -> str:
    return f"配 {people} 人、人均 {problems / people:.1f} 件" if people else "无人"


def _change(post: Post, people: int, mean: float) -> tuple[str, str]:
    change = people - post.on_post
    to_minimum = min(change, max(0, post.required - post.on_post))
    if change == 0:
        return "unchanged: no exchange would pay", "不调整：对调不划算"
    if change < 0:
        if not post.required and not post.work:
            return f"{change}: there is nothing to look after", f"调出 {-change} 人：无责任区域"
        kept, kept_zh = (", the minimum is kept", "，仍满足最低标准") if people >= post.required else ("", "")
        return f"{change}: needed more elsewhere{kept}", f"调出 {-change} 人：他处更需要{kept_zh}"
    if to_minimum == change:
        towards, towards_zh = ("to", "以达到") if people >= post.required else ("towards", "以接近")
        return f"+{change} {towards} the minimum", f"调入 {change} 人{towards_zh}最低标准"
    why, why_zh = "people are left to share when all minima are kept", "各岗达标后余员按负担分配"
    now = load(post.work, post.on_post)
    if now is None or now > mean:
        why = f"a person here carries more than in the whole city now ({mean:.1f})"
        why_zh = f"此处人均负担高于全市现状（{mean:.1f}）"
    if to_minimum:
        return (
            f"+{change}: {to_minimum} to the minimum, the others because {why}",
            f"调入 {change} 人：其中 {to_minimum} 人用于达标，其余因{why_zh}",
        )
    return f"+{change}: {why}", f"调入 {change} 人：{why_zh}"


def _short(post: Post, people: int, caps: Mapping[str, int]) -> tuple[str, str]:
    short = post.required - people
    if short <= 0:
        return "", ""
    cap = caps.get(post.code, inf)
    if cap < inf:
        return (
            f"{short} short of the minimum (the street is capped at {cap})",
            f"比最低标准少 {short} 人（上限 {cap} 人）",
        )
    return f"{short} short of the minimum: there are not enough people", f"比最低标准少 {short} 人：人手不足"
