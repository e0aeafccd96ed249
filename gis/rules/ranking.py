"""Ranks, money and consequences of a standing 排名 (clause 5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import ROUND_HALF_EVEN, Decimal
from itertools import groupby

from gis.rules.policy import Policy

STORED = Decimal("0.000001")
"""Precision at which densities are stored and compared."""
SHOWN = Decimal("0.01")
BEST = Decimal(100)
TIERS = ("key", "secondary", "general")
TEN_DAYS, MONTH = "ten_days", "month"
NO_AREA = "no responsible area: without cells there is no density"
POOLED = "pooled"


@dataclass(frozen=True)
class Entry:
    """What decides the place of a street or district.

    Parameters
    ----------
    points
        D, all deductions together.
    exposure
        km2; of a month km2 x days.
    enough
        Whether enough of its roads was surveyed; None: it has no roads, so nothing could be surveyed.
    tier
        The tier that most of its area has; "" where that is not asked for.
    bottom_before
        Times in a row at the bottom before this period.
    """

    code: str
    points: Decimal
    exposure: Decimal
    enough: bool | None
    tier: str = ""
    bottom_before: int = 0


@dataclass(frozen=True)
class Place:
    """Where it stands.

    Parameters
    ----------
    rank
        Competition rank 1, 2, 2, 4; None: without area it has none.
    density
        points / exposure at stored precision.
    score
        max(0, 100 - k x density), for display only: clipping makes ties.
    reward_yuan
        Negative: a penalty.
    bottom_run
        Times in a row at the bottom, this period included where it is there; a provisional period leaves it as it was.
    consequences
        Words of the rule: notice, interview, self_criticism, and flag for people to decide.
    """

    code: str
    rank: int | None
    density: Decimal | None
    score: Decimal | None
    provisional: bool
    reward_yuan: int = 0
    bottom_run: int = 0
    consequences: tuple[str, ...] = field(default=())


def density_of(points: Decimal, exposure: Decimal) -> Decimal | None:
    """Points per km2 (and day) at stored precision; None without area."""
    return (points / exposure).quantize(STORED, ROUND_HALF_EVEN) if exposure else None


def score_of(density: Decimal, kind: str, policy: Policy) -> Decimal:
    """The display score; a month's density, which is per day, as that of `score_days`."""
    if kind == MONTH:
        density *= policy.score_days
    return max(Decimal(0), BEST - policy.score_factor * density).quantize(SHOWN, ROUND_HALF_EVEN)


def competition_ranks(values: Mapping[str, Decimal]) -> dict[str, int]:
    """Lower is better; equal values share the better rank: 1, 2, 2, 4."""
    ranks: dict[str, int] = {}
    for members in ties(values):
        first = len(ranks) + 1
        ranks |= dict.fromkeys(members, first)
    return ranks


def ties(values: Mapping[str, Decimal]) -> list[list[str]]:
    """Codes with equal values together, best first, ascending by code among themselves."""
    ordered = sorted(values, key=lambda code: (values[code], code))
    return [list(members) for _, members in groupby(ordered, key=values.__getitem__)]


def slots(places: int, first_yuan: int, step_yuan: int, ranked: int) -> list[int]:
    """Yuan of the first place, the second, and so on: each a step less, for min(places, floor(ranked / 2)) of them.

    With the rule's numbers place r of ten gets (22 - 2r) x 10,000 yuan, and of three (200 - 50r) x 10,000.
    """
    count = min(places, ranked // 2)
    return _falling(count, first_yuan, step_yuan)


def _falling(count: int, first_yuan: int, step_yuan: int) -> list[int]:
    """Never below zero, however a city sets its step."""
    return [max(0, first_yuan - step_yuan * place) for place in range(count)]


def shared_out(groups: Sequence[Sequence[str]], pot: Sequence[int]) -> dict[str, int]:
    """Slots to places; those who tie share the mean of the slots they span, in whole yuan that sum to the pot.

    Parameters
    ----------
    groups
        Ties, best first; a group may reach beyond the last slot, which is worth nothing there.
    pot
        Yuan of the first place, the second, and so on.

    Returns
    -------
    dict
        Code -> yuan, for all codes. Where a mean is not whole, the yuan left over go one each to the lowest codes: the
        largest remainder, all remainders being equal.
    """
    shares: dict[str, int] = {}
    for members in groups:
        first = len(shares)
        whole, left = divmod(sum(pot[first : first + len(members)]), len(members))
        shares |= {code: whole + (at < left) for at, code in enumerate(sorted(members))}
    return shares


def dealt(quotas: Mapping[str, int], pot: Sequence[int]) -> dict[str, list[int]]:
    """Slots to tiers by their quotas: each goes to the tier that has the smallest share of its quota so far.

    Ties go to the larger quota, then to the higher tier.
    """
    got: dict[str, list[int]] = {tier: [] for tier in quotas}
    for yuan in pot:
        tier = min(
            (one for one in quotas if len(got[one]) < quotas[one]),
            key=lambda one: ((len(got[one]) + Decimal("0.5")) / quotas[one], -quotas[one], TIERS.index(one)),
        )
        got[tier].append(yuan)
    return got


def quotas_of(text: str) -> dict[str, int] | None:
    """`pooled`, or places at each end for key, secondary and general streets such as 5,3,2.

    Returns
    -------
    dict or None
        None: pooled.

    Raises
    ------
    ValueError
        It is neither.
    """
    if text == POOLED:
        return None
    numbers = text.split(",")
    if len(numbers) != len(TIERS) or not all(number.strip().isdecimal() for number in numbers):
        msg = f"quotas {text!r}: write pooled, or places for key, secondary and general streets such as 5,3,2"
        raise ValueError(msg)
    return dict(zip(TIERS, map(int, numbers), strict=True))


def stand(entries: Sequence[Entry], kind: str, policy: Policy) -> list[Place]:
    """Rank, money and consequences of every entry, best first; those without area last, by code.

    A provisional entry has a rank, but money and consequences go by the order of the others alone: unsurveyed is not
    clean, and nobody wins or loses by it.

    Parameters
    ----------
    kind
        TEN_DAYS: money of streets, ten at each end; MONTH: that of districts, three.

    Raises
    ------
    ValueError
        A code comes twice, or an exposure is negative.
    """
    codes = [entry.code for entry in entries]
    if len(set(codes)) < len(codes) or any(entry.exposure < 0 for entry in entries):
        msg = "each place stands once, with an area that is not negative"
        raise ValueError(msg)
    densities = {entry.code: density_of(entry.points, entry.exposure) for entry in entries}
    ranked = {code: density for code, density in densities.items() if density is not None}
    ranks = competition_ranks(ranked)
    firm = [entry for entry in entries if entry.enough and entry.code in ranked]
    rewards, penalties, bottom = _money(firm, ranked, kind, policy)
    places = []
    for entry in entries:
        density = densities[entry.code]
        run = _run(entry, at_the_bottom=entry.code in bottom)
        places.append(
            Place(
                entry.code,
                ranks.get(entry.code),
                density,
                None if density is None else score_of(density, kind, policy),
                not entry.enough,
                rewards.get(entry.code, 0) - penalties.get(entry.code, 0),
                run,
                _consequences(run, policy) if entry.code in bottom else (),
            )
        )
    return sorted(places, key=lambda one: (one.rank is None, one.rank or 0, one.code))


def _money(
    firm: Sequence[Entry], densities: Mapping[str, Decimal], kind: str, policy: Policy
) -> tuple[dict[str, int], dict[str, int], set[str]]:
    """Rewards, penalties, and who is at the bottom: everybody who shares in a penalty."""
    most = policy.street_places if kind == TEN_DAYS else policy.district_places
    first = policy.street_first_yuan if kind == TEN_DAYS else policy.district_first_yuan
    step = policy.street_step_yuan if kind == TEN_DAYS else policy.district_step_yuan
    quotas = quotas_of(policy.quotas) if kind == TEN_DAYS else None
    if quotas is None:
        lists = [({entry.code: densities[entry.code] for entry in firm}, slots(most, first, step, len(firm)))]
    else:
        by_tier = {tier: {entry.code: densities[entry.code] for entry in firm if entry.tier == tier} for tier in quotas}
        possible = {tier: min(quotas[tier], len(members) // 2) for tier, members in by_tier.items()}
        pot = _falling(min(most, sum(possible.values())), first, step)
        parts = dealt({tier: seats for tier, seats in possible.items() if seats}, pot)
        lists = [(by_tier[tier], part) for tier, part in parts.items()]
    rewards: dict[str, int] = {}
    penalties: dict[str, int] = {}
    bottom: set[str] = set()
    for values, pot in lists:
        best_first = ties(values)
        worst_first = best_first[::-1]
        rewards |= shared_out(best_first, pot)
        penalties |= shared_out(worst_first, pot)
        bottom |= _reached(worst_first, len(pot))
    return rewards, penalties, bottom


def _reached(groups: Sequence[Sequence[str]], count: int) -> set[str]:
    """Members of the groups among the first `count` places; a group that reaches beyond belongs whole."""
    found: set[str] = set()
    for members in groups:
        if len(found) >= count:
            break
        found |= set(members)
    return found


def _run(entry: Entry, *, at_the_bottom: bool) -> int:
    """Times in a row; a provisional period neither resets nor advances: else who skips the survey would be free."""
    if at_the_bottom:
        return entry.bottom_before + 1
    return 0 if entry.enough else entry.bottom_before


def _consequences(run: int, policy: Policy) -> tuple[str, ...]:
    rule = ("notice", "interview", "self_criticism")
    return (*rule, "flag") if run >= policy.serious_run else rule
