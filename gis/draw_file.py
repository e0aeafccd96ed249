"""The published file of a dust draw 抽样公示文件: what it holds, and whether it is what was committed; no database.

The frame is text, one JSON array per road and line: code, class, length in mm, code of the street, name, and its line
as [longitude, latitude in 1e-7 degrees, mm along it]. Digests are SHA-256 over UTF-8 text, as 64 hexadecimal digits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gis.errors import FileError
from gis.rules.sampling import Drawn, Road, draw, draw_key

FORMAT = "finegrid-draw/1"
COMMITTED = ("city", "period", "roads", "points", "frame_sha256", "seed_sha256", "public_source")
"""What the commitment is made of, after the name of the format: a line each; nothing is an empty line."""
LARGEST_FILE = 1 << 30
MOST_POINTS = 1000


def sha256(text: str) -> str:
    """Digest of a text in UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def commitment_sha256(facts: Mapping[str, Any]) -> str:
    """The one digest that binds everything which is fixed before the period."""
    lines = [FORMAT, *("" if facts[name] is None else str(facts[name]) for name in COMMITTED)]
    return sha256("\n".join(lines))


def frame_line(code: str, road_class: str, length_mm: int, street: str, name: str, line: str) -> str:
    """One road of the frame; `line` is JSON already."""
    head = json.dumps([code, road_class, length_mm, street, name], ensure_ascii=False, separators=(",", ":"))
    return f"{head[:-1]},{line}]"


def roads_of(frame: str) -> list[Road]:
    """The roads of a frame.

    Raises
    ------
    ValueError
        A line is not as it should be; says which.
    """
    roads = []
    for number, text in enumerate(frame.split("\n"), 1):
        try:
            code, road_class, length_mm, street, name, line = json.loads(text)
            vertices = tuple((int(x), int(y), int(at)) for x, y, at in line)
            road = Road(str(code), str(road_class), int(length_mm), str(street), vertices, str(name))
        except (ValueError, TypeError) as problem:
            msg = f"line {number} of the frame is no road: {text[:80]!r}"
            raise ValueError(msg) from problem
        if not (vertices[0][2] == 0 < length_mm == vertices[-1][2]):
            msg = f"line {number} of the frame: its line does not run from 0 to {length_mm} mm"
            raise ValueError(msg)
        roads.append(road)
    return roads


def order_of(drawn: Iterable[Drawn]) -> list[dict[str, Any]]:
    """The draw as the file has it."""
    return [{"number": one.number, "code": one.road.code, "points": [list(at) for at in one.points]} for one in drawn]


def read_draw_file(path: Path) -> dict[str, Any]:
    """A published file.

    Raises
    ------
    FileError
        It is none.
    """
    try:
        if path.stat().st_size > LARGEST_FILE:
            msg = f"{path}: larger than {LARGEST_FILE} bytes, so it is no published draw"
            raise FileError(msg)
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        msg = f"{path}: cannot be read: {problem.strerror}"
        raise FileError(msg) from problem
    except (ValueError, RecursionError) as problem:
        msg = f"{path}: not JSON in UTF-8: {problem}"
        raise FileError(msg) from problem
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        said = document.get("format") if isinstance(document, dict) else type(document).__name__
        msg = f"{path}: its format is {said!r}; a published draw has {FORMAT!r}"
        raise FileError(msg)
    return document


def faults_of(document: Mapping[str, Any]) -> list[str]:
    """What is wrong with a published draw, worked out anew from its frame and seed; nothing where all agrees.

    Parameters
    ----------
    document
        As `read_draw_file` answers it; anything may stand in it.
    """
    try:
        faults = _faults_of_commitment(document)
        if document["seed"] is not None:
            faults += _faults_of_seed(document)
            faults += _faults_of_order(document)
        elif document["order"] is not None:
            faults.append("it has an order of draw but no seed")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as problem:
        what = f"{problem} is missing" if isinstance(problem, KeyError) else str(problem)
        return [f"it is not whole: {what}"]
    return faults


def _faults_of_commitment(document: Mapping[str, Any]) -> list[str]:
    faults = []
    found = sha256(document["frame"])
    if found != document["frame_sha256"]:
        faults.append(f"the frame is another: its SHA-256 is {found}, committed was {document['frame_sha256']}")
    found = commitment_sha256(document)
    if found != document["commitment_sha256"]:
        faults.append(
            f"what was committed is something else: {', '.join(COMMITTED)} give {found}, "
            f"the commitment is {document['commitment_sha256']}"
        )
    return faults


def _faults_of_seed(document: Mapping[str, Any]) -> list[str]:
    faults = []
    found = sha256(document["seed"])
    if found != document["seed_sha256"]:
        faults.append(f"the seed is another: its SHA-256 is {found}, committed was {document['seed_sha256']}")
    if (document["public_source"] is None) != (document["public_value"] is None):
        faults.append("a public value goes with an announcement of it: one is there, the other is not")
    return faults


def _faults_of_order(document: Mapping[str, Any]) -> list[str]:
    key = draw_key(document["seed"], document["public_value"])
    roads, points = int(document["roads"]), int(document["points"])
    if not 1 <= points <= MOST_POINTS:
        return [f"{points} points per road is more than anybody weighs"]
    expected = order_of(draw(roads_of(document["frame"]), key, roads, points))
    shown = document["order"]
    if len(shown) != len(expected):
        return [f"the seed draws {len(expected)} roads, the order has {len(shown)}"]
    for right, one in zip(expected, shown, strict=True):
        if (one["number"], one["code"]) != (right["number"], right["code"]):
            return [f"road {right['number']} is {one['code']}, the seed draws {right['code']}"]
        if one["points"] != right["points"]:
            return [f"the points on road {right['number']} ({right['code']}) are others than the seed gives"]
    return []
