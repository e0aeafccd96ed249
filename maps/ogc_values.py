"""Values of features as people read them: which columns first, how many digits, which unit."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

NOTHING = "–"
FIRST_COLUMNS = ("code", "name")
COLOURED_BY = ("per_km2", "per_km", "count")
"""Properties that a map of features is coloured by, the first that is there."""
DIGITS = 3
MOST_DECIMALS = 6
MOST_DIGITS = 7
DEGREES = ("lon", "lat")
"""Properties that are coordinates and so need more digits than any number."""
INSTANT = re.compile(r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}:\d{2}(?:\.\d+)?)(Z|[+-]\d{2}:\d{2})\Z")
WORDS = {"zh": ("是", "否", "、"), "en": ("yes", "no", ", ")}
UNITS = {
    "km2": ("km²", "km²"),
    "m2": ("m²", "m²"),
    "per km2": ("件/km²", "per km²"),
    "per km": ("件/km", "per km"),
    "persons": ("人", "persons"),
    "reports": ("件", "reports"),
    "days": ("天", "days"),
    "degrees": ("度", "degrees"),
}


@dataclass(frozen=True)
class Column:
    """A column of a table of features."""

    name: str
    title: str
    unit: str
    is_number: bool
    decimals: int | None


def unit_text(unit: object, lang: str) -> str:
    """A unit as people write it."""
    known = UNITS.get(str(unit or ""))
    return str(unit or "") if known is None else known[lang == "en"]


def title_of(schema: Mapping[str, Any], name: str, lang: str) -> str:
    """The title of a property in a language; its name where it has none."""
    one = schema.get(name) or {}
    titles = [one.get("title_zh"), one.get("x-title-zh"), one.get("title")] if lang == "zh" else [one.get("title")]
    return str(next((title for title in titles if title), name))


def said(document: Mapping[str, Any], member: str, lang: str) -> str:
    """A text of a document in a language: `title` and `title_zh` and the like; the other one where it is missing."""
    own, chinese = document.get(member), document.get(f"{member}_zh") or document.get(f"x-{member}-zh")
    return str((chinese or own if lang == "zh" else own or chinese) or "")


def with_unit(title: str, unit: str) -> str:
    """A title and its unit, unless the title says it already."""
    return f"{title} ({unit})" if unit and unit not in title else title


def moment(text: str) -> str:
    """An RFC 3339 instant with blanks instead of letters; any other text as it is."""
    match = INSTANT.match(text)
    return text if match is None else f"{match[1]} {match[2]} {'UTC' if match[3] == 'Z' else match[3]}"


def is_number(value: object) -> bool:
    """Whether a value is shown as a number."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def shown(value: object, lang: str, decimals: int | None = None) -> str:
    """Write a value for people.

    Parameters
    ----------
    decimals
        Of a number that is not whole; None: as many as it has, at most seven digits in all. A number that
        would vanish keeps three significant digits.
    """
    yes, no, comma = WORDS[lang]
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return yes if value else no
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value, decimals)
    if isinstance(value, str):
        return moment(value)
    if isinstance(value, Mapping):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, Sequence):
        return comma.join(shown(one, lang, decimals) for one in value) or NOTHING
    return str(value)


def _number(value: float, decimals: int | None) -> str:
    if not math.isfinite(value):
        return NOTHING
    whole = len(f"{abs(value):.0f}")
    text = f"{value:,.{max(0, MOST_DIGITS - whole) if decimals is None else decimals}f}"
    if decimals is None and "." in text:
        text = text.rstrip("0").rstrip(".")
    if value and not text.strip("-0."):
        return f"{value:.{DIGITS}g}"
    return text


def column_decimals(values: Sequence[object]) -> int:
    """Decimals of a column of numbers, the same in all rows, so that they can be compared.

    Three significant digits of the median, as the house shows rates; more where the column differs only further
    behind, as coordinates do.
    """
    sizes = sorted(abs(float(v)) for v in values if isinstance(v, float) and math.isfinite(v) and v)
    if not sizes:
        return 0
    middle, spread = sizes[len(sizes) // 2], sizes[len(sizes) * 9 // 10] - sizes[len(sizes) // 10]
    wanted = _decimals(middle)
    if spread > middle * 1e-5:
        wanted = max(wanted, _decimals(spread))
    return min(wanted, MOST_DECIMALS)


def _decimals(size: float) -> int:
    return max(0, DIGITS - 1 - math.floor(math.log10(size)))


def in_order(properties: Mapping[str, Any]) -> dict[str, Any]:
    """Properties with code and name first, the others as they come."""
    first = {name: properties[name] for name in FIRST_COLUMNS if name in properties}
    return first | dict(properties)


def columns_of(features: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], lang: str) -> list[Column]:
    """The columns of a page of features."""
    found = []
    for name in in_order(dict.fromkeys(name for feature in features for name in feature.get("properties") or {})):
        values = [v for f in features if (v := (f.get("properties") or {}).get(name)) is not None]
        number = bool(values) and all(is_number(value) for value in values)
        fractions = number and any(isinstance(value, float) for value in values)
        unit = unit_text((schema.get(name) or {}).get("unit"), lang)
        decimals = column_decimals(values) if fractions else None
        title = title_of(schema, name, lang)
        found.append(Column(name, title, "" if unit in title else unit, number, decimals))
    return found


def label_of(feature: Mapping[str, Any]) -> str:
    """What a feature is called: its name and code, else its id."""
    of = feature.get("properties") or {}
    parts = [str(of[name]) for name in ("name", "code") if of.get(name) not in (None, "")]
    return " ".join(parts) or str(feature.get("id", ""))


def rounded(coordinates: Any) -> Any:
    """Coordinates with six decimals, 0.1 m: enough to draw, and half as many bytes."""
    if isinstance(coordinates, int | float):
        return round(coordinates, MOST_DECIMALS)
    return [rounded(one) for one in coordinates]


def drawn(geometry: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A GeoJSON geometry made ready for drawing."""
    if not geometry:
        return None
    if geometry.get("type") == "GeometryCollection":
        parts = [drawn(part) for part in geometry.get("geometries") or ()]
        return {"type": "GeometryCollection", "geometries": [part for part in parts if part]}
    return {"type": geometry.get("type"), "coordinates": rounded(geometry.get("coordinates") or [])}


def box_of(geometry: Mapping[str, Any] | None) -> list[float] | None:
    """West, south, east, north of a geometry."""
    numbers = list(_positions((geometry or {}).get("coordinates") or []))
    if not numbers:
        return None
    lons, lats = [p[0] for p in numbers], [p[1] for p in numbers]
    return [min(lons), min(lats), max(lons), max(lats)]


def _positions(coordinates: Any) -> list[Any]:
    if coordinates and isinstance(coordinates[0], int | float):
        return [coordinates]
    return [position for part in coordinates for position in _positions(part)]
