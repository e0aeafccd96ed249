"""What the pages of features say: a page of a collection's features as table and map, and one feature."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

import numpy as np

from maps.classes import class_breaks
from maps.ogc_filters import example_of_features
from maps.ogc_links import query_of, with_query
from maps.ogc_texts import value_word
from maps.ogc_values import (
    COLOURED_BY,
    DEGREES,
    FIRST_COLUMNS,
    Column,
    box_of,
    columns_of,
    drawn,
    in_order,
    is_number,
    label_of,
    said,
    shown,
    title_of,
    unit_text,
    with_unit,
)
from maps.ogc_views import Asked, Fact, View, box_words, export_links, parameter_rows

LIMITS = (10, 50, 100, 250, 500, 1000)
TOLD_ELSEWHERE = frozenset(
    {
        "bbox",
        "collection",
        "crs",
        "days",
        "description",
        "description_zh",
        "estimatedNumberMatched",
        "features",
        "from",
        "geometry",
        "id",
        "links",
        "name",
        "numberMatched",
        "numberReturned",
        "parameters",
        "properties",
        "schema",
        "synthetic",
        "timeStamp",
        "title",
        "title_zh",
        "to",
        "type",
    }
)
"""Members of a document that have their own place on the page; what remains is listed as it is."""
FORM_FIELDS = frozenset({"bbox", "filter", "limit", "f", "lang"})


def items_view(asked: Asked) -> View:
    """A page of features: table, map, form, the neighbouring pages."""
    document, addresses = asked.document, asked.addresses
    features = list(document.get("features") or ())
    schema = document.get("schema") or {}
    columns = columns_of(features, schema, asked.lang)
    geojson = [link.href for link in addresses.all("self", "alternate") if link.type.startswith("application/geo+json")]
    parts = {
        "columns": columns,
        "identified": not any(column.name in FIRST_COLUMNS for column in columns),
        "rows": _rows(features, columns, asked),
        "counted": _counted(document, len(features), asked),
        "facts": document_facts(asked),
        "next": addresses.page_of("next"),
        "first": _first_page(asked),
        "geojson": geojson[0] if geojson else addresses.json,
        "exports": export_links(asked),
        "form": _form(asked, features),
        "description": said(document, "description", asked.lang),
    }
    return View(_collection_title(asked), parts, _map_data(features, schema, asked))


def _collection_title(asked: Asked) -> str:
    collection = asked.document.get("collection")
    title = said(collection, "title", asked.lang) if isinstance(collection, Mapping) else ""
    parts = [crumb.part for crumb in asked.addresses.crumbs()]
    named = parts[1] if len(parts) > 1 and parts[0] == "collections" else ""
    return title or said(asked.document, "title", asked.lang) or named or asked.text["features"]


def _rows(features: Sequence[Mapping[str, Any]], columns: Sequence[Column], asked: Asked) -> list[dict[str, Any]]:
    query = [*_own_query(asked, features), ("f", "html"), ("lang", asked.lang)]
    base, end = with_query(asked.addresses.here, dict.fromkeys(dict(query_of(asked.addresses.here)))), urlencode(query)
    rows = []
    for feature in features:
        of, identity = feature.get("properties") or {}, feature.get("id")
        rows.append(
            {
                "href": None if identity is None else f"{base}/{quote(str(identity), safe='')}?{end}",
                "label": label_of(feature),
                "cells": [_cell(column, of.get(column.name), asked.lang) for column in columns],
            }
        )
    return rows


def _cell(column: Column, value: object, lang: str) -> tuple[str, bool, str]:
    """Text, whether it is a number, and the value as filters need it where the text is a translation."""
    word = value_word(column.name, value, lang)
    return word or shown(value, lang, column.decimals), column.is_number, str(value) if word else ""


def _own_query(asked: Asked, features: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """The parameters that one feature's page needs as well, so that it says the same numbers."""
    declared = frozenset(str(one.get("name")) for one in asked.document.get("parameters") or ())
    if declared:
        return asked.addresses.own_query(declared)
    filters = {name for feature in features for name in feature.get("properties") or {}}
    return [(name, value) for name, value in asked.addresses.own_query() if name not in filters]


def _counted(document: Mapping[str, Any], there: int, asked: Asked) -> str:
    returned = f"{int(document.get('numberReturned', there)):,}"
    for member, said_as in (("numberMatched", "shownOf"), ("estimatedNumberMatched", "shownAbout")):
        if document.get(member) is not None:
            return asked.text[said_as].format(returned=returned, matched=f"{int(document[member]):,}")
    return asked.text["shownOnly"].format(returned=returned)


def document_facts(asked: Asked) -> list[str | Fact]:
    """What an answer says about itself: sentences, then labelled values for what we have no words for."""
    document, text = asked.document, asked.text
    found: list[str | Fact] = []
    if document.get("from") and document.get("to"):
        try:
            last = (date.fromisoformat(str(document["to"])) - timedelta(days=1)).isoformat()
        except ValueError:
            last = str(document["to"])
        sentence = text["windowDays" if document.get("days") is not None else "window"]
        found.append(sentence.format(first=document["from"], last=last, days=document.get("days")))
    if document.get("timeStamp"):
        found.append(text["asOf"].format(time=shown(document["timeStamp"], asked.lang)))
    found += [
        (name, shown(value, asked.lang), None)
        for name, value in document.items()
        if name not in TOLD_ELSEWHERE and value not in (None, "", [], {})
    ]
    return found


def _first_page(asked: Asked) -> str | None:
    """The first page, unless this is it."""
    if first := asked.addresses.page_of("first"):
        return first
    paging = asked.addresses.paging() & set(dict(query_of(asked.addresses.here)))
    return asked.addresses.page(with_query(asked.addresses.here, dict.fromkeys(paging))) if paging else None


def _form(asked: Asked, features: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    here = asked.addresses.here
    now = dict(query_of(here))
    own = frozenset(str(one.get("name")) for one in asked.document.get("parameters") or ())
    gone = FORM_FIELDS | asked.addresses.paging() | own
    limit = int(now["limit"]) if now.get("limit", "").isdecimal() else None
    chosen = limit or (asked.document.get("numberReturned") if asked.addresses.first("next") else None)
    example = example_of_features(features)
    kept = dict(_own_query(asked, features))
    return {
        "action": urlunsplit(urlsplit(here)._replace(query="", fragment="")),
        "hidden": [(name, value) for name, value in query_of(here) if name not in gone]
        + [("f", "html"), ("lang", asked.lang)],
        "parameters": parameter_rows(asked.document, asked, query_of(here)),
        "bbox": now.get("bbox", ""),
        "filter": now.get("filter", ""),
        "example": example,
        "limits": sorted({*LIMITS, *([int(chosen)] if chosen else [])}),
        "limit": int(chosen) if chosen else None,
        "asks": bool(now.get("bbox") or now.get("filter")),
        "clear": asked.addresses.page(with_query(here, {name: None for name in now if name not in kept})),
    }


def _map_data(features: Sequence[Mapping[str, Any]], schema: Mapping[str, Any], asked: Asked) -> dict[str, Any]:
    """What the map draws. Values, classes and names, but no other property: the table has them already."""
    rows = [feature.get("properties") or {} for feature in features]
    named = (name for name in COLOURED_BY if any(is_number(row.get(name)) for row in rows))
    colour = next(named, None)
    values = [float(row[colour]) if colour and is_number(row.get(colour)) else None for row in rows]
    breaks = class_breaks(np.array([value for value in values if value is not None], dtype=float))
    unit = unit_text((schema.get(colour or "") or {}).get("unit"), asked.lang)
    return {
        "lang": asked.lang,
        "label": asked.text["mapLabel"],
        "noValue": asked.text["noValue"],
        "coloured": (with_unit(title_of(schema, colour, asked.lang), unit)) if colour else None,
        "breaks": breaks if colour else None,
        "features": [
            {"label": label_of(feature), "value": value, "geometry": drawn(feature.get("geometry"))}
            for feature, value in zip(features, values, strict=True)
        ],
    }


def item_view(asked: Asked) -> View:
    """One feature: its properties with titles and units, and where it is."""
    document = asked.document
    schema = document.get("schema") or {}
    rows = [
        {
            "name": name,
            "title": title_of(schema, name, asked.lang),
            "value": value_word(name, value, asked.lang) or shown(value, asked.lang, 6 if name in DEGREES else None),
            "raw": str(value) if value_word(name, value, asked.lang) else "",
            "unit": unit_text((schema.get(name) or {}).get("unit"), asked.lang) if value is not None else "",
            "is_number": is_number(value),
        }
        for name, value in in_order(document.get("properties") or {}).items()
    ]
    box = box_of(document.get("geometry"))
    parts = {
        "rows": rows,
        "facts": document_facts(asked),
        "exports": export_links(asked),
        "extent": box_words(box, asked.text) if box else None,
    }
    data = _map_data([document], schema, asked) | {"coloured": None, "breaks": None} if box else None
    return View(label_of(document) or asked.text["features"], parts, data)
