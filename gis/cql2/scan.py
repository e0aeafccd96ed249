r"""CQL2 text cut into pieces that the parser can read in bounded time and stack.

The parser of the `cql2` package (0.6) tries a parenthesis as several things in turn and recurses on operators: each
further unclosed parenthesis doubles its time, 20 take a second, and some thousand operators in a row overflow the stack
of the process. So before it sees a filter, its tokens are counted, and every grouping parenthesis is taken out as a
piece of its own:

    a = 1 AND (b = 2 OR (c = 3 AND d = 4))

is read as three pieces, `a = 1 AND "\ue0001"`, `b = 2 OR "\ue0000"` and `c = 3 AND d = 4`. Parentheses that are
part of a call, a list or a geometry stay, and may be nested only a few levels, which is all that CQL2 has use for.

Number literals that the parser does not know though the standard does (`.5`, exponents in geometries) are respelled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal

from gis.cql2.limits import CALLS, CHAIN, NESTING, NODES, TEXT_BYTES, refusal, shown

MARK = "\ue000"
"""Begins the names that stand for pieces; private use, so that no property is called so (clause 6.4, `identifier`)."""
TOKEN = re.compile(
    r"""(?P<space>\s+)
      | (?P<string>'(?:[^']|'')*')
      | (?P<quoted>"(?:[^"]|"")*")
      | (?P<number>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
      | (?P<word>(?:[^\W\d]|:)[\w.:\u0300-\u036f]*)
      | (?P<open>\()
      | (?P<close>\))
      | (?P<comma>,)
      | (?P<operator><>|<=|>=|!=|[-+*/%^=<>])
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)
GEOMETRIES = frozenset(
    ["POINT", "LINESTRING", "POLYGON", "MULTIPOINT", "MULTILINESTRING", "MULTIPOLYGON", "GEOMETRYCOLLECTION", "BBOX"]
)
DIMENSIONS = frozenset({"Z", "M", "ZM"})
GROUPED_AFTER = frozenset({"AND", "OR", "NOT", "LIKE", "BETWEEN", "DIV", "IS"})
"""Words before a parenthesis that do not make it a call; after IN it holds a list."""
EXACT = 2**53
LARGEST_EXPONENT = 400


@dataclass
class Frame:
    """One open parenthesis, or the filter itself."""

    at: int
    call: bool = False
    geometry: bool = False
    calls: int = 0
    parts: list[str] = field(default_factory=list)
    comma: bool = False
    chain: int = 0
    betweens: int = 0

    def operator(self) -> None:
        """Count one more operator in a row."""
        self.chain += 1
        if self.chain > CHAIN:
            msg = f"more than {CHAIN} operators in a row without AND or OR; use IN for a choice of values"
            raise refusal(msg)

    def word(self, word: str) -> None:
        """Count what a keyword begins or ends; the AND of a BETWEEN is not a logical one."""
        if word == "AND" and self.betweens:
            self.betweens -= 1
        elif word in ("AND", "OR"):
            self.chain = 0
        elif word in ("NOT", "LIKE", "IN", "IS", "DIV", "BETWEEN"):
            self.betweens += word == "BETWEEN"
            self.operator()


def pieces(text: str) -> list[str]:
    """Cut a filter into its pieces, innermost first; the last one is the filter itself.

    Raises
    ------
    ParameterError
        It is too long or too deep, or its quotes or parentheses do not match.
    """
    if (size := len(text.encode("utf-8", "surrogatepass"))) > TEXT_BYTES:
        msg = f"{size} bytes of text; at most {TEXT_BYTES}. A large geometry can be sent as cql2-json"
        raise refusal(msg)
    found: list[str] = []
    frames = [Frame(0)]
    before, last = "", ""
    tokens = 0
    for match in TOKEN.finditer(text):
        kind, token, frame = str(match.lastgroup), match.group(), frames[-1]
        if kind == "space":
            frame.parts.append(" ")
            continue
        tokens += not frame.geometry
        if kind == "open":
            frames.append(_opened(match.start(), frames, before, last))
        elif kind == "close":
            if len(frames) == 1:
                msg = f"a ')' without its '(' at character {match.start() + 1}"
                raise refusal(msg)
            closed = frames.pop()
            frames[-1].parts.append(_closed(closed, frames[-1], found))
        else:
            frame.parts.append(_written(kind, token, frame, match.start()))
        before, last = last, token.upper() if kind == "word" else ""
    if len(frames) > 1:
        msg = f"the '(' at character {frames[-1].at + 1} is never closed"
        raise refusal(msg)
    # Names, values and signs together: no filter within NODES has more tokens than these.
    if tokens > 4 * NODES:
        msg = f"{tokens} words and signs; at most {4 * NODES}"
        raise refusal(msg)
    return [*found, "".join(frames[0].parts)]


def piece_of(name: str) -> int | None:
    """Number of the piece for which a name stands, None where it is the name of a property."""
    return int(name[1:]) if name.startswith(MARK) else None


def _opened(at: int, frames: list[Frame], before: str, last: str) -> Frame:
    """Open a parenthesis after the two tokens `before` and `last`."""
    if len(frames) > NESTING:
        msg = f"parentheses nested deeper than {NESTING} levels"
        raise refusal(msg)
    geometry = frames[-1].geometry or last in GEOMETRIES or (last in DIMENSIONS and before in GEOMETRIES)
    call = geometry or (last != "" and last not in GROUPED_AFTER)
    return Frame(at, call, geometry)


def _closed(frame: Frame, around: Frame, found: list[str]) -> str:
    """What is left of a parenthesis in the text around it."""
    content = "".join(frame.parts)
    if frame.call or frame.comma or not content.strip():
        around.calls = max(around.calls, frame.calls + 1)
        if around.calls > CALLS:
            msg = f"calls, lists or geometries nested deeper than {CALLS} levels"
            raise refusal(msg)
        return f"({content})"
    found.append(content)
    return f' "{MARK}{len(found) - 1}" '


def _written(kind: str, token: str, frame: Frame, at: int) -> str:
    """A token as the parser is to see it."""
    if kind == "other":
        hint = "; write '' for a quote within a text" if token in ("'", "\\") else ""
        msg = f"{shown(token)} at character {at + 1} has no meaning here{hint}"
        raise refusal(msg)
    if kind in ("quoted", "word") and MARK in token:
        msg = f"there is no property {shown(token)}"
        raise refusal(msg)
    if kind == "number":
        return _number(token)
    if kind == "comma":
        frame.comma, frame.chain, frame.betweens = True, 0, 0
    elif kind == "operator":
        frame.operator()
    elif kind == "word":
        frame.word(token.upper())
    return token


def _number(token: str) -> str:
    """A number as the parser reads it: digits with an optional fraction."""
    if token.isdigit():
        if EXACT < int(token[:30]) < 2**63:
            msg = f"{token} has more digits than a number in cql2-text keeps (2^53); send it as cql2-json"
            raise refusal(msg)
        return token
    value = Decimal(token)
    if value and abs(value.adjusted()) > LARGEST_EXPONENT:
        msg = f"{shown(token)} is not a number that a double can hold (up to 1.8e308)"
        raise refusal(msg)
    return format(value, "f")
