"""GPS tracks to road segments: which stretch of which segment a track ran along (clause 9).

A track is walked in steps of a few metres. At each step every segment within reach whose direction is that of the track
is a candidate, so a crossing street is none. Of roads side by side the one counts to which the track keeps closest over
all of their common stretch, not step by step: the noise of single positions is larger than the gap between two lanes,
its mean is not. A stretch that is too short is a turn or a crossing, and is dropped.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from gis.geometry.edge_grid import EdgeGrid, Near
from gis.geometry.locate import Floats, Whole, batches, ragged, run_starts

STEP_M = 5.0
"""How far apart places on a track are looked at."""

STEPS_MISSED = 3
"""So many steps in a row may miss a segment before the stretch along it is over."""

STEPS_AT_ONCE = 200_000


@dataclass(frozen=True)
class MatchRules:
    """The numbers of the rule book that matching needs.

    Parameters
    ----------
    reach_m
        Farthest that a track may be from the segment that it follows; also how far ahead a surveyor sees, so that a
        stretch that ends within it of the segment's end goes to the end.
    heading_deg
        Largest angle between the track and the segment; which way either runs does not matter.
    gap_s, gap_m
        Two positions further apart in time or space are not joined.
    least_m
        Shortest stretch that counts, or half of the segment where that is less.
    tie_m
        Mean distances that differ by less are a tie, and all of the tied segments are covered.
    """

    reach_m: float
    heading_deg: float
    gap_s: float
    gap_m: float
    least_m: float
    tie_m: float


@dataclass(frozen=True)
class Tracks:
    """Fixes of tracks, track after track and each in the order of its times.

    Parameters
    ----------
    x, y
        float64 of shape (n,): metres in the plane of the segments.
    at_s
        float64: seconds since 1970 UTC.
    track
        int32, ascending: which track.
    """

    x: Floats
    y: Floats
    at_s: Floats
    track: Whole


@dataclass(frozen=True)
class Stretches:
    """Stretches of segments that tracks ran along, ascending by track, time and segment.

    Parameters
    ----------
    track
        As in `Tracks`.
    line
        Position of the segment in the grid's lines.
    from_m, to_m
        Along the segment, in metres of the plane, `to_m` above `from_m`.
    at_s
        When the track came to it, seconds since 1970 UTC.
    """

    track: Whole
    line: Whole
    from_m: Floats
    to_m: Floats
    at_s: Floats

    def __len__(self) -> int:
        """How many there are."""
        return len(self.track)


@dataclass(frozen=True)
class Matched:
    """What matching found.

    Parameters
    ----------
    track_m
        Length of all tracks without their gaps.
    matched_m
        Of it along a segment.
    """

    stretches: Stretches
    track_m: float
    matched_m: float


@dataclass(frozen=True)
class _Walk:
    """Tracks without their gaps, laid end to end with a gap between: position along it -> x, y, time."""

    tracks: Tracks
    along: Floats  # of each fix
    first: Whole  # first fix of each run without a gap
    last: Whole  # its last fix

    def at(self, along: Floats, values: Floats) -> Floats:
        return np.interp(along, self.along, values)


def match_tracks(grid: EdgeGrid, tracks: Tracks, rules: MatchRules) -> Matched:
    """Find the stretches of segments that tracks ran along.

    Parameters
    ----------
    grid
        Over the segments; its reach must be that of the rules.
    """
    walk = _walk(tracks, rules)
    length = walk.along[walk.last] - walk.along[walk.first]
    steps = np.maximum(np.ceil(length / STEP_M), 0).astype(np.int64)
    found, matched_m = [], 0.0
    for part in batches(steps, STEPS_AT_ONCE):
        runs = np.arange(len(steps))[part]
        stretches, part_m = _match_runs(grid, walk, runs, length[runs], steps[runs], rules)
        found.append(stretches)
        matched_m += part_m
    return Matched(_joined(found), float(length.sum()), matched_m)


def _walk(tracks: Tracks, rules: MatchRules) -> _Walk:
    step_m = np.hypot(np.diff(tracks.x), np.diff(tracks.y))
    together = np.diff(tracks.track) == 0
    together &= (np.diff(tracks.at_s) <= rules.gap_s) & (step_m <= rules.gap_m)
    # Between two runs lies a gap that no step falls into, so that no place is shared by them.
    along = np.concatenate([[0.0], np.cumsum(np.where(together, step_m, 1.0))])[: len(tracks.x)]
    breaks = np.flatnonzero(~together)
    count = len(tracks.x)
    first = np.concatenate([[0], breaks + 1])[: max(count, 0) and len(breaks) + 1].astype(np.int64)
    last = np.concatenate([breaks, [count - 1]])[: len(first)].astype(np.int64)
    return _Walk(tracks, along, first, last)


def _match_runs(
    grid: EdgeGrid, walk: _Walk, runs: Whole, length: Floats, steps: Whole, rules: MatchRules
) -> tuple[Stretches, float]:
    owner, number = ragged(np.zeros(len(runs), np.int64), steps)
    if not len(owner):
        return _joined([]), 0.0
    size = (length / np.maximum(steps, 1))[owner]
    start, end = walk.along[walk.first[runs]][owner], walk.along[walk.last[runs]][owner]
    along = start + (number + 0.5) * size
    x, y = walk.at(along, walk.tracks.x), walk.at(along, walk.tracks.y)
    pairs, at_m = _candidates(grid, walk, (along, start, end), (x, y), rules)
    line = grid.line[pairs.edge]
    # The same step of two runs must not be neighbours: a run's steps are numbered with a distance to the next run's.
    step = np.arange(len(owner)) + owner * (STEPS_MISSED + 1)
    chosen = _closest(pairs, line, at_m, step, rules)
    pairs, at_m, line = pairs.take(chosen), at_m[chosen], line[chosen]
    order = np.lexsort((pairs.point, line))
    point, edge, at_m, line = pairs.point[order], pairs.edge[order], at_m[order], line[order]
    starts = _streak_starts(line, step[point], at_m, rules)
    if not len(starts):
        return _joined([]), 0.0
    total = grid.line_m[line[starts]]
    # Each place stands for half a step before and behind it, as far as its part of the segment goes.
    half = size[point] / 2
    from_m = np.minimum.reduceat(np.maximum(at_m - half, grid.part_begin_m[edge]), starts)
    to_m = np.maximum.reduceat(np.minimum(at_m + half, grid.part_end_m[edge]), starts)
    kept = to_m - from_m >= np.minimum(rules.least_m, total / 2)
    from_m = np.where(from_m <= rules.reach_m, 0.0, from_m)
    to_m = np.where(to_m >= total - rules.reach_m, total, to_m)
    first = point[starts]
    steps_of = np.diff(starts, append=len(point))
    covered = np.unique(point[np.repeat(kept, steps_of)])
    at_s = walk.at(along[first] - half[starts], walk.tracks.at_s)
    track = walk.tracks.track[walk.first[runs[owner[first]]]]
    stretches = Stretches(track[kept], line[starts][kept], from_m[kept], to_m[kept], at_s[kept])
    return stretches, float(size[covered].sum())


def _candidates(
    grid: EdgeGrid, walk: _Walk, place: tuple[Floats, Floats, Floats], at: tuple[Floats, Floats], rules: MatchRules
) -> tuple[Near, Floats]:
    """For every step and segment within reach that runs the same way, the nearest edge; and where along the segment."""
    along, start, end = place
    # The heading is that of a chord as long as the reach either way: shorter ones show the noise of positions.
    ahead, behind = np.minimum(along + rules.reach_m, end), np.maximum(along - rules.reach_m, start)
    east = walk.at(ahead, walk.tracks.x) - walk.at(behind, walk.tracks.x)
    north = walk.at(ahead, walk.tracks.y) - walk.at(behind, walk.tracks.y)
    chord = np.hypot(east, north)
    pairs = grid.near(*at)
    edge, point = pairs.edge, pairs.point
    across = np.abs(grid.east[edge] * north[point] - grid.north[edge] * east[point])
    same_way = across <= np.sin(np.radians(rules.heading_deg)) * chord[point]
    # What lies beyond the end of a segment is beside the next one.
    beyond = ((pairs.share < 0) & grid.opens[edge]) | ((pairs.share > 1) & grid.ends[edge])
    pairs = pairs.take(same_way & ~beyond & (chord[point] > 0))
    order = np.lexsort((pairs.distance_m, grid.line[pairs.edge], pairs.point))
    pairs = Near(*(getattr(pairs, one.name)[order] for one in fields(Near)))
    line = grid.line[pairs.edge]
    nearest = np.ones(len(order), bool)
    nearest[1:] = (pairs.point[1:] != pairs.point[:-1]) | (line[1:] != line[:-1])
    pairs = pairs.take(nearest)
    return pairs, grid.along_m(pairs)


def _streak_starts(line: Whole, step: Whole, at_m: Floats, rules: MatchRules) -> Whole:
    """Where a stretch along a segment begins; pairs ascend by segment, then step."""
    if not len(line):
        return np.empty(0, np.int64)
    missed = np.diff(step)
    begins = np.ones(len(line), bool)
    begins[1:] = (np.diff(line) != 0) | (missed > STEPS_MISSED)
    # Noise moves a place along the segment by less than the reach; more is another part, or once round a loop.
    begins[1:] |= np.abs(np.diff(at_m)) > missed * STEP_M + rules.reach_m
    return np.flatnonzero(begins)


def _closest(pairs: Near, line: Whole, at_m: Floats, step: Whole, rules: MatchRules) -> Whole:
    """Of each step's candidates those to which the track keeps closest over the whole stretch along them."""
    order = np.lexsort((pairs.point, line))
    starts = _streak_starts(line[order], step[pairs.point[order]], at_m[order], rules)
    if not len(starts):
        return starts
    count = np.diff(starts, append=len(order))
    mean = np.empty(len(order))
    mean[order] = np.repeat(np.add.reduceat(pairs.distance_m[order], starts) / count, count)
    of_point = run_starts(pairs.point)
    least = np.repeat(np.minimum.reduceat(mean, of_point), np.diff(of_point, append=len(mean)))
    return np.flatnonzero(mean <= least + rules.tie_m)


def _joined(parts: list[Stretches]) -> Stretches:
    empty = Stretches(np.empty(0, np.int32), np.empty(0, np.int32), *(np.empty(0) for _ in range(3)))
    columns = [np.concatenate([getattr(part, one.name) for part in (empty, *parts)]) for one in fields(Stretches)]
    track, line, from_m, to_m, at_s = columns
    order = np.lexsort((from_m, line, at_s, track))
    return Stretches(
        track[order].astype(np.int32), line[order].astype(np.int32), from_m[order], to_m[order], at_s[order]
    )
