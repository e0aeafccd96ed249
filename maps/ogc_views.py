"""What the pages about the service say: landing, standards, collections, queryables, tiles. No data, no HTML here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from maps.ogc_conformance import grouped
from maps.ogc_filters import example_of_queryable
from maps.ogc_links import Addresses, Link, links_of, with_query
from maps.ogc_texts import value_word
from maps.ogc_values import moment, said, shown, unit_text

Fact = tuple[str, str, str | None]
"""A line of a list of facts: label, value, address or None."""
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"


@dataclass(frozen=True)
class Asked:
    """What a page is made of."""

    document: Mapping[str, Any]
    addresses: Addresses
    lang: str
    text: Mapping[str, str]

    def page_at(self, *parts: str) -> str:
        """The page of something below the landing page."""
        root = self.addresses.root.rstrip("/")
        return self.addresses.page("/".join([root, *parts]))

    @property
    def docs(self) -> str:
        """The API's documentation."""
        link = self.addresses.first("service-doc")
        return link.href if link else self.addresses.door("docs", "/docs")


@dataclass(frozen=True)
class View:
    """What a template shows.

    Parameters
    ----------
    parts
        By the names that the kind's template uses.
    data
        What the page's script needs; None: the page has no map and no script.
    """

    title: str
    parts: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] | None = None


def landing_view(asked: Asked) -> View:
    """The front door: what this is, where to go, how to connect a program."""
    document, addresses, text = asked.document, asked.addresses, asked.text
    doors: list[tuple[str, str, str]] = []
    for name, href in (
        ("heatmap", addresses.door("heatmap", "/maps/heatmap")),
        ("response", addresses.door("response", "/maps/response")),
        ("listings", addresses.door("listings", "/maps/listings")),
        ("collections", addresses.page_of("data") or asked.page_at("collections")),
        ("tilesets", addresses.page_of("tilesets-vector")),
        ("tilematrixsets", addresses.page_of("tiling-schemes")),
        ("conformance", addresses.page_of("conformance") or asked.page_at("conformance")),
        ("docs", asked.docs),
    ):
        if href:
            doors.append((text[name], text[f"{name}Text"], href))
    parts = {
        "description": said(document, "description", asked.lang),
        "doors": doors,
        "server": addresses.root,
        "extent": extent_facts(document, asked),
    }
    return View(said(document, "title", asked.lang) or text["service"], parts)


def conformance_view(asked: Asked) -> View:
    """The conformance classes in words."""
    uris = [str(uri) for uri in asked.document.get("conformsTo") or ()]
    return View(asked.text["conformance"], {"standards": grouped(uris, asked.lang, asked.text["otherClasses"])})


def extent_facts(document: Mapping[str, Any], asked: Asked) -> list[Fact]:
    """Extent in space and time in words."""
    extent = document.get("extent") or {}
    boxes = (extent.get("spatial") or {}).get("bbox") or ()
    found: list[Fact] = [(asked.text["extent"], box_words(box, asked.text), None) for box in boxes]
    for span in (extent.get("temporal") or {}).get("interval") or ():
        if any(span):
            ends = [_day(str(end)) if end else asked.text["timeOpen"] for end in span]
            found.append((asked.text["time"], " – ".join(ends), None))
    return found


def _day(end: str) -> str:
    """An end of an extent: the day alone where it is a midnight."""
    return end[:10] if "T00:00:00" in end else moment(end)


def box_words(box: Sequence[float], text: Mapping[str, str]) -> str:
    """A bounding box in words."""
    flat = [box[0], box[1], box[3], box[4]] if len(box) == 6 else box
    return text["bboxWords"].format(**{side: f"{number:.4f}" for side, number in zip("wsen", flat, strict=False)})


def collections_view(asked: Asked) -> View:
    """The table of collections."""
    rows = []
    for one in asked.document.get("collections") or ():
        own = links_of(one)
        itself = next((link.href for link in own if link.rel == "self"), None)
        address = itself or asked.page_at("collections", str(one.get("id", "")))
        items = next((link.href for link in own if link.rel == "items"), None)
        rows.append(
            {
                "id": str(one.get("id", "")),
                "title": said(one, "title", asked.lang) or str(one.get("id", "")),
                "description": said(one, "description", asked.lang),
                "href": asked.addresses.page(address),
                "items": asked.addresses.page(items) if items else None,
            }
        )
    return View(asked.text["collections"], {"rows": rows})


def collection_view(asked: Asked) -> View:
    """One collection: what it is, where its parts are, its parameters."""
    document, addresses, text = asked.document, asked.addresses, asked.text
    boxes = ((document.get("extent") or {}).get("spatial") or {}).get("bbox") or []
    box = list(boxes[0]) if boxes else None
    facts = [
        (text["identifier"], str(document.get("id", "")), None),
        *extent_facts(document, asked),
        *([(text["storageCrs"], crs_name(document["storageCrs"]), None)] if document.get("storageCrs") else []),
        *([(text["crs"], ", ".join(map(crs_name, document["crs"])), None)] if document.get("crs") else []),
    ]
    parts = {
        "description": said(document, "description", asked.lang),
        "facts": facts,
        "items": addresses.page_of("items"),
        "hidden": [("f", "html"), ("lang", asked.lang)],
        "queryables": addresses.page_of("queryables"),
        "tiles": addresses.page_of("tilesets-vector"),
        "exports": export_links(asked),
        "parameters": parameter_rows(document, asked, ()),
        "box": box_words(box, text) if box else None,
    }
    # Without an extent there is no map, but the form still needs the script.
    data = {"lang": asked.lang, "label": text["mapOfExtent"], "extent": box}
    return View(said(document, "title", asked.lang) or str(document.get("id") or text["collection"]), parts, data)


def export_links(asked: Asked) -> list[tuple[str, str]]:
    """The downloads: title and address."""
    return [(link.title or link.type or link.href, link.href) for link in asked.addresses.all("enclosure")]


def crs_name(uri: object) -> str:
    """A coordinate reference system as people call it: EPSG:4326, CRS84."""
    parts = str(uri).rstrip("/").split("/")
    return f"EPSG:{parts[-1]}" if "EPSG" in parts else parts[-1]


def parameter_rows(document: Mapping[str, Any], asked: Asked, query: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """A collection's own parameters, and what is asked for now."""
    return [
        {
            "name": str(one.get("name", "")),
            "description": said(one, "description", asked.lang),
            "kind": str(one.get("kind") or "text"),
            "kind_text": asked.text.get(f"kind_{one.get('kind')}", str(one.get("kind") or "")),
            "repeatable": bool(one.get("repeatable")),
            "one_of": [str(value) for value in one.get("one_of") or ()],
            "asked": [value for name, value in query if name == one.get("name")],
        }
        for one in document.get("parameters") or ()
    ]


def queryables_view(asked: Asked) -> View:
    """The properties that filters may use, each with an example to try."""
    document, addresses = asked.document, asked.addresses
    items = addresses.beside("items")
    told = document.get("collection")
    collection = told if isinstance(told, Mapping) else document
    box = next(iter(((collection.get("extent") or {}).get("spatial") or {}).get("bbox") or ()), None)
    rows = []
    for name, schema in (document.get("properties") or {}).items():
        example = example_of_queryable(name, schema, asked.lang, box)
        rows.append(
            {
                "name": name,
                "title": said(schema, "title", asked.lang) or name,
                "type": _type_words(schema, asked.text),
                "unit": unit_text(schema.get("x-unit"), asked.lang),
                "allowed": [
                    (str(value), value_word(name, value, asked.lang))
                    for value in schema.get("enum") or ()
                    if value is not None
                ],
                "example": example,
                "href": with_query(addresses.page(items), {"filter": example}),
            }
        )
    of = said(collection, "title", asked.lang)
    heading = asked.text["queryables"]
    title = f"{of}：{heading}" if of and asked.lang == "zh" else f"{of}: {heading}" if of else heading
    return View(title, {"rows": rows})


def _type_words(schema: Mapping[str, Any], text: Mapping[str, str]) -> str:
    kind, form = schema.get("type"), str(schema.get("format") or "")
    kinds = [str(one) for one in kind] if isinstance(kind, list) else [str(kind)] if kind else []
    empty = f" ({text['nullable']})" if "null" in kinds else ""
    if form.startswith("geometry") or not kinds:
        return text["type_geometry"]
    known = next((one for one in kinds if one != "null"), kinds[0])
    return (text.get(f"type_{form}") or text.get(f"type_{known}") or form or known) + empty


def _address(own: Sequence[Link], rel: str, asked: Asked) -> str | None:
    """The page that a part's own link leads to."""
    link = next((link for link in own if link.rel == rel and not link.templated), None)
    return asked.addresses.page(link.href) if link else None


def _tilejson(own: Sequence[Link]) -> str | None:
    found = (link for link in own if "tilejson" in f"{link.type} {link.title} {link.href}".lower())
    return next((link.href for link in found if not link.templated), None)


def _set_name(one: Mapping[str, Any]) -> str:
    return str(one.get("tileMatrixSetURI") or one.get("tileMatrixSetId") or "").rstrip("/").rsplit("/", 1)[-1]


def tilesets_view(asked: Asked) -> View:
    """The tile sets that are there."""
    rows = []
    for one in asked.document.get("tilesets") or ():
        own = links_of(one)
        rows.append(
            {
                "title": said(one, "title", asked.lang) or _set_name(one),
                "set": _set_name(one),
                "type": asked.text.get(f"dataType_{one.get('dataType')}", str(one.get("dataType") or "")),
                "crs": crs_name(one["crs"]) if one.get("crs") else "",
                "href": _address(own, "self", asked),
                "tilejson": _tilejson(own),
            }
        )
    return View(_of_collection(asked, asked.text["tilesets"]), {"rows": rows})


def _of_collection(asked: Asked, heading: str) -> str:
    collection = asked.document.get("collection")
    of = said(collection, "title", asked.lang) if isinstance(collection, Mapping) else ""
    return heading if not of else f"{of}：{heading}" if asked.lang == "zh" else f"{of}: {heading}"


def tileset_view(asked: Asked) -> View:
    """One tile set: how to ask for a tile."""
    document, addresses, text = asked.document, asked.addresses, asked.text
    templates = [link.href for link in addresses.links if link.rel == "item" and link.templated]
    short = [
        href.replace("{tileMatrix}", "{z}").replace("{tileRow}", "{y}").replace("{tileCol}", "{x}")
        for href in templates
    ]
    scheme = addresses.page_of("tiling-scheme")
    box = document.get("boundingBox") or {}
    corners = [*(box.get("lowerLeft") or ()), *(box.get("upperRight") or ())]
    in_degrees = len(corners) == 4 and str(box.get("crs") or CRS84).rstrip("/").endswith("CRS84")
    known_type = text.get(f"dataType_{document.get('dataType')}", str(document.get("dataType") or ""))
    facts: list[Fact] = [
        (text["dataType"], known_type, None),
        (text["tilematrixset"], _set_name(document), scheme),
        (text["crs"], crs_name(document["crs"]) if document.get("crs") else "", None),
        (text["extent"], box_words(corners, text) if in_degrees else "", None),
    ]
    parts = {
        "description": said(document, "description", asked.lang),
        "facts": [fact for fact in facts if fact[1]],
        "templates": list(zip(short, templates, strict=True)),
        "tilejson": _tilejson(addresses.links),
        "layers": [
            (str(one.get("id", "")), said(one, "title", asked.lang), said(one, "description", asked.lang))
            for one in document.get("layers") or ()
        ],
        "limits": [
            [str(one.get("tileMatrix", ""))]
            + [f"{one.get(f'min{side}', '')} – {one.get(f'max{side}', '')}" for side in ("TileCol", "TileRow")]
            for one in document.get("tileMatrixSetLimits") or ()
        ],
    }
    return View(said(document, "title", asked.lang) or _of_collection(asked, text["tileset"]), parts)


def tilematrixsets_view(asked: Asked) -> View:
    """The ways to cut tiles."""
    rows = []
    for one in asked.document.get("tileMatrixSets") or ():
        href = _address(links_of(one), "self", asked) or asked.page_at("tileMatrixSets", str(one.get("id", "")))
        rows.append(
            {
                "id": str(one.get("id", "")),
                "title": said(one, "title", asked.lang) or str(one.get("id", "")),
                "uri": str(one.get("uri") or ""),
                "href": href,
            }
        )
    return View(asked.text["tilematrixsets"], {"rows": rows})


def tilematrixset_view(asked: Asked) -> View:
    """One way to cut tiles, level by level."""
    document, text = asked.document, asked.text
    facts: list[Fact] = [
        (text["identifier"], str(document.get("id") or ""), None),
        (text["crs"], crs_name(document["crs"]) if document.get("crs") else "", None),
        (text["axes"], ", ".join(map(str, document.get("orderedAxes") or ())), None),
        (text["uri"], str(document.get("uri") or ""), None),
    ]
    rows = [
        [
            str(one.get("id", "")),
            f"1 : {one['scaleDenominator']:,.0f}" if "scaleDenominator" in one else "",
            f"{one['cellSize']:.6g}" if "cellSize" in one else "",
            f"{one.get('tileWidth', '')} × {one.get('tileHeight', '')}",
            f"{shown(one.get('matrixWidth'), asked.lang)} × {shown(one.get('matrixHeight'), asked.lang)}",
        ]
        for one in document.get("tileMatrices") or ()
    ]
    parts = {"facts": [fact for fact in facts if fact[1]], "rows": rows}
    return View(said(document, "title", asked.lang) or str(document.get("id") or text["tilematrixset"]), parts)
