"""Tracks to segments: against a slow way without arrays, against simulated patrols, and case by case."""

from __future__ import annotations

from collections import defaultdict
from itertools import pairwise
from math import ceil, hypot, radians, sin

import numpy as np
import pytest
import shapely
from numpy.typing import NDArray

from gis.geometry.edge_grid import EdgeGrid
from gis.geometry.track_match import STEP_M, STEPS_MISSED, Matched, MatchRules, Tracks, match_tracks
from tests.patrols import drive, network

RULES = MatchRules(reach_m=20, heading_deg=45, gap_s=60, gap_m=150, least_m=20, tie_m=0.001)


def tracks_of(*fixes: NDArray[np.float64]) -> Tracks:
    """x, y, time of each track."""
    number = np.repeat(np.arange(len(fixes), dtype=np.int32), [len(one) for one in fixes])
    x, y, at_s = np.concatenate(fixes).T
    return Tracks(x, y, at_s, number)


def match(lines: list[shapely.Geometry] | NDArray[np.object_], *fixes: NDArray[np.float64]) -> Matched:
    return match_tracks(EdgeGrid(np.array(lines, dtype=object), RULES.reach_m), tracks_of(*fixes), RULES)


def found(matched: Matched) -> dict[int, list[tuple[float, float]]]:
    answer = defaultdict(list)
    stretches = matched.stretches
    for line, low, high in zip(stretches.line.tolist(), stretches.from_m, stretches.to_m, strict=True):
        answer[line].append((round(float(low), 3), round(float(high), 3)))
    return dict(answer)


def length_of(stretches: list[tuple[float, float]]) -> float:
    """Of the union."""
    total, reached = 0.0, -1.0
    for low, high in sorted(stretches):
        total += max(high - max(low, reached), 0.0)
        reached = max(reached, high)
    return total


def straight(*points: tuple[float, float], speed_m_s: float = 8.0) -> NDArray[np.float64]:
    """A fix every second along a line."""
    path = shapely.LineString(points)
    along = np.append(np.arange(0, path.length, speed_m_s), path.length)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(path, along))
    return np.column_stack([xy, np.arange(len(xy), dtype=float)])


# -- a slow way --------------------------------------------------------------------------------------------------------


def slowly(lines: NDArray[np.object_], fixes: NDArray[np.float64]) -> dict[int, list[tuple[float, float]]]:
    """The same rule step by step and pair by pair with shapely, for simple lines of one part."""
    tree = shapely.STRtree(lines)
    runs: list[list[NDArray[np.float64]]] = [[fixes[0]]]
    for one, two in pairwise(fixes):
        if two[2] - one[2] > RULES.gap_s or hypot(*(two - one)[:2]) > RULES.gap_m:
            runs.append([])
        runs[-1].append(two)
    steps: list[tuple[int, float, dict[int, tuple[float, float]]]] = []
    place = 0
    for run in runs:
        place += STEPS_MISSED + 1
        path = shapely.LineString([one[:2] for one in run]) if len(run) > 1 else shapely.LineString()
        count = ceil(path.length / STEP_M)
        for number in range(count):
            place += 1
            along = (number + 0.5) * path.length / count
            at = path.interpolate(along)
            ahead = path.interpolate(min(along + RULES.reach_m, path.length))
            behind = path.interpolate(max(along - RULES.reach_m, 0))
            chord = ahead.x - behind.x, ahead.y - behind.y
            there = sorted(tree.query(at, predicate="dwithin", distance=RULES.reach_m).tolist())
            choices = {line: _choices(lines[line], at, chord) for line in there}
            near = {line: min(some) for line, some in choices.items() if some}
            steps.append((place, path.length / count, near))
    means: dict[tuple[int, int], float] = {}
    for line in range(len(lines)):
        for streak in _streaks([(p, h, near[line]) for p, h, near in steps if line in near]):
            mean = sum(one[2][0] for one in streak) / len(streak)
            means |= {(one[0], line): mean for one in streak}
    answer: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for line in range(len(lines)):
        kept = [
            (p, h, near[line])
            for p, h, near in steps
            if line in near and means[p, line] <= min(means[p, other] for other in near) + RULES.tie_m
        ]
        total = lines[line].length
        for streak in _streaks(kept):
            half = streak[0][1] / 2
            low = max(min(one[2][1] for one in streak) - half, 0)
            high = min(max(one[2][1] for one in streak) + half, total)
            if high - low >= min(RULES.least_m, total / 2):
                low = 0 if low <= RULES.reach_m else low
                high = total if high >= total - RULES.reach_m else high
                answer[line].append((round(low, 3), round(high, 3)))
    return dict(answer)


def _choices(line: shapely.LineString, at: shapely.Point, chord: tuple[float, float]) -> list[tuple[float, float]]:
    """Distance and place along the line, for each of its edges that runs the way of the chord."""
    found, begun = [], 0.0
    vertices = list(pairwise(line.coords))
    for edge, (a, b) in enumerate(vertices):
        piece = shapely.LineString([a, b])
        way = (b[0] - a[0]) / piece.length, (b[1] - a[1]) / piece.length
        aside = abs(way[0] * chord[1] - way[1] * chord[0])
        along_edge = (at.x - a[0]) * way[0] + (at.y - a[1]) * way[1]
        beyond = (edge == 0 and along_edge < 0) or (edge == len(vertices) - 1 and along_edge > piece.length)
        same_way = hypot(*chord) > 0 and aside <= sin(radians(RULES.heading_deg)) * hypot(*chord)
        if piece.distance(at) <= RULES.reach_m and same_way and not beyond:
            found.append((piece.distance(at), begun + piece.project(at)))
        begun += piece.length
    return found


def _streaks(steps: list) -> list[list]:
    streaks: list[list] = []
    for one in steps:
        last = streaks[-1][-1] if streaks else None
        jumped = last and abs(one[2][1] - last[2][1]) > (one[0] - last[0]) * STEP_M + RULES.reach_m
        if last is None or one[0] - last[0] > STEPS_MISSED or jumped:
            streaks.append([])
        streaks[-1].append(one)
    return streaks


@pytest.mark.parametrize("seed", range(4))
def test_the_slow_way_finds_the_same(seed: int) -> None:
    _, lines = network(2000, seed)
    rng = np.random.default_rng([seed, 5])
    fixes = drive(lines, rng, 12).fixes(rng, sigma_m=6, every_s=1 + seed % 3)
    fixes = np.delete(fixes, rng.integers(0, len(fixes), len(fixes) // 20), axis=0)
    fixes[len(fixes) // 2 :, 2] += 90  # a gap in time
    expected = slowly(lines, fixes)
    assert len(expected) >= 5
    answer = found(match(lines, fixes))
    assert set(answer) == set(expected)
    for line, stretches in expected.items():
        assert np.array(sorted(answer[line])) == pytest.approx(np.array(sorted(stretches)), abs=0.002)


def test_edges_near_points_are_those_of_shapely() -> None:
    _, lines = network(1500, 8)
    grid = EdgeGrid(lines, 20.0)
    edges = [shapely.LineString(pair) for line in lines for pair in pairwise(line.coords)]
    rng = np.random.default_rng(4)
    low, high = shapely.total_bounds(lines)[:2] - 30, shapely.total_bounds(lines)[2:] + 30
    x, y = rng.uniform(low, high, (4000, 2)).T
    near = grid.near(x, y)
    distance = shapely.distance(shapely.points(x, y)[:, None], np.array(edges)[None, :])
    point, edge = np.nonzero(distance <= 20.0)
    assert len(point) > 1000
    assert sorted(zip(point, edge, strict=True)) == sorted(zip(near.point, near.edge, strict=True))
    assert near.distance_m == pytest.approx(distance[near.point, near.edge], abs=1e-6)
    whole = [
        lines[line].project(shapely.Point(x[p], y[p])) for p, line in zip(near.point, grid.line[near.edge], strict=True)
    ]
    # The nearest edge of its line says where along the line a point is.
    first = {}
    for at, (p, line) in enumerate(zip(near.point, grid.line[near.edge], strict=True)):
        if (p, line) not in first or near.distance_m[at] < near.distance_m[first[p, line]]:
            first[p, line] = at
    chosen = list(first.values())
    assert grid.along_m(near)[chosen] == pytest.approx(np.array(whole)[chosen], abs=1e-3)


# -- simulated patrols -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sigma_m", "every_s", "precision", "recall"),
    [(0, 1, 0.9999, 0.9999), (3, 1, 0.999, 0.999), (5, 1, 0.998, 0.995), (8, 1, 0.99, 0.98), (5, 5, 0.995, 0.98)],
)
def test_precision_and_recall(sigma_m: float, every_s: int, precision: float, recall: float) -> None:
    """By length: of what is said to be covered, how much was driven; of what was driven, how much is said to be."""
    _, lines = network()
    said_m = driven_m = right_m = 0.0
    for seed in range(4):
        rng = np.random.default_rng([seed, 9])
        patrol = drive(lines, rng, 30)
        covered = {
            line: length_of(parts) for line, parts in found(match(lines, patrol.fixes(rng, sigma_m, every_s))).items()
        }
        said_m += sum(covered.values())
        right_m += sum(metres for line, metres in covered.items() if line in patrol.passed)
        driven_m += sum(lines[line].length for line in patrol.passed)
    assert right_m / said_m >= precision - 1e-9
    assert right_m / driven_m >= recall - 1e-9


def test_of_two_lanes_the_one_that_was_driven() -> None:
    """Twelve metres apart, noise of 5 m: single positions err, the mean over the stretch does not."""
    lanes = [shapely.LineString([(0, 0), (400, 0)]), shapely.LineString([(400, 12), (0, 12)])]
    wrong = single_wrong = fixes_seen = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        fixes = straight((0, 0), (400, 0))
        fixes[:, :2] += rng.normal(0, 5, (len(fixes), 2))
        single_wrong += int((fixes[:, 1] > 6).sum())
        fixes_seen += len(fixes)
        answer = found(match(lanes, fixes))
        wrong += 1 in answer
        assert length_of(answer[0]) >= 380
    assert single_wrong / fixes_seen > 0.08
    assert wrong == 0


# -- case by case ------------------------------------------------------------------------------------------------------

ROAD = shapely.LineString([(0, 0), (300, 0)])


def test_a_crossing_street_is_not_covered_however_near() -> None:
    crossing = shapely.LineString([(150, -100), (150, 100)])
    assert found(match([ROAD, crossing], straight((0, 3), (300, 3)))) == {0: [(0, 300)]}
    assert found(match([ROAD, crossing], straight((150, -100), (150, 100)))) == {1: [(0, 200)]}


def test_turning_covers_both_arms_and_not_the_third() -> None:
    arms = [
        shapely.LineString([(0, 0), (200, 0)]),
        shapely.LineString([(200, 0), (200, 150)]),
        shapely.LineString([(200, 0), (400, 0)]),
    ]
    assert found(match(arms, straight((0, 0), (200, 0), (200, 150)))) == {0: [(0, 200)], 1: [(0, 150)]}


@pytest.mark.parametrize(("aside", "there"), [(19.9, True), (20.1, False)])
def test_reach(aside: float, there: bool) -> None:
    assert bool(found(match([ROAD], straight((0, aside), (300, aside))))) is there


@pytest.mark.parametrize(("degrees", "there"), [(44, True), (46, False)])
def test_heading(degrees: float, there: bool) -> None:
    way = np.radians(degrees)
    slanted = shapely.LineString(
        [(150 - 26 * np.cos(way), -26 * np.sin(way)), (150 + 26 * np.cos(way), 26 * np.sin(way))]
    )
    assert bool(found(match([slanted], straight((100, 0), (200, 0))))) is there


@pytest.mark.parametrize("way", [1, -1])
def test_part_of_a_road_and_either_way(way: int) -> None:
    road = shapely.LineString(np.array(ROAD.coords)[::way])
    ((low, high),) = found(match([road], straight((100, 2), (220, 2))))[0]
    expected = (100, 220) if way == 1 else (80, 200)
    assert (low, high) == pytest.approx(expected, abs=0.01)


def test_within_reach_of_the_end_goes_to_the_end() -> None:
    assert found(match([ROAD], straight((19, 0), (150, 0))))[0] == [(0, 150)]
    ((low, _),) = found(match([ROAD], straight((22, 0), (150, 0))))[0]
    assert low == pytest.approx(22, abs=0.01)


def test_a_gap_in_time_or_space_is_not_bridged() -> None:
    fixes = straight((0, 0), (300, 0))
    fixes[20:, 2] += 60  # 61 s between two fixes 8 m apart: what lies between is not covered, and is within reach
    (low, high), *more = found(match([ROAD], fixes))[0]
    assert low == 0
    assert high == pytest.approx(fixes[19, 0], abs=0.01)
    assert len(more) == 1
    holed = np.delete(straight((0, 0), (300, 0)), np.s_[8:28], axis=0)
    assert len(found(match([ROAD], holed))[0]) == 2
    assert length_of(found(match([ROAD], holed))[0]) == pytest.approx(56 + 300 - 224, abs=0.1)
    bridged = np.delete(straight((0, 0), (300, 0)), np.s_[8:25], axis=0)
    assert found(match([ROAD], bridged))[0] == [(0, 300)]


def test_a_short_stretch_is_a_turn_but_a_short_segment_is_covered() -> None:
    assert found(match([ROAD], straight((100, 0), (118, 0)))) == {}
    assert found(match([ROAD], straight((100, 0), (121, 0)))) != {}
    short = shapely.LineString([(100, 0), (106, 0)])
    assert found(match([short], straight((0, 0), (300, 0)))) == {0: [(0, 6)]}


def test_standing_still_covers_nothing() -> None:
    rng = np.random.default_rng(3)
    fixes = np.column_stack([150 + rng.normal(0, 4, 300), rng.normal(0, 4, 300), np.arange(300.0)])
    assert length_of(found(match([ROAD], fixes)).get(0, [])) <= 40


def test_there_and_back_and_once_round_a_loop() -> None:
    assert found(match([ROAD], straight((0, 0), (300, 0), (0, 0))))[0] == [(0, 300)]
    ring = shapely.Point(0, 0).buffer(60).exterior
    turned = np.array(ring.coords)
    path = np.concatenate([turned[20:], turned[1:21]])
    assert length_of(found(match([ring], straight(*map(tuple, path))))[0]) == pytest.approx(ring.length, rel=0.01)


def test_both_of_two_equal_lines_and_all_parts_of_a_broken_one() -> None:
    assert set(found(match([ROAD, ROAD.reverse()], straight((0, 0), (300, 0))))) == {0, 1}
    broken = shapely.MultiLineString([[(0, 0), (100, 0)], [(200, 0), (300, 0)]])
    assert length_of(found(match([broken], straight((0, 0), (300, 0))))[0]) == pytest.approx(200, abs=1)


def test_lines_a_tenth_of_a_millimetre_apart_are_one() -> None:
    beside = shapely.LineString([(0, 0.0001), (300, 0.0001)])
    assert set(found(match([ROAD, beside], straight((0, -3), (300, -3))))) == {0, 1}
    further = shapely.LineString([(0, 0.002), (300, 0.002)])
    assert set(found(match([ROAD, further], straight((0, -3), (300, -3))))) == {0}


def test_crossing_over_inside_a_hairpin_does_not_cover_the_bend() -> None:
    hairpin = shapely.LineString([(0, 0), (300, 0), (300, 30), (0, 30)])
    low, high = sorted(found(match([hairpin], straight((0, 0), (100, 0), (100, 30), (0, 30))))[0])
    assert low == pytest.approx((0, 100), abs=15)
    assert high == pytest.approx((530, 630), abs=15)


def test_many_tracks_at_once_are_each_for_itself() -> None:
    _, lines = network(2500, 2)
    patrols = []
    for seed in range(5):
        rng = np.random.default_rng([seed, 7])
        patrols.append(drive(lines, rng, 8, start_s=1000.0 * seed).fixes(rng, 4))
    together = match(lines, *patrols)
    assert (np.diff(together.stretches.track) >= 0).all()
    for number, fixes in enumerate(patrols):
        alone = match(lines, fixes)
        own = together.stretches.track == number
        assert together.stretches.line[own].tolist() == alone.stretches.line.tolist()
        assert together.stretches.at_s[own] == pytest.approx(alone.stretches.at_s)
        assert (alone.stretches.at_s >= fixes[0, 2] - 1).all()
        assert (alone.stretches.at_s <= fixes[-1, 2]).all()


def test_nothing_to_match() -> None:
    nothing = np.empty((0, 3))
    assert len(match([ROAD], nothing).stretches) == 0
    assert len(match([], straight((0, 0), (300, 0))).stretches) == 0
    lone = match([ROAD], np.array([[1.0, 1.0, 0.0]]))
    assert (len(lone.stretches), lone.track_m) == (0, 0.0)
    still = match([ROAD], np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 5.0]]))
    assert len(still.stretches) == 0


def test_lengths_are_told() -> None:
    matched = match([ROAD], straight((0, 0), (300, 0), (300, 500)))
    assert matched.track_m == pytest.approx(800, abs=3)
    assert matched.matched_m == pytest.approx(300, abs=15)
