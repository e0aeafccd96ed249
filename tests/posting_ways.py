"""Second ways to find a posting: every posting there is, and one person at a time to where it helps most."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Mapping, Sequence

from gis.rules.posting import TIERS, Post

Rank = tuple[int, int, int, int, float]


def rank_of(posts: Sequence[Post], people: Sequence[int], reserve: int, gain: float) -> Rank:
    """How good a posting is, in the words of the rule; written anew, so that it shares nothing with the programme."""
    short = dict.fromkeys(TIERS, 0)
    for post, count in zip(posts, people, strict=True):
        short[post.tier] += max(post.required - count, 0)
    mean = max(sum(post.work for post in posts), 1) / max(sum(people) + reserve, 1)
    loads = sum(post.work * post.work / (count or 0.5) for post, count in zip(posts, people, strict=True))
    left = sum(max(post.on_post - count, 0) for post, count in zip(posts, people, strict=True))
    total = loads + (gain * gain + 2 * gain) * mean**2 * left
    return short["key"], short["secondary"], short["general"], reserve, total


def room(posts: Sequence[Post], people: Sequence[int], caps: Mapping[str, int]) -> bool:
    """Whether no street holds more than its cap."""
    return all(
        sum(count for post, count in zip(posts, people, strict=True) if post.code == code) <= most
        for code, most in caps.items()
    )


def by_all(posts: Sequence[Post], people: int, caps: Mapping[str, int], gain: float) -> Rank:
    """Rank of the best of all postings."""
    return min(
        rank_of(posts, some, people - sum(some), gain)
        for some in itertools.product(range(people + 1), repeat=len(posts))
        if sum(some) <= people and room(posts, some, caps)
    )


def one_by_one(posts: Sequence[Post], people: int, caps: Mapping[str, int], gain: float) -> list[int]:
    """Each person in turn to the post where one more lowers the rank most.

    Best of all for costs that are convex post by post, with sums bounded over disjoint sets of posts (a polymatroid).
    """
    mean = max(sum(post.work for post in posts), 1) / max(people, 1)
    found = [0] * len(posts)
    held = dict.fromkeys(caps, 0)

    def change(at: int) -> tuple[int, int, int, float]:
        post, count = posts[at], found[at]
        short = [-1 if count < post.required and post.tier == tier else 0 for tier in TIERS]
        loads = (post.work / mean) ** 2 * (1 / (count + 1) - 1 / (count or 0.5))
        stays = gain * gain + 2 * gain if count < post.on_post else 0
        return short[0], short[1], short[2], loads - stays

    queue = [(change(at), at) for at in range(len(posts))]
    heapq.heapify(queue)
    left = people
    while left and queue:
        _, at = heapq.heappop(queue)
        code = posts[at].code
        if code in caps:
            if held[code] >= caps[code]:
                continue
            held[code] += 1
        found[at] += 1
        left -= 1
        heapq.heappush(queue, (change(at), at))
    return found
