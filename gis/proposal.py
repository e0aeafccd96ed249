"""A staffing proposal 排岗建议 as an answer: rows, sums, what breaks, and sentences about it (clause 11)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from gis.rules.posting import TIER_ZH, TIERS, Move, Post, load, missing_by_tier
from gis.staffing import StaffingRow

COLUMNS = (
    "code",
    "name",
    "tier",
    "area_km2",
    "required",
    "problems",
    "on_post",
    "proposed",
    "change",
    "missing",
    "load_before",
    "load_after",
    "reason",
    "reason_zh",
)
RULE = (
    "minima of the 30 / 20 / 10 rule first, key before secondary before general where they cannot all be kept; then "
    "the least sum over posts of problems^2 / persons, that is the least load that the average problem meets; "
    "a person is moved only to where at least {gain:g} % more problems per person wait"
)


@dataclass(frozen=True)
class PostingQuery:
    """What is to be proposed.

    Parameters
    ----------
    from_day, to_day
        Window of the problems that are shared among people; `to_day` exclusive.
    people
        How many; None: all who are on post on `on`.
    on
        Day on which people are counted where they are now; None: today in the city's time zone.
    categories
        Only problems of these, spelt as for density; empty: all.
    caps
        Street code -> most people there.
    """

    from_day: date
    to_day: date
    people: int | None = None
    on: date | None = None
    categories: tuple[str, ...] = ()
    caps: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class ProposedPost:
    """One tier of a street: as it is, as it is proposed, and why; `problems` of the window."""

    row: StaffingRow
    post: Post
    problems: int
    proposed: int
    reason: str
    reason_zh: str

    @property
    def missing(self) -> int:
        """Persons short of the minimum."""
        return max(0, self.post.required - self.proposed)

    def as_dict(self) -> dict[str, Any]:
        """The row's columns; loads are problems per person, None where there is work and nobody."""
        row, on_post = self.row, self.post.on_post
        return {
            "code": row.code,
            "name": row.name,
            "tier": row.tier,
            "area_km2": row.area_km2,
            "required": row.required,
            "problems": self.problems,
            "on_post": on_post,
            "proposed": self.proposed,
            "change": self.proposed - on_post,
            "missing": self.missing,
            "load_before": load(self.problems, on_post),
            "load_after": load(self.problems, self.proposed),
            "reason": self.reason,
            "reason_zh": self.reason_zh,
        }


@dataclass(frozen=True)
class Proposal:
    """A posting of `people`, post by post in code order, and how it differs from now.

    Parameters
    ----------
    level
        street, or district where the city has no streets.
    on
        Day on which people were counted.
    reserve
        People for whom the caps leave no post.
    moves
        Who goes where.
    names
        Code -> name of streets and districts.
    """

    level: str
    on: date
    query: PostingQuery
    people: int
    reserve: int
    move_gain: float
    rows: list[ProposedPost]
    moves: list[Move]
    names: Mapping[str, str]

    @property
    def feasible(self) -> bool:
        """Whether every minimum is kept and everybody has a post."""
        return not self.reserve and not any(row.missing for row in self.rows)

    def head(self) -> dict[str, Any]:
        """What the answer says besides its rows."""
        return {
            "level": self.level,
            "on": self.on,
            "from": self.query.from_day,
            "to": self.query.to_day,
            "people": self.people,
            "caps": dict(self.query.caps),
            "rule": {"clause": "11", "text": RULE.format(gain=100 * self.move_gain), "move_gain": self.move_gain},
            "feasible": self.feasible,
            **dict(zip(("verdict", "verdict_zh"), self.verdict(), strict=True)),
            "total": self.total(),
            "breaks": self.breaks(),
            "breaks_by_district": self.breaks_by_district(),
            "moves": [self._move(one) for one in self.moves],
        }

    def total(self) -> dict[str, Any]:
        """The whole city, before and after."""
        problems = sum(row.problems for row in self.rows)
        on_post, proposed = sum(row.post.on_post for row in self.rows), sum(row.proposed for row in self.rows)
        before = [one for row in self.rows if (one := load(row.problems, row.post.on_post)) is not None]
        after = [one for row in self.rows if (one := load(row.problems, row.proposed)) is not None]
        return {
            "required": sum(row.post.required for row in self.rows),
            "problems": problems,
            "on_post": on_post,
            "proposed": proposed,
            "without_post": self.reserve,
            "missing": dict(zip(TIERS, self.missing(), strict=True)),
            "moved": sum(one.people for one in self.moves if one.from_post and one.to_post),
            "load_before": load(problems, on_post),
            "load_after": load(problems, proposed),
            "heaviest_before": max(before, default=None),
            "heaviest_after": max(after, default=None),
            "unattended_before": sum(row.problems for row in self.rows if not row.post.on_post),
            "unattended_after": sum(row.problems for row in self.rows if not row.proposed),
        }

    def missing(self) -> tuple[int, ...]:
        """Persons short of the minima: key, secondary, general."""
        return missing_by_tier([row.post for row in self.rows], [row.proposed for row in self.rows])

    def verdict(self) -> tuple[str, str]:
        """Whether all minima can be kept, and if not, what breaks by how many: English, Chinese."""
        required = sum(row.post.required for row in self.rows)
        if self.feasible:
            rest = self.people - required
            return (
                f"feasible: all minima ({required} people) are kept, {rest} more are shared by workload",
                f"可行：最低标准共需 {required} 人，全部满足；其余 {rest} 人按负担分配",
            )
        short = [(tier, count) for tier, count in zip(TIERS, self.missing(), strict=True) if count]
        broken = sum(1 for row in self.rows if row.missing)
        parts = ", ".join(f"{count} in {tier} areas" for tier, count in short)
        parts_zh = "、".join(f"{TIER_ZH[tier]}区域缺 {count} 人" for tier, count in short)
        en = [f"{self.people} people for minima of {required}"]
        zh = [f"可派 {self.people} 人，最低标准共需 {required} 人"]
        if short:
            en.append(
                f"minima broken: {broken}, people missing: {sum(self.missing())} ({parts}); what is proposed is nearest"
            )
            zh.append(f"{broken} 处达不到最低标准，共缺 {sum(self.missing())} 人（{parts_zh}），下列为最接近的方案")
        if self.reserve:
            en.append(f"{self.reserve} people have no post because of the caps")
            zh.append(f"{self.reserve} 人因街道上限无岗可派")
        return "infeasible: " + "; ".join(en), "不可行：" + "；".join(zh)

    def breaks(self) -> list[dict[str, Any]]:
        """The minima that are not kept, and by how many people."""
        return [
            {
                "code": row.row.code,
                "name": row.row.name,
                "tier": row.post.tier,
                "required": row.post.required,
                "proposed": row.proposed,
                "missing": row.missing,
            }
            for row in self.rows
            if row.missing
        ]

    def breaks_by_district(self) -> list[dict[str, Any]]:
        """The same, added up by district."""
        sums: dict[str, int] = defaultdict(int)
        for row in self.rows:
            if row.missing:
                sums[row.post.district or row.post.code] += row.missing
        return [{"code": code, "name": self.names.get(code), "missing": count} for code, count in sorted(sums.items())]

    def _move(self, move: Move) -> dict[str, Any]:
        ends = {"from": move.from_post, "to": move.to_post}
        return {
            "people": move.people,
            **{
                name: None
                if post is None
                else {"code": post.code, "name": self.names.get(post.code), "tier": post.tier}
                for name, post in ends.items()
            },
        }

    def by_area(self) -> list[dict[str, Any]]:
        """One entry per street with its tiers inside; for maps, where an area is drawn once."""
        areas: dict[int, dict[str, Any]] = {}
        for row in self.rows:
            start = {"id": row.row.id, "code": row.row.code, "name": row.row.name, "area_km2": Decimal(0)}
            sums = dict.fromkeys(("required", "problems", "on_post", "proposed", "change", "missing"), 0)
            area = areas.setdefault(row.row.id, {**start, **sums, "tiers": []})
            facts = row.as_dict()
            area["area_km2"] += row.row.area_km2
            for name in sums:
                area[name] += facts[name] or 0
            area["tiers"].append({name: facts[name] for name in COLUMNS[2:]})
        for area in areas.values():
            area["load_before"] = load(area["problems"], area["on_post"])
            area["load_after"] = load(area["problems"], area["proposed"])
        return list(areas.values())
