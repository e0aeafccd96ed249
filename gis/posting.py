"""How so many coordinators should be posted 排岗: facts -> programme -> proposal (clause 11)."""

from __future__ import annotations

from collections import defaultdict
from math import inf

import numpy as np
from sqlalchemy import Connection

from gis.density import DensityQuery, cell_counts
from gis.errors import ParameterError
from gis.ground import Ground
from gis.policies import city_policy
from gis.posting_programme import best_posting
from gis.proposal import PostingQuery, Proposal, ProposedPost
from gis.rules.posting import Post, moves, reason, scale_of
from gis.staffing import staffing

MOST_PEOPLE = 100_000


def propose(conn: Connection, ground: Ground, query: PostingQuery) -> Proposal:
    """How people should be posted.

    Minima first, then by workload, and nobody is moved for little (`gis.rules.posting`). Where the minima cannot all be
    kept they are missed by as few people as possible, key before secondary before general. Posts with neither work nor
    minimum get nobody who could be of use elsewhere. Without any problem in the window people are shared as the rule
    asks for them.

    Raises
    ------
    ParameterError
        The number of people, a cap, or a category cannot be; or the city has neither streets nor districts.
    TooCostly
        No optimum was proven in time.
    """
    answer = staffing(conn, on=query.on)
    _check(query, {row.code for row in answer.rows})
    problems = _problems(conn, ground, query)
    rows = [row for row in answer.rows if row.tier is not None]
    counted = [problems.get((row.id, str(row.tier)), 0) for row in rows]
    posts = [
        Post(
            row.code,
            str(row.tier),
            row.required or 0,
            count if any(counted) else row.required or 0,
            row.on_post,
            _district(ground, row.id),
        )
        for row, count in zip(rows, counted, strict=True)
    ]
    people = sum(post.on_post for post in posts) if query.people is None else query.people
    gain = city_policy(conn, answer.on).posting_move_gain
    scale = scale_of(posts, people, gain)
    on_post, work = sum(post.on_post for post in posts), sum(post.work for post in posts)
    mean_now = work / on_post if on_post else inf
    found = best_posting(posts, people, query.caps, scale)
    listed = []
    for row, post, count, proposed in zip(rows, posts, counted, found.people, strict=True):
        why = reason(post, proposed, count, query.caps, mean_now)
        listed.append(ProposedPost(row, post, count, proposed, why.en, why.zh))
    names = {area.code: area.name for area in ground.areas.values()} | {row.code: row.name for row in rows}
    who = moves(posts, found.people)
    return Proposal(answer.level, answer.on, query, people, found.reserve, gain, listed, who, names)


def _check(query: PostingQuery, codes: set[str]) -> None:
    if query.people is not None and not 1 <= query.people <= MOST_PEOPLE:
        msg = f"{query.people} is no number of people between 1 and {MOST_PEOPLE:,}"
        raise ParameterError("people", msg)
    for code, most in query.caps.items():
        if code not in codes:
            msg = f"no street to be staffed has the code {code!r}; GET /staffing lists them"
            raise ParameterError("cap", msg)
        if not 0 <= most <= MOST_PEOPLE:
            raise ParameterError("cap", f"{most} is no number of people between 0 and {MOST_PEOPLE:,}")


def parsed_caps(texts: tuple[str, ...] | list[str]) -> dict[str, int]:
    """Street code -> most people, out of texts such as 410102001=30.

    Raises
    ------
    ParameterError
        One is not written so, or names a street twice.
    """
    caps: dict[str, int] = {}
    for text in texts:
        code, _, most = text.partition("=")
        if not code or not (most.isascii() and most.isdigit()) or len(most) > len(str(MOST_PEOPLE)):
            msg = f"{text[:60]!r} is no cap; a street's code and the most people there, such as 410102001=30, are right"
            raise ParameterError("cap", msg)
        if code in caps:
            msg = f"{code[:40]} is capped twice"
            raise ParameterError("cap", msg)
        caps[code] = int(most)
    return caps


def _problems(conn: Connection, ground: Ground, query: PostingQuery) -> dict[tuple[int, str], int]:
    """Problems of the window by the street that staffing counts for, and tier; a community's count above it."""
    counts = cell_counts(conn, ground, DensityQuery(query.from_day, query.to_day, query.categories))
    found: dict[tuple[int, str], int] = defaultdict(int)
    for rank in np.flatnonzero(counts).tolist():
        area = ground.areas[int(ground.cell_areas[rank])]
        street = area.parent_id if area.level == "community" and area.parent_id is not None else area.id
        found[street, ground.cell_tiers[rank]] += int(counts[rank])
    return found


def _district(ground: Ground, area_id: int) -> str | None:
    area = ground.area_of(area_id, "district") if area_id in ground.areas else None
    return area.code if area else None
