"""How large a filter may be, and how a filter is refused."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

from gis.errors import ParameterError

PARAMETER = "filter"
TEXT_BYTES = 32 * 1024
JSON_BYTES = 1024 * 1024
NESTING = 64
"""Levels of operators, and of grouping parentheses in text."""
CALLS = 8
"""Levels of calls, lists and geometries in text: the parser's time doubles with each."""
CHAIN = 64
"""Operators in a row without AND, OR or a comma: the parser recurses on each."""
NODES = 2000
"""Operators, properties and literals."""
VERTICES = 20_000
COORDINATE = 1e9
"""Largest coordinate of a projected CRS, metres; nothing on Earth is farther."""


def refusal(message: str) -> ParameterError:
    """What a wrong filter raises."""
    return ParameterError(PARAMETER, message)


def nearest(name: str, known: Iterable[str]) -> str:
    """The ending ", did you mean ...?" where a known name is near, else a list of them."""
    names = sorted(known)
    folded = {one.lower(): one for one in names}
    if close := get_close_matches(name.lower(), folded, n=1, cutoff=0.6):
        return f"; did you mean {folded[close[0]]!r}?"
    return f"; there are {', '.join(names)}" if names else ""


def shown(text: object, length: int = 60) -> str:
    """A piece of the user's own text, short enough for a message."""
    words = str(text)
    return repr(words if len(words) <= length else words[: length - 1] + "…")
