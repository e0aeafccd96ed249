"""Simulated patrols: walks over a street network, fixes with the noise that GPS has, and what was truly passed."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cache

import numpy as np
import shapely
from numpy.typing import NDArray

from fixtures.synth_roads import CENTRE, build_roads


@cache
def network(side_m: float = 2500.0, seed: int = 3) -> tuple[list[str], NDArray[np.object_]]:
    """Codes and lines (EPSG:4547) of an invented street network around the centre of the Zhengzhou sample."""
    core = shapely.Point(CENTRE).buffer(side_m / 2, cap_style="square")
    segments = build_roads(core, np.random.default_rng(seed))
    return [one.code for one in segments], np.array([one.line for one in segments], dtype=object)


@dataclass(frozen=True)
class Drive:
    """A patrol: its true places second by second, and which segments it passed from end to end."""

    xy: NDArray[np.float64]
    at_s: NDArray[np.float64]
    passed: set[int]

    def fixes(self, rng: np.random.Generator, sigma_m: float, every_s: int = 1) -> NDArray[np.float64]:
        """x, y, time: noise of which half drifts slowly, as multipath does, and half is new at each fix."""
        xy, at_s = self.xy[::every_s], self.at_s[::every_s]
        drift = np.zeros((len(xy), 2))
        keep = np.exp(-every_s / 30)
        drift[0] = rng.normal(0, 1, 2)
        for at in range(1, len(xy)):
            drift[at] = keep * drift[at - 1] + np.sqrt(1 - keep**2) * rng.normal(0, 1, 2)
        noise = sigma_m * (drift + rng.normal(0, 1, xy.shape)) / np.sqrt(2)
        return np.column_stack([xy + noise, at_s])


def drive(
    lines: NDArray[np.object_], rng: np.random.Generator, segments: int, *, speed_m_s: float = 8.0, start_s: float = 0.0
) -> Drive:
    """A walk from crossing to crossing that turns back only at dead ends and stands still at some crossings."""
    ends = defaultdict(list)
    for at, line in enumerate(lines):
        for way, place in ((1, line.coords[0]), (-1, line.coords[-1])):
            ends[tuple(np.round(place, 0))].append((at, way))
    inner = [
        at
        for at, line in enumerate(lines)
        if all(len(ends[tuple(np.round(line.coords[end], 0))]) >= 2 for end in (0, -1))
    ]
    at = inner[int(rng.integers(0, len(inner)))]
    way, passed, places = 1, [], []
    for _ in range(segments):
        passed.append(at)
        points = shapely.get_coordinates(lines[at])[::way]
        places.append(points)
        if rng.random() < 0.2:
            places.append(np.repeat(points[-1:], 1, axis=0))
        following = [one for one in ends[tuple(np.round(points[-1], 0))] if one[0] != at]
        at, way = following[int(rng.integers(0, len(following)))] if following else (at, -way)
    path = shapely.LineString(np.concatenate(places))
    seconds = int(path.length / speed_m_s)
    along = np.arange(seconds) * speed_m_s
    stands = rng.random(seconds) < 0.01
    pauses = np.where(stands, rng.integers(5, 40, seconds), 1)
    along = np.repeat(along, pauses)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(path, along))
    return Drive(xy, start_s + np.arange(len(xy), dtype=float), set(passed))
