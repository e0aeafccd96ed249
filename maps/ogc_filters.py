"""Example filters in CQL2 text, made from what a collection's properties are, so that they answer with something."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from maps.ogc_values import COLOURED_BY, is_number

PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
RESERVED = frozenset({"and", "or", "not", "like", "between", "in", "is", "null", "true", "false", "div"})
DAY = re.compile(r"\d{4}-\d{2}-\d{2}\Z")
INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T")
GRADED = ("tier", "class", "level", "status")
"""Properties with few words, which make the best examples after a number."""


def property_name(name: str) -> str:
    """A property as CQL2 names it; quoted where it is no plain word."""
    if PLAIN_NAME.match(name) and name.lower() not in RESERVED:
        return name
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A character literal."""
    return "'" + text.replace("'", "''") + "'"


def example_of_queryable(name: str, schema: Mapping[str, Any], lang: str, box: Sequence[float] | None = None) -> str:
    """One filter that uses a queryable.

    Parameters
    ----------
    schema
        Its JSON schema; a value among its `examples` is taken.
    lang
        Language of the names in a city that the reader is likely to know.
    box
        West, south, east, north for a geometry; None: anywhere.
    """
    asked = property_name(name)
    kind, form = schema.get("type"), str(schema.get("format") or "")
    if form.startswith("geometry") or "geojson" in str(schema.get("$ref", "")).lower():
        corners = ", ".join(f"{number:g}" for number in box or (-180, -90, 180, 90))
        return f"S_INTERSECTS({asked}, BBOX({corners}))"
    if isinstance(kind, list):
        kind = next((one for one in kind if one != "null"), None)
    known = [value for value in (*(schema.get("examples") or ()), *(schema.get("enum") or ())) if value is not None]
    if known and not form.startswith("date"):
        return f"{asked} {'>=' if is_number(known[0]) else '='} {_constant(known[0])}"
    if kind == "boolean":
        return f"{asked} = true"
    if kind in ("integer", "number"):
        return f"{asked} >= 10"
    if form == "date":
        return f"{asked} >= DATE('2016-06-01')"
    if form == "date-time":
        return f"{asked} >= TIMESTAMP('2016-06-01T00:00:00Z')"
    part = "1" if name.endswith(("code", "ref")) else "路" if lang == "zh" else "a"
    return f"{asked} LIKE {literal(f'%{part}%')}"


def example_of_features(features: Sequence[Mapping[str, Any]]) -> str | None:
    """A filter that keeps some of these features: on a rate or count if they have one, else on a word or a code."""
    rows = [feature.get("properties") or {} for feature in features]
    names = list(dict.fromkeys(name for row in rows for name in row))
    values = {name: [row[name] for row in rows if row.get(name) is not None] for name in names}
    numbers = [name for name in names if values[name] and all(is_number(value) for value in values[name])]
    for name in [n for n in COLOURED_BY if n in numbers]:
        return f"{property_name(name)} >= {_round_number(values[name])}"
    words = [name for name in names if values[name] and isinstance(values[name][0], str)]
    for name in [n for n in GRADED if n in words]:
        return f"{property_name(name)} = {literal(values[name][0])}"
    for name in [n for n in ("name", "code") if n in words]:
        return f"{property_name(name)} LIKE {literal(values[name][0][: 6 if name == 'code' else 2] + '%')}"
    for name in numbers:
        return f"{property_name(name)} >= {_round_number(values[name])}"
    for name in words:
        first = values[name][0]
        if INSTANT.match(first):
            return f"{property_name(name)} >= TIMESTAMP({literal(first)})"
        if DAY.match(first):
            return f"{property_name(name)} >= DATE({literal(first)})"
        return f"{property_name(name)} = {literal(first)}"
    return None


def _constant(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if is_number(value) else literal(str(value))


def _round_number(values: Sequence[float]) -> str:
    """One significant digit of the upper quarter: a number that somebody would say."""
    upper = sorted(values)[len(values) * 3 // 4]
    return f"{float(f'{upper:.1g}'):.15g}"
