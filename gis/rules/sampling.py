"""The dust draw 以克论净抽样: which roads are weighed, and where, from a seed that anybody can repeat (clause 10).

Everything is whole numbers: lengths and places along a road in millimetres, coordinates in ten-millionths of a degree.
So two computers, and two languages, cannot differ.

**Chance.** The only source is SHA-256. `chance(key, words)` is the digest of the UTF-8 text `key|word|word...` read as
one big-endian number of 256 bits. A number below m is the remainder by m: uneven by less than m / 2^256. There is no
state, so nothing hangs on the order in which things are asked, or on the order of the frame.

**How many of each class.** Roads are given to the classes one by one: first one to each class, the longest class first;
then always to the class whose length divided by (2 x its roads so far + 1) is largest (Sainte-Laguë), as long as it has
roads left; ties go to the class whose name is lower by code point. So shares follow length, and a class with fewer
roads than its share gives all it has and leaves the rest to the others.

**Which roads of a class.** Systematic, without replacement, with probability proportional to length. Roads at least as
long as the step (length of the class / number to be drawn) are certain; they are taken out, and the step is worked out
anew until none is left. The others are laid end to end: streets in shuffled order, the roads of a street together and
shuffled, so that a draw spreads over the streets. One start is drawn within the first step, and the road that lies
there, and at each further step, is drawn.

**Where on a road.** It is cut into as many equal stretches as there are points; one point is drawn in each.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

E7 = 10_000_000
"""Coordinates are in so many parts of a degree: 1.1 cm."""
Vertex = tuple[int, int, int]


@dataclass(frozen=True)
class Road:
    """A road of the frame: one segment, because a segment lies in one street, which answers for it.

    Parameters
    ----------
    street
        Code of the street it lies in; empty: in none.
    line
        Longitude and latitude in 1e-7 degrees (WGS 84), and the place along the road in mm. The first is at 0, the last
        at `length_mm`. Where a road has parts, two vertices of one place lie between them.
    """

    code: str
    road_class: str
    length_mm: int
    street: str
    line: tuple[Vertex, ...]
    name: str = ""


@dataclass(frozen=True)
class Drawn:
    """A drawn road; `number` counts from 1, classes by name, in each the certain ones first."""

    number: int
    road: Road
    points: tuple[Vertex, ...]


def chance(key: str, *words: str) -> int:
    """A number of 256 bits that only the key and the words decide."""
    return int.from_bytes(hashlib.sha256("|".join((key, *words)).encode()).digest(), "big")


def draw(frame: Iterable[Road], key: str, roads: int, points: int) -> list[Drawn]:
    """Draw roads and points.

    Parameters
    ----------
    frame
        Roads with a length, in any order, each code once.
    key
        What chance hangs on, see `draw_key`.
    roads
        How many; all, where the frame has fewer.
    points
        Per road.
    """
    classes: defaultdict[str, list[Road]] = defaultdict(list)
    for road in frame:
        classes[road.road_class].append(road)
    shares = allocate({name: [road.length_mm for road in of] for name, of in classes.items()}, roads)
    chosen = [road for name in sorted(classes) for road in pick(classes[name], key, name, shares[name])]
    return [Drawn(number, road, points_on(road, key, points)) for number, road in enumerate(chosen, 1)]


def draw_key(seed: str, public: str | None) -> str:
    """What chance hangs on: the seed, and the public value where one was announced."""
    return f"{seed}|{public or ''}"


def allocate(lengths_mm: Mapping[str, Sequence[int]], roads: int) -> dict[str, int]:
    """How many roads each class gets.

    Parameters
    ----------
    lengths_mm
        Class -> lengths of its roads in mm.
    roads
        To be given out; all there are, where there are fewer.
    """
    names = sorted(lengths_mm)
    total = {name: sum(lengths_mm[name]) for name in names}
    given = dict.fromkeys(names, 0)
    for _ in range(min(roads, sum(map(len, lengths_mm.values())))):
        left = [name for name in names if given[name] < len(lengths_mm[name])]
        best = max(left, key=lambda name: (given[name] == 0, Fraction(total[name], 2 * given[name] + 1)))
        given[best] += 1
    return given


def pick(roads: Iterable[Road], key: str, road_class: str, number: int) -> list[Road]:
    """Draw `number` roads of one class, the certain ones first; see the head of this module."""
    rest = sorted(roads, key=lambda road: (chance(key, "street", road.street), chance(key, "road", road.code)))
    chosen: list[Road] = []
    while number > len(chosen):
        total = sum(road.length_mm for road in rest)
        left = number - len(chosen)
        certain = [road for road in rest if road.length_mm * left >= total]
        if not certain:
            return chosen + _at_each_step(rest, left, total, chance(key, "start", road_class) % total)
        chosen += certain
        rest = [road for road in rest if road.length_mm * left < total]
    return chosen


def _at_each_step(roads: Iterable[Road], number: int, total: int, start: int) -> list[Road]:
    """Roads in which a step ends; lengths are taken `number` times instead of dividing the total."""
    chosen = []
    laid, hit = 0, start
    for road in roads:
        laid += road.length_mm * number
        if hit < laid:
            chosen.append(road)
            hit += total
    return chosen


def points_on(road: Road, key: str, points: int) -> tuple[Vertex, ...]:
    """One point in each of `points` equal stretches, along the road."""
    places = []
    for number in range(points):
        low, high = road.length_mm * number // points, road.length_mm * (number + 1) // points
        places.append(low + chance(key, "point", road.code, str(number + 1)) % max(high - low, 1))
    return tuple(place_at(road.line, at) for at in places)


def place_at(line: Sequence[Vertex], at_mm: int) -> Vertex:
    """The place so far along a line, from 0 to before its end; coordinates are rounded down (towards south-west)."""
    for (x, y, low), (next_x, next_y, high) in pairwise(line):
        if low <= at_mm < high:
            done, whole = at_mm - low, high - low
            return x + (next_x - x) * done // whole, y + (next_y - y) * done // whole, at_mm
    msg = f"the line has no place at {at_mm} mm; it ends at {line[-1][2] if line else 0} mm"
    raise ValueError(msg)
