"""Both encodings of CQL2 read into one form: the JSON form (clause 8), as plain dicts, lists, strings and numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NoReturn

import cql2

from gis.cql2.limits import JSON_BYTES, NESTING, NODES, VERTICES, refusal, shown
from gis.cql2.scan import piece_of, pieces

Lang = Literal["cql2-text", "cql2-json"]
POSITION = 4
"""Longest list of numbers that counts as a vertex."""
NAMES = frozenset({"op", "property", "type"})
"""Members that say what their object is, and count with it."""


def read(expression: str | Mapping[str, Any], lang: Lang) -> Any:
    """Read a filter and hold it to the limits.

    Parameters
    ----------
    expression
        Text in the encoding `lang`; cql2-json also as what json.loads made of it.

    Raises
    ------
    ParameterError
        It is not CQL2, or larger or deeper than a filter may be.
    """
    if lang == "cql2-text":
        if not isinstance(expression, str):
            msg = "is JSON; with filter-lang=cql2-text it must be text, such as name = 'x'"
            raise refusal(msg)
        _storable(expression)
        tree = _from_text(expression)
    else:
        tree = _from_json(expression) if isinstance(expression, str) else expression
    _bounded(tree)
    return tree


def _from_text(text: str) -> Any:
    if not text.strip():
        msg = "is empty; write a condition such as name = 'x', or leave the parameter out"
        raise refusal(msg)
    read_pieces: list[Any] = []
    for piece in pieces(text):
        read_pieces.append(_joined(_powers(_parsed(piece)), read_pieces))
    return read_pieces[-1]


def _parsed(piece: str) -> Any:
    try:
        return cql2.parse_text(piece).to_json()
    except cql2.ParseError as problem:
        # " --> 1:8 | ... = expected A, B": the line and column say where it stopped to make sense.
        place = str(problem).partition("1:")[2].partition("\n")[0].strip()
        at = int(place) - 1 if place.isdigit() else 0
        rest = piece[at:].strip()
        where = f"near {shown(_plain(rest), 30)}" if rest else f"after {shown(_plain(piece)[-30:], 30)}"
        msg = f"not CQL2 text {where}; a condition reads like name = 'x' AND count > 3"
        raise refusal(msg) from problem
    except Exception as problem:
        msg = f"not CQL2 text: {shown(problem, 120)}"
        raise refusal(msg) from problem


def _plain(piece: str) -> str:
    """A piece as the user wrote it, up to the names that stand for other pieces."""
    words = piece.split('"')
    return "".join("(…)" if piece_of(word) is not None else word for word in words)


def _powers(node: Any) -> Any:
    """Group a^b^c as a^(b^c) (annex B, `powerTerm`); the parser groups from the left.

    Within a piece no group was written in parentheses, so every power in a power's base comes from such a chain.
    """
    if isinstance(node, list):
        return [_powers(one) for one in node]
    if not isinstance(node, dict):
        return node
    if node.get("op") != "^":
        return {name: _powers(value) for name, value in node.items()}
    exponents = []
    while isinstance(node, dict) and node.get("op") == "^":
        node, exponent = node["args"]
        exponents.append(_powers(exponent))
    power, *others = exponents
    for operand in (*others, _powers(node)):
        power = {"op": "^", "args": [operand, power]}
    return power


def _joined(node: Any, read_pieces: list[Any]) -> Any:
    """Put the pieces in for the names that stand for them."""
    if isinstance(node, list):
        return [_joined(one, read_pieces) for one in node]
    if not isinstance(node, dict):
        return node
    name = node.get("property")
    if isinstance(name, str) and (number := piece_of(name)) is not None:
        return read_pieces[number]
    return {name: _joined(value, read_pieces) for name, value in node.items()}


def _from_json(text: str) -> Any:
    # The package would read this too, but rounds every number to a double and shifts times; json keeps what was sent.
    if len(text) > JSON_BYTES:
        msg = f"{len(text)} characters of JSON; at most {JSON_BYTES}"
        raise refusal(msg)
    try:
        return json.loads(text, parse_constant=_no_constant)
    except RecursionError as problem:
        msg = f"nested deeper than {NESTING} levels"
        raise refusal(msg) from problem
    except ValueError as problem:
        msg = f"not JSON: {problem}; with filter-lang=cql2-text a filter is written as text"
        raise refusal(msg) from problem


def _no_constant(name: str) -> NoReturn:
    msg = f"{name} is not a number in JSON"
    raise refusal(msg)


def _bounded(tree: Any) -> None:
    """Walk without recursion, so that depth is refused and not suffered."""
    nodes = vertices = 0
    waiting = [(tree, 0)]
    while waiting:
        node, depth = waiting.pop()
        if depth > NESTING:
            msg = f"nested deeper than {NESTING} levels"
            raise refusal(msg)
        if isinstance(node, list) and 0 < len(node) <= POSITION and all(isinstance(one, int | float) for one in node):
            vertices += 1
        elif isinstance(node, list | Mapping):
            nodes += isinstance(node, Mapping)
            waiting += [(one, depth + deeper) for one, deeper in _inside(node)]
        else:
            nodes += 1
            if isinstance(node, str):
                _storable(node)
        if nodes > NODES:
            msg = f"more than {NODES} operators, properties and literals"
            raise refusal(msg)
        if vertices > VERTICES:
            msg = f"more than {VERTICES} vertices in its geometries; simplify them"
            raise refusal(msg)


def _inside(node: list[Any] | Mapping[str, Any]) -> Iterator[tuple[Any, int]]:
    """Members of a node, with 1 where a member is a level deeper; args belong to their operator's level."""
    if isinstance(node, list):
        yield from ((one, isinstance(one, list | Mapping)) for one in node)
        return
    for name, value in node.items():
        if not isinstance(name, str):
            msg = f"{shown(name)} is no name in JSON"
            raise refusal(msg)
        if name not in NAMES:
            yield value, 0


def _storable(text: str) -> None:
    """Refuse what PostgreSQL's text cannot hold."""
    if "\0" in text:
        msg = "holds a NUL character, which no text in the database can hold"
        raise refusal(msg)
    if any("\ud800" <= letter <= "\udfff" for letter in text):
        msg = "holds half of a surrogate pair, which is not a character"
        raise refusal(msg)
