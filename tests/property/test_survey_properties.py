"""What must hold of matched tracks and of the roll-up, whatever the roads, the tracks and the order of passes."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from gis.geometry.edge_grid import EdgeGrid
from gis.geometry.track_match import STEP_M, MatchRules, Tracks, match_tracks

RULES = MatchRules(reach_m=20, heading_deg=45, gap_s=60, gap_m=150, least_m=20, tie_m=0.001)
SEEDS = st.integers(0, 2**32 - 1)
Found = dict[int, list[tuple[float, float]]]


def some_roads(rng: np.random.Generator) -> NDArray[np.object_]:
    """Bent lines of one to five pieces, some of two parts, crossing each other as they like."""
    lines = []
    for _ in range(int(rng.integers(1, 12))):
        parts = []
        for _ in range(1 + int(rng.random() < 0.2)):
            steps = rng.normal(0, 60, (int(rng.integers(1, 6)), 2))
            parts.append(np.cumsum(np.vstack([rng.uniform(0, 400, (1, 2)), steps]), axis=0))
        lines.append(shapely.MultiLineString(parts))
    return np.array(lines, dtype=object)


def some_track(rng: np.random.Generator) -> NDArray[np.float64]:
    """A walk with pauses and gaps."""
    count = int(rng.integers(2, 80))
    heading = rng.uniform(0, 7) + np.cumsum(rng.normal(0, 0.3, count))
    steps = rng.uniform(0, 25, count)[:, None] * np.column_stack([np.cos(heading), np.sin(heading)])
    times = np.cumsum(np.where(rng.random(count) < 0.05, rng.uniform(60, 300, count), rng.uniform(0, 10, count)))
    return np.column_stack([rng.uniform(0, 400, 2) + np.cumsum(steps, axis=0), times])


def found(lines: NDArray[np.object_], fixes: NDArray[np.float64]) -> Found:
    tracks = Tracks(*fixes.T, np.zeros(len(fixes), np.int32))
    stretches = match_tracks(EdgeGrid(lines, RULES.reach_m), tracks, RULES).stretches
    answer: Found = defaultdict(list)
    for line, low, high in zip(stretches.line.tolist(), stretches.from_m, stretches.to_m, strict=True):
        answer[line].append((float(low), float(high)))
    return {line: sorted(parts) for line, parts in answer.items()}


def same(one: Found, other: Found) -> bool:
    return one.keys() == other.keys() and all(
        len(one[line]) == len(other[line]) and np.allclose(one[line], other[line], atol=1e-4) for line in one
    )


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_which_way_a_segment_is_drawn_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines, fixes = some_roads(rng), some_track(rng)
    mirrored = {
        line: sorted((lines[line].length - high, lines[line].length - low) for low, high in parts)
        for line, parts in found(shapely.reverse(lines[[*range(len(lines))]]), fixes).items()
        if len(lines[line].geoms) == 1
    }
    straight = {line: parts for line, parts in found(lines, fixes).items() if len(lines[line].geoms) == 1}
    assert same(straight, mirrored)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_where_the_city_lies_does_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines, fixes = some_roads(rng), some_track(rng)
    away = np.array([37_000_000.0, 4_000_000.0])
    moved = shapely.transform(lines, lambda at: at + away)
    assert same(found(lines, fixes), found(moved, fixes + np.append(away, 0)))


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_what_is_covered_is_within_reach_of_the_track(seed: int) -> None:
    """Every covered place lies beside the track without its gaps, but for what is seen ahead at a segment's end."""
    rng = np.random.default_rng(seed)
    lines, fixes = some_roads(rng), some_track(rng)
    near = np.hypot(*np.diff(fixes[:, :2], axis=0).T) <= RULES.gap_m
    joined = near & (np.diff(fixes[:, 2]) <= RULES.gap_s)
    pieces = [fixes[at : at + 2, :2] for at in np.flatnonzero(joined)]
    way = shapely.MultiLineString(pieces)
    for line, parts in found(lines, fixes).items():
        flat = shapely.get_parts(lines[line])
        for low, high in parts:
            low = low + RULES.reach_m if low == 0 else low
            high = high - RULES.reach_m if high == lines[line].length else high
            for at in np.linspace(low + 1e-3, high - 1e-3, 20) if low + 0.01 < high else ():
                place, rest = None, at
                for part in flat:
                    if rest <= part.length + 1e-9:
                        place = part.interpolate(rest)
                        break
                    rest -= part.length
                assert place is not None
                # Where steps miss a bend (three in a row at most), it may be a little further away.
                assert place.distance(way) <= RULES.reach_m + 2 * STEP_M


@settings(max_examples=60, deadline=None)
@given(SEEDS)
def test_tracks_together_are_tracks_one_by_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    lines, walks = some_roads(rng), [some_track(rng) for _ in range(4)]
    number = np.repeat(np.arange(4, dtype=np.int32), [len(walk) for walk in walks])
    together = match_tracks(EdgeGrid(lines, RULES.reach_m), Tracks(*np.concatenate(walks).T, number), RULES).stretches
    for at, walk in enumerate(walks):
        own = defaultdict(list)
        for row in np.flatnonzero(together.track == at).tolist():
            own[int(together.line[row])].append((float(together.from_m[row]), float(together.to_m[row])))
        assert same({line: sorted(parts) for line, parts in own.items()}, found(lines, walk))
