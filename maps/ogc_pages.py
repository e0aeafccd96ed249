"""The HTML form of the OGC API resources: what the JSON form says, as a page that asks no other server for anything.

A page is made from the very document that the JSON form answers with, so that both say the same. The templates decide
nothing: what they show is put together in maps/ogc_views.py (descriptions) and maps/ogc_feature_views.py (data).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from maps.assets import asset_url
from maps.ogc_feature_views import item_view, items_view
from maps.ogc_links import Addresses
from maps.ogc_texts import TEXTS, layer_name, listed
from maps.ogc_values import said
from maps.ogc_views import (
    Asked,
    View,
    collection_view,
    collections_view,
    conformance_view,
    landing_view,
    queryables_view,
    tilematrixset_view,
    tilematrixsets_view,
    tileset_view,
    tilesets_view,
)

PageKind = Literal[
    "landing",
    "conformance",
    "collections",
    "collection",
    "queryables",
    "items",
    "item",
    "tilesets",
    "tileset",
    "tilematrixsets",
    "tilematrixset",
]

VIEWS: Mapping[str, Callable[[Asked], View]] = {
    "landing": landing_view,
    "conformance": conformance_view,
    "collections": collections_view,
    "collection": collection_view,
    "queryables": queryables_view,
    "items": items_view,
    "item": item_view,
    "tilesets": tilesets_view,
    "tileset": tileset_view,
    "tilematrixsets": tilematrixsets_view,
    "tilematrixset": tilematrixset_view,
}
STYLE = "static/ogc.css"
MAP_STYLES = ("vendor/leaflet/leaflet.css", STYLE)
# The heat map's own words, classes and colours, so that both colour alike; controls.js has the names of the classes.
MAP_SCRIPTS = (
    "vendor/leaflet/leaflet.js",
    "static/packing.js",
    "static/texts.js",
    "static/model.js",
    "static/controls.js",
    "static/ogc.js",
)
STEPS = {
    "collections": "collections",
    "items": "features",
    "queryables": "queryables",
    "tiles": "tiles",
    "conformance": "conformance",
    "tileMatrixSets": "tilematrixsets",
}
"""Parts of a path that the pages have words for -> text."""


@cache
def templates() -> Environment:
    """The templates of maps/templates; what they are given is escaped."""
    return Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates", encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def ogc_page(
    kind: PageKind,
    document: Mapping[str, Any],
    *,
    lang: Literal["zh", "en"],
    asset_root: str,
    links: Mapping[str, str] | None = None,
) -> str:
    """Make the page of a resource as HTML.

    Parameters
    ----------
    document
        The JSON document of the resource. Members that only a page needs may be added: `schema` of items and of an item
        (name -> title, title_zh, unit), `parameters` of items (as a collection's), `collection` (id, title, title_zh)
        of what lies below a collection, and `synthetic` (layers that are made up).
    lang
        Language of the page; its neighbours are opened in the same.
    asset_root
        Path under which the server serves `maps.assets.ASSET_FOLDERS`.
    links
        Addresses that the document does not have: `self` (this page as it was asked for), `landing`, `heatmap`,
        `listings`, `docs`.
    """
    text = TEXTS[lang]
    addresses = Addresses(document, lang, links or {})
    asked = Asked(document, addresses, lang, text)
    view = VIEWS[kind](asked)
    other = "en" if lang == "zh" else "zh"
    page = {
        "kind": kind,
        "t": text,
        "lang": lang,
        "html_lang": _tag(lang),
        "title": view.title,
        "home": addresses.page(addresses.root),
        "nav": [
            (text["heatmap"], addresses.door("heatmap", "/maps/heatmap")),
            (text["listings"], addresses.door("listings", "/maps/listings")),
            (text["collections"], asked.page_at("collections")),
            (text["docs"], asked.docs),
        ],
        "crumbs": _crumbs(asked, view.title),
        "other_lang": _tag(other),
        "other_href": addresses.in_language(other),
        "json_href": addresses.json,
        "synthetic": listed(_synthetic(document, lang), lang),
        "links": addresses.links,
        "styles": [asset_url(name, asset_root) for name in (MAP_STYLES if view.data else (STYLE,))],
        "scripts": [asset_url(name, asset_root) for name in (MAP_SCRIPTS if view.data else ())],
        "data": view.data,
    }
    return templates().get_template(f"{kind}.html").render(**page, **view.parts)


def _tag(lang: str) -> str:
    return "zh-CN" if lang == "zh" else "en"


def _crumbs(asked: Asked, title: str) -> list[tuple[str, str | None]]:
    """The way back up in words; the last step is this page and leads nowhere."""
    steps = asked.addresses.crumbs()
    # Queryables carry the title of their collection.
    known = asked.document.get("collection") or (asked.document if steps and steps[-1].part == "queryables" else None)
    found: list[tuple[str, str | None]] = []
    for at, step in enumerate(steps):
        above = steps[at - 1].part if at else ""
        label = asked.text[STEPS[step.part]] if step.part in STEPS and above != "collections" else step.part
        if above == "collections" and isinstance(known, Mapping):
            label = said(known, "title", asked.lang) or label
        last = at == len(steps) - 1
        if last and above in ("collections", "items", "tiles", "tileMatrixSets"):
            label = title
        found.append((label, None if last else step.href))
    return found


def _synthetic(document: Mapping[str, Any], lang: str) -> list[str]:
    """Names of the layers that the document declares to be made up."""
    told = document.get("synthetic")
    if not told:
        return []
    if isinstance(told, str):
        return [layer_name(told, lang)]
    if isinstance(told, Mapping):  # as a city's provenance: layer -> facts
        told = [name for name, one in told.items() if not isinstance(one, Mapping) or one.get("synthetic", True)]
    if isinstance(told, list | tuple):
        return [layer_name(str(layer), lang) for layer in told]
    return [said(document, "title", lang) or TEXTS[lang]["collection"]]
