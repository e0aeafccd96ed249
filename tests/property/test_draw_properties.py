"""Clause 10, the draw: whatever the frame, it hangs on the seed alone, and length decides how likely a road is."""

from __future__ import annotations

import hashlib
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.rules.sampling import Road, allocate, chance, draw, draw_key, pick, place_at

CLASSES = ("back_street", "branch", "main", "ring", "trunk")
CODES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=6)
KEYS = st.text(min_size=1, max_size=20)


def road(code: str, road_class: str, length_mm: int, street: str = "") -> Road:
    return Road(code, road_class, length_mm, street, ((0, 0, 0), (length_mm, -length_mm, length_mm)))


@st.composite
def frames(draws: st.DrawFn) -> list[Road]:
    codes = draws(st.lists(CODES, min_size=1, max_size=25, unique=True))
    return [
        road(
            code,
            draws(st.sampled_from(CLASSES)),
            draws(st.one_of(st.integers(1, 30), st.integers(1, 5_000_000))),
            draws(st.sampled_from(("", "S1", "S2", "S3"))),
        )
        for code in codes
    ]


@given(frames(), KEYS, st.integers(0, 30), st.randoms(use_true_random=False))
def test_the_order_of_the_frame_does_not_matter(frame: list[Road], key: str, roads: int, shuffler) -> None:
    shuffled = list(frame)
    shuffler.shuffle(shuffled)
    assert draw(shuffled, key, roads, 5) == draw(frame, key, roads, 5)


@given(frames(), KEYS, st.integers(0, 30))
def test_as_many_as_asked_each_once_by_class(frame: list[Road], key: str, roads: int) -> None:
    drawn = draw(frame, key, roads, 5)
    assert len(drawn) == min(roads, len(frame))
    assert len({one.road.code for one in drawn}) == len(drawn)
    assert [one.number for one in drawn] == list(range(1, len(drawn) + 1))
    lengths: dict[str, list[int]] = {}
    for one in frame:
        lengths.setdefault(one.road_class, []).append(one.length_mm)
    assert Counter(one.road.road_class for one in drawn) == Counter(
        {name: number for name, number in allocate(lengths, roads).items() if number}
    )


@given(frames(), KEYS, st.integers(1, 30), st.integers(1, 7))
def test_points_lie_on_the_road_one_in_each_stretch(frame: list[Road], key: str, roads: int, points: int) -> None:
    for one in draw(frame, key, roads, points):
        assert len(one.points) == points
        for number, (x, y, at) in enumerate(one.points):
            assert 0 <= at < one.road.length_mm
            assert one.road.length_mm * number // points <= at <= one.road.length_mm * (number + 1) // points
            # Its line runs one unit east and one south per millimetre.
            assert (x, y) == (at, -at)


@given(st.dictionaries(st.sampled_from(CLASSES), st.lists(st.integers(1, 10**7), min_size=1, max_size=30)), st.data())
def test_shares_follow_length(lengths: dict[str, list[int]], data: st.DataObject) -> None:
    there = sum(map(len, lengths.values()))
    roads = data.draw(st.integers(0, there + 3))
    given_out = allocate(lengths, roads)
    assert sum(given_out.values()) == min(roads, there)
    assert all(given_out[name] <= len(lengths[name]) for name in lengths)
    if roads >= len(lengths):
        assert all(given_out.values())
    # No road would sit better with another class that has roads left (Sainte-Laguë), but for each class's first.
    for name in lengths:
        for other in lengths:
            if given_out[name] > 1 and given_out[other] < len(lengths[other]):
                own, its = sum(lengths[name]), sum(lengths[other])
                assert own * (2 * given_out[other] + 1) >= its * (2 * given_out[name] - 1)


def test_a_class_with_fewer_roads_than_its_share_gives_all() -> None:
    lengths = {"trunk": [900_000, 50_000], "branch": [1_000] * 40}
    assert allocate(lengths, 10) == {"branch": 8, "trunk": 2}


SEEDS = 4000


@pytest.mark.parametrize("streets", [1, 4])
def test_chance_is_proportional_to_length(streets: int) -> None:
    """Chi-square over the roads that are not certain; 4,000 seeds, fixed, so it never fails by luck."""
    lengths = [100_000, 3_000, 3_000, 5_000, 8_000, 1_000, 2_500, 9_999, 7_001, 4_000, 6_000, 500]
    roads = [road(f"R{at}", "branch", length, f"S{at % streets}") for at, length in enumerate(lengths)]
    number = 5  # the first is certain, four of the others
    counts = Counter(
        one.code for seed in range(SEEDS) for one in pick(roads, draw_key(f"seed {seed}", None), "branch", number)
    )
    assert counts["R0"] == SEEDS
    others = np.array(lengths[1:], float)
    likely = (number - 1) * others / others.sum()
    assert likely.max() < 1
    seen = np.array([counts[one.code] for one in roads[1:]])
    assert seen.sum() == SEEDS * (number - 1)
    # Each road is drawn or not: variance n p (1 - p); 11 of them, bound at 99.9 % of chi-square with 11 degrees.
    assert ((seen - SEEDS * likely) ** 2 / (SEEDS * likely * (1 - likely))).sum() < 31.3


def test_a_draw_spreads_over_the_streets() -> None:
    """Ten streets of the same length: each gets its one road of ten, or none where a start falls between two."""
    roads = [road(f"R{at}", "branch", 1_000 + at, f"S{at % 10}") for at in range(200)]
    for seed in range(50):
        found = Counter(one.street for one in pick(roads, f"seed {seed}", "branch", 40))
        assert all(3 <= found[f"S{at}"] <= 5 for at in range(10))


def test_points_are_spread_evenly_over_a_road() -> None:
    one = road("R", "main", 1_000_000)
    at = np.array([place[2] for seed in range(SEEDS) for place in draw([one], f"{seed}", 1, 5)[0].points])
    counts = np.histogram(at, bins=20, range=(0, 1_000_000))[0]
    assert ((counts - SEEDS / 4) ** 2 / (SEEDS / 4)).sum() < 43.8  # 99.9 % with 19 degrees
    # Each point lies in its own stretch on its own: the five places do not go together.
    together = np.corrcoef(at.reshape(SEEDS, 5).T)[np.triu_indices(5, 1)]
    assert np.abs(together).max() < 4 / SEEDS**0.5


def test_chance_is_sha_256_of_the_words() -> None:
    digest = hashlib.sha256(b"k|point|R1|3").hexdigest()
    assert chance("k", "point", "R1", "3") == int(digest, 16)


@settings(max_examples=200)
@given(st.lists(st.integers(0, 4000), min_size=2, max_size=9), st.data())
def test_a_place_along_a_line_with_gaps(steps: list[int], data: st.DataObject) -> None:
    # Zero steps are gaps between the parts of a line: nothing lies in them.
    along = [0, *np.cumsum(steps).tolist()]
    if along[-1] == 0:
        return
    line = tuple((number * 1000, -number * 1000, at) for number, at in enumerate(along))
    at = data.draw(st.integers(0, along[-1] - 1))
    x, y, place = place_at(line, at)
    edge = max(number for number in range(len(steps)) if along[number] <= at)
    assert place == at
    assert steps[edge] > 0
    done = (at - along[edge]) / steps[edge]
    assert edge * 1000 + 1000 * done == pytest.approx(x, abs=1)
    assert -edge * 1000 - 1000 * done == pytest.approx(y, abs=1)
    assert edge * 1000 <= x < (edge + 1) * 1000
    with pytest.raises(ValueError, match="has no place at"):
        place_at(line, along[-1])
