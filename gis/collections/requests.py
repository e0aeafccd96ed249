"""Requests for features, parsed: strict, every value named where it is wrong (OGC 17-069r4, 7.15).

The command line asks with the same words as a query string, so both are read here.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast, get_args

from gis.city import City
from gis.collections.crs import CRS84, FeatureCrs, box_shape, named, offered
from gis.collections.declared import Collection, Parameter, Property
from gis.collections.intervals import parse_interval
from gis.collections.order import SortKey
from gis.collections.pages import CountWanted
from gis.collections.selection import Asked, Filter, FilterLang
from gis.errors import ParameterError

LIMIT = 100
MOST = 10_000
FILTERS = ("bbox", "bbox-crs", "datetime", "filter", "filter-lang", "filter-crs")
WRITING = ("crs", "properties")
PAGING = ("limit", "sortby", "after", "count", "f", "lang")
FILTER_LANGS = get_args(FilterLang)
BOOLEANS = {"true": True, "false": False}
INT4 = 2**31
ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
INTEGER = re.compile(r"[+-]?[0-9]{1,19}")
NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]{1,4})?")
"""Python reads more than that: digits of every script, underscores between them, spaces around."""


@dataclass(frozen=True)
class ItemsRequest:
    """A request for features.

    Parameters
    ----------
    same
        Its parameters that decide which features there are at all: the same for every page of them.
    """

    asked: Asked
    crs: FeatureCrs
    properties: tuple[str, ...] | None
    sort: tuple[SortKey, ...]
    limit: int
    after: str | None
    count: CountWanted | None
    same: tuple[tuple[str, str], ...]


def iso_day(text: Any) -> Any:
    """A day written as 2016-06-01, and nothing else.

    Raises
    ------
    ValueError
        It is written in another way or does not exist.
    """
    if isinstance(text, date) or text is None:
        return text
    try:
        if ISO_DAY.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    msg = f"{text[:40]!r} is no day; an ISO day such as 2016-06-01 is right"
    raise ValueError(msg)


def given_values(
    sent: Sequence[tuple[str, str]], known: Sequence[str], repeatable: Sequence[str] = ()
) -> dict[str, list[str]]:
    """Values by name.

    Raises
    ------
    ParameterError
        A parameter is unknown (with the one that was probably meant), given twice, or holds a null character.
    """
    values: dict[str, list[str]] = {}
    for name, value in sent:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            there = f"did you mean {near[0]}?" if near else f"there is {', '.join(known) or 'none here'}"
            raise ParameterError(name[:60] or "(without name)", f"there is no such parameter; {there}")
        if name in values and name not in repeatable:
            raise ParameterError(name, "is given twice")
        if "\0" in value:
            raise ParameterError(name, "holds a null character")
        values.setdefault(name, []).append(value)
    return values


def taken_names(collection: Collection) -> tuple[str, ...]:
    """Parameters that mean something else than a property of that name; a filter can still ask for the property."""
    return (*FILTERS, *WRITING, *PAGING, *(part.name for part in collection.parameters))


def items_request(
    sent: Sequence[tuple[str, str]], collection: Collection, city: City, *more: str, unpaged: bool = False
) -> ItemsRequest:
    """Read a request for a collection's features.

    Parameters
    ----------
    more
        Further parameters that the route reads itself.
    unpaged
        All features at once: there is no limit, after or count.

    Raises
    ------
    ParameterError
        Naming the parameter and what would be right.
    """
    paging = [name for name in PAGING if not unpaged or name in ("sortby", "f")]
    own = [part.name for part in collection.parameters]
    known = [*FILTERS, *WRITING, *paging, *own, *(part.name for part in collection.properties), *more]
    repeatable = [one.name for one in collection.parameters if one.repeatable]
    values = given_values(sent, known, repeatable)
    one = {name: given[0] for name, given in values.items()}
    choices = offered(city.metric_crs)
    crs = named(one["crs"], choices, "crs") if "crs" in one else CRS84
    same = (*FILTERS, *(part.name for part in collection.parameters), *(part.name for part in collection.properties))
    return ItemsRequest(
        asked=_asked(values, one, collection, city, choices),
        crs=crs,
        properties=_properties(one.get("properties"), collection),
        sort=_sort(one.get("sortby"), collection),
        limit=limit_of(one.get("limit")),
        after=one.get("after"),
        count=_count(one.get("count")),
        same=tuple(sorted(pair for pair in sent if pair[0] in same)),
    )


def _asked(
    values: Mapping[str, list[str]],
    one: Mapping[str, str],
    collection: Collection,
    city: City,
    choices: tuple[FeatureCrs, ...],
) -> Asked:
    equals = {
        part.name: typed(part, one[part.name])
        for part in collection.properties
        if part.name in one and part.name not in taken_names(collection)
    }
    box_crs = named(one["bbox-crs"], choices, "bbox-crs") if "bbox-crs" in one else CRS84
    box = one.get("bbox")
    when = one.get("datetime")
    return Asked(
        given=own_values(values, collection.parameters),
        equals=equals,
        box=None if box is None else box_shape(_numbers(box), box_crs),
        interval=None if when is None else parse_interval(when, city.zone),
        filter=_filter(one, choices),
    )


def own_values(values: Mapping[str, list[str]], parameters: Sequence[Parameter]) -> dict[str, Any]:
    """Values of a collection's own parameters."""
    return {
        part.name: tuple(values[part.name]) if part.repeatable else _own(part, values[part.name][0])
        for part in parameters
        if part.name in values
    }


def _own(part: Parameter, text: str) -> Any:
    if part.kind == "day":
        try:
            return iso_day(text)
        except ValueError as problem:
            raise ParameterError(part.name, str(problem)) from None
    if part.kind == "flag":
        return _boolean(part.name, text)
    if part.one_of and text not in part.one_of:
        raise ParameterError(part.name, f"{text[:40]!r} is none of {', '.join(part.one_of)}")
    return text


def typed(part: Property, text: str) -> Any:
    """A property's value out of a query parameter.

    Raises
    ------
    ParameterError
        The property cannot have such a value.
    """
    if part.kind == "boolean":
        return _boolean(part.name, text)
    if part.kind in ("integer", "number"):
        return _number(part, text)
    if part.kind == "date":
        try:
            return iso_day(text)
        except ValueError as problem:
            raise ParameterError(part.name, str(problem)) from None
    if part.kind == "date-time":
        return _moment(part, text)
    if part.one_of and text not in part.one_of:
        raise ParameterError(part.name, f"{text[:40]!r} is none of {', '.join(part.one_of)}")
    return text


def _number(part: Property, text: str) -> float:
    number: float = math.nan
    if part.kind == "integer":
        number = int(text) if INTEGER.fullmatch(text) else math.nan
    elif NUMBER.fullmatch(text):
        number = float(text)
    if not math.isfinite(number) or (part.kind == "integer" and abs(number) >= INT4):
        raise ParameterError(part.name, f"{text[:40]!r} is no {part.kind} that it can be")
    return number


def _moment(part: Property, text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ParameterError(part.name, f"{text[:40]!r} is no date-time; 2016-06-01T08:00:00Z is right")
    return moment


def _boolean(name: str, text: str) -> bool:
    if text not in BOOLEANS:
        raise ParameterError(name, f"{text[:40]!r} is neither true nor false")
    return BOOLEANS[text]


def _numbers(text: str) -> tuple[float, ...]:
    parts = [part.strip(" ") for part in text.split(",")]
    numbers = tuple(map(float, parts)) if all(map(NUMBER.fullmatch, parts)) else ()
    if len(numbers) not in (4, 6) or not all(map(math.isfinite, numbers)):
        msg = (
            f"{text[:80]!r} is no box; four numbers such as 113.6,34.7,113.7,34.8 are right (lower corner, upper"
            " corner), or six with heights"
        )
        raise ParameterError("bbox", msg)
    return numbers


def _filter(one: Mapping[str, str], choices: tuple[FeatureCrs, ...]) -> Filter | None:
    lang = one.get("filter-lang", FILTER_LANGS[0])
    if lang not in FILTER_LANGS:
        raise ParameterError("filter-lang", f"{lang[:40]!r} is none of {', '.join(FILTER_LANGS)}")
    crs = named(one["filter-crs"], choices, "filter-crs") if "filter-crs" in one else CRS84
    expression = one.get("filter")
    return None if expression is None else Filter(expression, cast("FilterLang", lang), crs)


def limit_of(text: str | None) -> int:
    """Most features of a page; more than MOST is clipped, as requirement 21 of Part 1 has it."""
    if text is None:
        return LIMIT
    # Of any length: whoever asks for more than there could be gets the most.
    number = min(int(text[:20]), MOST) if text.isascii() and text.isdigit() else 0
    if number < 1:
        raise ParameterError("limit", f"{text[:40]!r} is no whole number from 1 to {MOST}")
    return number


def _count(text: str | None) -> CountWanted | None:
    choices = get_args(CountWanted)
    if text is not None and text not in choices:
        raise ParameterError("count", f"{text[:40]!r} is none of {', '.join(choices)}")
    return cast("CountWanted | None", text)


def _properties(text: str | None, collection: Collection) -> tuple[str, ...] | None:
    if text is None:
        return None
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        _known(name, collection, "properties")
    return names


def _sort(text: str | None, collection: Collection) -> tuple[SortKey, ...]:
    keys: list[SortKey] = []
    for part in [] if text is None else text.split(","):
        # A plus sign that was not encoded arrives as a space.
        name = part.strip().removeprefix("+").removeprefix("-")
        known = _known(name, collection, "sortby")
        if name in {key.name for key in keys}:
            raise ParameterError("sortby", f"{name} is named twice")
        keys.append(SortKey(name, part.strip().startswith("-"), known.nullable))
    return tuple(keys)


def _known(name: str, collection: Collection, parameter: str) -> Property:
    found = collection.property(name)
    if found is None:
        names = [one.name for one in collection.properties]
        near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
        there = f"did you mean {near[0]}?" if near else f"there are {', '.join(names)}"
        raise ParameterError(parameter, f"{collection.id} has no property {name[:60]!r}; {there}")
    return found
