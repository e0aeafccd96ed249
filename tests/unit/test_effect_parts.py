"""Clause 12: matching, windows and words of effects, each by a second way."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from scipy.spatial import cKDTree

from gis.effect_estimate import TooLittle, effect, neighbourhood
from gis.effect_matching import NONE, Ground, alike, features, places_of, usual_spread
from gis.effects import demand_of
from gis.rules.effect import effect_window, in_words, too_little, verdict
from gis.rules.policy import Policy
from tests.effect_worlds import DEMAND, SIDE, count, ground_of, make_world, parts, patch, ring_of

POLICY = Policy(effective=date(2015, 1, 1))


def test_a_place_is_a_cell_with_its_nearest_free_neighbours() -> None:
    rng = np.random.default_rng(1)
    xy = rng.uniform(0, 1000, (80, 2))
    free = rng.random(80) < 0.7
    places = places_of(Ground(xy, rng.random((80, 1)), free), 4)
    assert places is not None
    for at, middle in enumerate(np.flatnonzero(free)):
        distance = np.hypot(*(xy - xy[middle]).T)
        distance[~free] = np.inf
        assert set(places.members[at]) == set(np.argsort(distance)[:4])
        assert places.radius[at] == pytest.approx(np.sort(distance)[3])
    assert places_of(Ground(xy, xy, np.zeros(80, bool)), 1) is None


def test_matches_are_the_nearest_that_share_no_cell_with_it_or_each_other() -> None:
    world = make_world(np.random.default_rng(2))
    treated = patch(410)
    ground = ground_of(world, treated)
    places = places_of(ground, 4)
    assert places is not None
    sums = places.sums(parts(count(np.random.default_rng(3), world.rate)))[:3]
    of_places = features(sums, places.traits, usual_spread(sums))
    own = of_places[:5]
    found = alike(own, places.middle[:5], places.radius[:5], cKDTree(of_places), places, 6)
    for row, matches in enumerate(found):
        assert (matches != NONE).all()
        # A second way: walk the places from the nearest on, comparing cells.
        walked: list[int] = []
        distance = np.round(np.linalg.norm(of_places - own[row], axis=1), 9)
        for candidate in np.argsort(distance, kind="stable").tolist():
            others = [row, *walked]
            apart = [
                np.hypot(*(places.middle[candidate] - places.middle[other]))
                > places.radius[candidate] + places.radius[other]
                for other in others
            ]
            if all(apart):
                walked.append(candidate)
            if len(walked) == 6:
                break
        assert matches.tolist() == walked
        cells = [set(places.members[one]) for one in (row, *matches.tolist())]
        assert sum(map(len, cells)) == len(set.union(*cells))
        assert not set.union(*cells[1:]) & {*treated.tolist(), *ring_of(treated).tolist()}


def test_barred_places_are_no_match() -> None:
    world = make_world(np.random.default_rng(2))
    treated = patch(800)
    around = neighbourhood(ground_of(world, treated), 4)
    counts = parts(count(np.random.default_rng(5), 3 * world.rate))
    first = effect(around, treated, counts, DEMAND)
    assert not isinstance(first, TooLittle)
    taken = np.zeros(SIDE * SIDE, bool)
    taken[first.matches] = True
    second = effect(around, treated, counts, DEMAND, taken)
    assert not isinstance(second, TooLittle)
    assert not taken[second.matches].any()
    assert second.log_ratio != first.log_ratio


def test_the_estimate_is_the_ratio_of_ratios() -> None:
    world = make_world(np.random.default_rng(4))
    treated = patch(123)
    counts = parts(count(np.random.default_rng(6), 3 * world.rate))
    found = effect(neighbourhood(ground_of(world, treated), 4), treated, counts, DEMAND)
    assert not isinstance(found, TooLittle)
    _, _, before, _, after = counts[:, treated].sum(axis=1)
    _, _, of_before, _, of_after = counts[:, found.matches.ravel()].sum(axis=1)
    by_hand = (after + 0.5) / (before + 0.5) / ((of_after + 0.5) / (of_before + 0.5))
    assert found.ratio == pytest.approx(by_hand)
    low, high = found.interval
    assert low < found.ratio < high
    again = effect(neighbourhood(ground_of(world, treated), 4), treated, counts, DEMAND)
    assert not isinstance(again, TooLittle)
    assert again.interval == found.interval


def test_too_little_says_what_is_lacking() -> None:
    world = make_world(np.random.default_rng(4))
    treated = patch(123)
    counts = parts(count(np.random.default_rng(6), world.rate))
    few = effect(neighbourhood(ground_of(world, treated), 4), treated, counts * 0, DEMAND)
    assert isinstance(few, TooLittle)
    assert (few.reason, few.found, few.needed) == ("reports", 0, 20)
    ring = ring_of(treated, 4)
    large = effect(neighbourhood(ground_of(world, treated), len(ring)), ring, 5 * counts, DEMAND)
    assert isinstance(large, TooLittle)
    assert large.reason == "places"  # 1,600 cells hold fewer than sixty places of 96 cells
    lone = counts.copy()
    lone[:, treated] += 1000
    high = effect(neighbourhood(ground_of(world, treated), 4), treated, lone, DEMAND)
    assert isinstance(high, TooLittle)
    assert (high.reason, high.found) == ("matches", 0)


def test_the_simulated_demand_is_that_of_the_policy() -> None:
    assert demand_of(POLICY) == DEMAND


def test_windows() -> None:
    window = effect_window(date(2016, 5, 25), date(2016, 6, 1), None, POLICY)
    assert [period.name for period in window.works] == ["2016-05-T3"]
    assert (window.after[0].name, len(window.after)) == ("2016-06-T1", 6)
    assert [len(part) for part in (window.matching, window.baseline, window.choice)] == [6, 6, 3]
    assert window.choice[-1].name == "2016-05-T2"
    days = [(one.after, other.first) for one, other in zip(window.periods, window.periods[1:], strict=False)]
    assert all(after == first for after, first in days)
    # In place on the first day of a period: that period counts; a day later, it does not.
    assert effect_window(date(2016, 6, 1), date(2016, 6, 1), None, POLICY).works == ()
    late = effect_window(date(2016, 6, 2), date(2016, 6, 2), None, POLICY)
    assert ([one.name for one in late.works], late.after[0].name) == (["2016-06-T1"], "2016-06-T2")
    # Only periods that it was there for all of.
    removed = effect_window(date(2016, 6, 1), date(2016, 6, 1), date(2016, 6, 20), POLICY)
    assert [one.name for one in removed.after] == ["2016-06-T1"]


def test_words() -> None:
    assert verdict(0.5, 0.9) == "fewer"
    assert verdict(1.1, 1.9) == "more"
    assert verdict(0.5, 1.1) == verdict(0.9, 1.0) == "cannot_be_told"
    english, chinese = in_words(0.65, 0.5, 0.85, 0.95)
    assert english == ("Fewer problems: -35 % against places alike without a measure (95% interval -50 % to -15 %).")
    assert "减少" in chinese
    assert in_words(1.0, 0.8, 1.3, 0.95)[0].startswith("Cannot be told")
    assert "增多" in in_words(1.6, 1.2, 2.3, 0.95)[1]
    for reason in ("before", "after", "cells", "reports", "places", "matches", "placebos", "measures"):
        english, chinese = too_little(reason, 3, 5)
        assert english.startswith("Too little data: ")
        assert chinese.startswith("数据不足：")
        assert "3" in english
        assert "5" in chinese
