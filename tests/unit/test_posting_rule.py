"""How people should be posted: the integer programme against two other ways, and what it promises (clause 11)."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.errors import ParameterError
from gis.posting import parsed_caps
from gis.posting_programme import Posting, best_posting
from gis.rules.posting import TIERS, Post, load, missing_by_tier, moves, posting_cost, reason, scale_of
from tests.posting_ways import by_all, one_by_one, rank_of, room

GAIN = 0.1


def best(posts: Sequence[Post], people: int, caps: Mapping[str, int] | None = None) -> Posting:
    return best_posting(posts, people, caps or {}, scale_of(posts, people, GAIN))


def same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return one[:4] == other[:4] and one[4] == pytest.approx(other[4], rel=1e-7, abs=1e-6)


def some_posts(draw: st.DrawFn, most: int) -> list[Post]:
    return [
        Post(
            f"S{number // 2}",
            draw(st.sampled_from(TIERS)),
            draw(st.integers(0, 5)),
            draw(st.sampled_from([0, 1, 3, 10, 10, 200])),
            draw(st.integers(0, 5)),
            f"D{number // 4}",
        )
        for number in range(draw(st.integers(1, most)))
    ]


@st.composite
def cases(draw: st.DrawFn, most: int = 8, people: int = 60) -> tuple[list[Post], int, dict[str, int]]:
    posts = some_posts(draw, most)
    caps = draw(st.dictionaries(st.sampled_from(["S0", "S1", "S2"]), st.integers(0, 12), max_size=2))
    return posts, draw(st.integers(1, people)), {code: cap for code, cap in caps.items() if code <= posts[-1].code}


# -- in the words of the rule ------------------------------------------------------------------------------------------


def test_minima_come_before_workload() -> None:
    posts = [Post("A", "general", 5, 0, 0), Post("B", "general", 1, 1000, 6)]
    assert best(posts, 6).people == (5, 1)


def test_who_is_left_goes_where_a_person_carries_most() -> None:
    posts = [Post("A", "key", 1, 100, 1), Post("B", "key", 1, 300, 1)]
    assert best(posts, 8).people == (2, 6)


def test_nobody_is_moved_for_little() -> None:
    # 105 against 95 problems for ten each: an exchange would not be worth a tenth.
    near = [Post("A", "key", 1, 95, 10), Post("B", "key", 1, 105, 10)]
    assert best(near, 20).people == (10, 10)
    far = [Post("A", "key", 1, 50, 10), Post("B", "key", 1, 150, 10)]
    assert best(far, 20).people[1] > 13


def test_too_few_people_keep_key_minima_first_then_secondary() -> None:
    posts = [Post("A", "general", 10, 900, 10), Post("A", "key", 6, 0, 6), Post("B", "secondary", 4, 0, 4)]
    assert best(posts, 12).people == (2, 6, 4)
    assert best(posts, 8).people == (0, 6, 2)
    assert missing_by_tier(posts, best(posts, 8).people) == (0, 2, 10)


def test_what_a_cap_breaks() -> None:
    posts = [Post("A", "key", 10, 50, 0), Post("B", "key", 2, 50, 0)]
    found = best(posts, 20, {"A": 7})
    assert found == Posting((7, 13), 0)
    assert missing_by_tier(posts, found.people) == (3, 0, 0)
    assert best(posts, 20, {"A": 7, "B": 5}) == Posting((7, 5), 8)


def test_a_place_without_ground_gives_its_people_away() -> None:
    posts = [Post("A", "general", 0, 0, 3), Post("B", "general", 1, 40, 1)]
    assert best(posts, 4).people == (0, 4)


# -- other ways --------------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(case=cases(most=4, people=7))
def test_of_all_postings_none_is_better(case: tuple[list[Post], int, dict[str, int]]) -> None:
    posts, people, caps = case
    found = best(posts, people, caps)
    assert room(posts, found.people, caps)
    assert same(rank_of(posts, found.people, found.reserve, GAIN), by_all(posts, people, caps, GAIN))


@settings(max_examples=100, deadline=None)
@given(case=cases())
def test_one_by_one_is_as_good(case: tuple[list[Post], int, dict[str, int]]) -> None:
    posts, people, caps = case
    found, other = best(posts, people, caps), one_by_one(posts, people, caps, GAIN)
    assert sum(found.people) + found.reserve == people
    assert same(rank_of(posts, found.people, found.reserve, GAIN), rank_of(posts, other, people - sum(other), GAIN))
    scale = scale_of(posts, people, GAIN)
    ours = posting_cost(posts, found.people, scale) * scale.mean_load**2
    assert ours == pytest.approx(rank_of(posts, found.people, found.reserve, GAIN)[4])


def city_of_streets(streets: int, seed: int) -> list[Post]:
    rng = np.random.default_rng(seed)
    return [
        Post(
            f"{street:03d}",
            tier,
            int(np.ceil(km2 * per_km2)),
            int(rng.poisson(km2 * per_km2 * 40 * rng.gamma(1, 1))),
            int(km2 * per_km2 * rng.uniform(0.5, 1.4)),
            f"{street // 20:02d}",
        )
        for street in range(streets)
        for tier, per_km2 in zip(TIERS, (30, 20, 10), strict=True)
        for km2 in [rng.gamma(1, 0.8)]
    ]


@pytest.mark.parametrize(("share", "capped"), [(0.7, False), (1.0, False), (1.2, False), (1.2, True)])
def test_200_streets_take_seconds(share: float, capped: bool) -> None:
    posts = city_of_streets(200, seed=3)
    people = int(share * sum(post.required for post in posts))
    caps = {f"{street:03d}": 10 + street % 60 for street in range(0, 200, 3)} if capped else {}
    begun = time.perf_counter()
    found = best(posts, people, caps)
    assert time.perf_counter() - begun < 20  # about one second on an idle machine
    other = one_by_one(posts, people, caps, GAIN)
    assert same(rank_of(posts, found.people, found.reserve, GAIN), rank_of(posts, other, people - sum(other), GAIN))


# -- what it promises --------------------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_minima_are_kept_where_they_can_be(case: tuple[list[Post], int, dict[str, int]]) -> None:
    posts, people, _ = case
    found = best(posts, people)
    assert sum(found.people) == people
    short = max(0, sum(post.required for post in posts) - people)
    assert sum(missing_by_tier(posts, found.people)) == short


@settings(max_examples=40, deadline=None)
@given(case=cases(), more=st.integers(1, 20))
def test_more_people_never_make_it_worse(case: tuple[list[Post], int, dict[str, int]], more: int) -> None:
    posts, people, caps = case
    fewer, larger = best(posts, people, caps), best(posts, people + more, caps)
    before = rank_of(posts, fewer.people, fewer.reserve, GAIN)
    after = rank_of(posts, larger.people, larger.reserve, GAIN)
    assert after[:3] <= before[:3]
    if after[:3] == before[:3]:
        assert after[4] <= before[4] * (1 + 1e-7) + 1e-6


@settings(max_examples=40, deadline=None)
@given(case=cases(), seed=st.integers(0, 99))
def test_the_order_of_posts_decides_nothing_that_counts(
    case: tuple[list[Post], int, dict[str, int]], seed: int
) -> None:
    posts, people, caps = case
    mixed = [posts[at] for at in np.random.default_rng(seed).permutation(len(posts))]
    found, other = best(posts, people, caps), best(mixed, people, caps)
    assert same(rank_of(posts, found.people, found.reserve, GAIN), rank_of(mixed, other.people, other.reserve, GAIN))


@settings(max_examples=60, deadline=None)
@given(case=cases())
def test_moves_lead_from_now_to_the_proposal(case: tuple[list[Post], int, dict[str, int]]) -> None:
    posts, people, caps = case
    found = best(posts, people, caps)
    count = {id(post): post.on_post for post in posts}
    for move in moves(posts, found.people):
        assert move.people > 0
        assert move.from_post is not move.to_post
        if move.from_post:
            count[id(move.from_post)] -= move.people
        if move.to_post:
            count[id(move.to_post)] += move.people
    assert tuple(count[id(post)] for post in posts) == found.people


def test_moves_stay_near() -> None:
    posts = [
        Post("A1", "key", 0, 0, 5, "A"),
        Post("A1", "general", 0, 0, 0, "A"),
        Post("A2", "general", 0, 0, 0, "A"),
        Post("B1", "general", 0, 0, 0, "B"),
    ]
    told = [
        (move.to_post and (move.to_post.code, move.to_post.tier), move.people) for move in moves(posts, [0, 2, 1, 2])
    ]
    assert told == [(("A1", "general"), 2), (("A2", "general"), 1), (("B1", "general"), 2)]


# -- words -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("post", "people", "en", "zh"),
    [
        (
            Post("A", "key", 53, 421, 50),
            60,
            "+10: 3 to the minimum, the others because a person here",
            "其中 3 人用于达标",
        ),
        (Post("A", "key", 53, 421, 50), 53, "+3 to the minimum", "调入 3 人以达到最低标准"),
        (Post("A", "key", 5, 100, 9), 6, "-3: needed more elsewhere, the minimum is kept", "调出 3 人"),
        (Post("A", "key", 5, 100, 9), 4, "1 short of the minimum: there are not enough people", "比最低标准少 1 人"),
        (Post("A", "key", 0, 0, 2), 0, "-2: there is nothing to look after", "无责任区域"),
        (Post("A", "key", 5, 100, 9), 9, "unchanged: no exchange would pay", "不调整"),
        (
            Post("A", "key", 5, 100, 9),
            11,
            "+2: a person here carries more than in the whole city now (7.2)",
            "高于全市现状",
        ),
    ],
)
def test_reasons_say_what_the_numbers_say(post: Post, people: int, en: str, zh: str) -> None:
    found = reason(post, people, post.work, {}, 7.2)
    assert en in found.en
    assert zh in found.zh


def test_a_reason_names_the_cap() -> None:
    assert "capped at 4" in reason(Post("A", "key", 5, 100, 9), 4, 100, {"A": 4}, 7.2).en


def test_load_without_people() -> None:
    assert load(5, 0) is None
    assert load(0, 0) == 0
    assert load(6, 4) == 1.5


@pytest.mark.parametrize("text", ["410102001", "=3", "410102001=", "410102001=-1", "a=1.5", "a=１", "a=9999999"])
def test_caps_are_a_code_and_a_number(text: str) -> None:
    with pytest.raises(ParameterError, match="cap"):
        parsed_caps([text])
    assert parsed_caps(["a=1", "b=0"]) == {"a": 1, "b": 0}
    with pytest.raises(ParameterError, match="twice"):
        parsed_caps(["a=1", "a=2"])
