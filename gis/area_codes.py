"""Where an area belongs and what its code is: the hierarchy 区 > 街道 > 社区 as a pure rule over rows.

A code is the parent's code and as many digits as the city's level adds, so codes of one level have one length. Where a
level is passed over (a community directly in a district), its digits are zeros.

An area without a code gets one by a stable rule: such areas of one parent are sorted by name (code point) and numbered
from 1, after the highest number ever used there, retired ones included. An area that is stored already, the same level,
name and parent, keeps its code, so that loading a file twice changes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from gis.city import City
from gis.geometry.overlay import largest_share

HALF = 0.5  # whoever holds more than half of an area is its parent, and nobody else can be


@dataclass(frozen=True)
class Area:
    """An area, stored or about to be.

    Parameters
    ----------
    code
        None until it is assigned.
    parent_code
        None: the city itself; an empty text: not known yet.
    row
        Position in the file from 0; None: it is stored and not in the file.
    """

    level: str
    code: str | None
    name: str
    name_en: str | None
    parent_code: str | None
    geometry: shapely.MultiPolygon
    row: int | None = None


Reject = Callable[[int, str], None]


def code_length(city: City, level: str) -> int:
    """Characters of a code of this level."""
    total = len(city.code)
    for name, digits in city.levels:
        total += digits
        if name == level:
            return total
    raise ValueError(level)


def filled_prefix(city: City, parent_code: str, level: str) -> str:
    """What codes of `level` below this parent begin with: its code, and zeros for the levels passed over."""
    return parent_code.ljust(code_length(city, level) - city.digits(level), "0")


def settle(
    city: City, rows: Iterable[Area], stored: Sequence[Area], retired: Iterable[str], reject: Reject
) -> list[Area]:
    """Give every row its parent and its code; rows that cannot be placed are rejected and left out.

    Parameters
    ----------
    rows
        Of the file; `parent_code` as written there, empty where it says nothing.
    stored
        Live areas of the city.
    retired
        Codes that must not come back.
    reject
        Told (position, reason) of every row that cannot go in.
    """
    rows = list(rows)
    repeated = {code for code, count in Counter(area.code for area in rows if area.code).items() if count > 1}
    retired = set(retired)
    level_of = {str(area.code): area.level for area in stored}
    settled: list[Area] = []
    for level in city.area_levels:
        mine = [area for area in rows if area.level == level]
        higher = city.area_levels[: city.area_levels.index(level)]
        newest = {str(area.code): area for area in (*stored, *settled)}
        above = [area for area in newest.values() if area.level in higher]
        placed = []
        for area, parent_code in zip(mine, _parents(mine, above, higher, city, reject), strict=True):
            if parent_code == "":
                continue
            area = replace(area, parent_code=parent_code)
            reason = _wrong_code(city, area, repeated, retired, level_of) if area.code else None
            if reason:
                reject(area.row or 0, reason)
            else:
                placed.append(area)
        used = [*(str(area.code) for area in stored), *retired, *(str(area.code) for area in rows if area.code)]
        settled += _numbered(city, level, placed, stored, used, reject)
    return settled


def _parents(
    mine: list[Area], above: list[Area], higher: tuple[str, ...], city: City, reject: Reject
) -> list[str | None]:
    """Code of each area's parent; None: the city; empty: rejected."""
    by_code = {str(area.code): area for area in above}
    answer: list[str | None] = []
    open_rows: list[int] = []
    for at, area in enumerate(mine):
        if area.parent_code and area.parent_code != city.code:
            if area.parent_code not in by_code:
                levels = " or ".join(higher) or "none, as this is the highest level"
                reject(area.row or 0, f"its parent {area.parent_code} is not known; a parent is a {levels}")
                answer.append("")
            else:
                answer.append(area.parent_code)
        elif not higher:
            answer.append(None)
        else:
            prefix = parent_by_prefix(area.code, by_code) if area.code else None
            if prefix is None:
                open_rows.append(at)
            answer.append(prefix or "")
    for at, found in zip(open_rows, parents_by_place([mine[at] for at in open_rows], above, higher), strict=True):
        if found.code is None:
            reject(mine[at].row or 0, found.reason)
        answer[at] = found.code or ""
    return answer


def parent_by_prefix(code: str, known: Iterable[str]) -> str | None:
    """The longest known code that this one begins with."""
    return max((other for other in known if code.startswith(other)), key=len, default=None)


@dataclass(frozen=True)
class Found:
    """A parent found by location, or why there is none."""

    code: str | None
    reason: str = ""


def parents_by_place(children: Sequence[Area], above: Sequence[Area], higher: tuple[str, ...]) -> list[Found]:
    """The lowest area of a higher level that holds more than half of each child."""
    if not children:
        return []
    geometry = np.array([area.geometry for area in children], dtype=object)
    found: list[Found] = [Found(None)] * len(children)
    for level in reversed(higher):
        candidates = [area for area in above if area.level == level]
        best, share = largest_share(geometry, np.array([area.geometry for area in candidates], dtype=object))
        for at in range(len(children)):
            if found[at].code is None and share[at] > HALF:
                found[at] = Found(candidates[best[at]].code)
            elif found[at].code is None and share[at] > 0:
                near = candidates[best[at]]
                why = f"only {share[at]:.0%} of it lie in {near.level} {near.code} {near.name}: say its parent's code"
                found[at] = Found(None, why)
    wanted = " or ".join(higher)
    return [one if one.code or one.reason else Found(None, f"it lies in no {wanted}: load that first") for one in found]


def _wrong_code(city: City, area: Area, repeated: set[str], retired: set[str], level_of: dict[str, str]) -> str | None:
    code = str(area.code)
    if code in repeated:
        return f"the code {code} stands in the file more than once"
    if code in retired:
        return f"the code {code} was retired; a code is never used again"
    if level_of.get(code, area.level) != area.level:
        return f"the code {code} is that of a {level_of[code]} already"
    return wrong_form(city, code, area.level, area.parent_code)


def wrong_form(city: City, code: str, level: str, parent_code: str | None) -> str | None:
    """Why a code cannot be that of a child of this parent; None where it can."""
    length = code_length(city, level)
    start = parent_code or city.code
    what = f"its parent's code {start}" if parent_code else f"the city's code {start}"
    if not code.startswith(start):
        return f"the code {code} does not begin with {what}"
    rest = code[len(start) :]
    if len(code) != length or not (rest.isascii() and rest.isdigit()):
        return f"the code {code} should be {what} and {length - len(start)} digits, {length} characters in all"
    prefix = filled_prefix(city, start, level)
    if not code.startswith(prefix):
        named = code[: len(prefix)]
        return f"the code {code} names {named} as its parent, which is not known (without one in between: {prefix}...)"
    return None


def _numbered(
    city: City, level: str, placed: list[Area], stored: Sequence[Area], used: list[str], reject: Reject
) -> list[Area]:
    """Codes for those that have none."""
    known = {(area.name, area.parent_code): area.code for area in stored if area.level == level}
    answer = [area for area in placed if area.code]
    taken = {area.code for area in answer}
    waiting: defaultdict[str | None, list[Area]] = defaultdict(list)
    names = Counter((area.name, area.parent_code) for area in placed if not area.code)
    for area in sorted((area for area in placed if not area.code), key=lambda area: area.name):
        code = known.get((area.name, area.parent_code))
        if names[area.name, area.parent_code] > 1:
            reject(area.row or 0, f"several areas without a code are called {area.name}: give them codes")
        elif code and code not in taken:
            answer.append(replace(area, code=code))
        else:
            waiting[area.parent_code].append(area)
    for parent_code, areas in waiting.items():
        prefix, digits = filled_prefix(city, parent_code or city.code, level), city.digits(level)
        length = len(prefix) + digits
        numbers = [code[len(prefix) :] for code in used if code.startswith(prefix) and len(code) == length]
        last = max((int(number) for number in numbers if number.isdigit()), default=0)
        for number, area in enumerate(areas, last + 1):
            if number >= 10**digits:
                reject(area.row or 0, f"no code is left below {prefix}: {digits} digits number {10**digits - 1} areas")
            else:
                answer.append(replace(area, code=f"{prefix}{number:0{digits}d}"))
    return answer
