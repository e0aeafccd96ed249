"""The documents of OGC API - Features as plain values: landing page, collections, queryables."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

from fastapi import Request

from api.encoding import GEOJSON, JSON
from gis.city import City
from gis.collections.crs import CRS84_URI, offered
from gis.collections.declared import GEOMETRY, Collection
from gis.collections.extent import Extent

HTML = "text/html"
MVT = "application/vnd.mapbox-vector-tile"
OPENAPI = "application/vnd.oai.openapi+json;version=3.0"
SCHEMA = "application/schema+json"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
Document = dict[str, Any]

GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
# Property kind -> JSON Schema.
SCHEMA_OF: dict[str, Document] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "date-time": {"type": "string", "format": "date-time"},
}
# How an export is called, by the ending of its file; the endings that gis.exports writes.
EXPORTS = {
    "geojson": ("GeoJSON", GEOJSON),
    "geojsonl": ("GeoJSON text sequence", "application/geo+json-seq"),
    "csv": ("CSV", "text/csv"),
    "gpkg": ("GeoPackage", "application/geopackage+sqlite3"),
    "fgb": ("FlatGeobuf", "application/flatgeobuf"),
    "parquet": ("GeoParquet", "application/vnd.apache.parquet"),
    "xlsx": ("Excel", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}


def base_of(request: Request) -> str:
    """The address of this service without a slash at its end, as the client reaches it."""
    return str(request.base_url).rstrip("/")


def link(href: str, rel: str, media: str, title: str | None = None, **more: Any) -> Document:
    """A link (RFC 8288) as the standards write it in JSON."""
    titled = {} if title is None else {"title": title}
    return {"href": href, "rel": rel, "type": media, **titled, **more}


def forms(here: str, form: str, media: str = JSON, query: str = "") -> list[Document]:
    """Links to this resource: as it is answered, and in its other form."""
    kept = f"{query}&" if query else ""
    machine = link(f"{here}?{kept}f=json", "self" if form == "json" else "alternate", media, "JSON")
    page = link(f"{here}?{kept}f=html", "self" if form == "html" else "alternate", HTML, "HTML")
    return [machine, page] if form == "json" else [page, machine]


def landing(base: str, city: City, form: str) -> Document:
    """The door (requirement 2 of Part 1)."""
    return {
        "title": f"finegrid: {city.name_en}",
        "title_zh": f"{city.name}精细化网格管理",
        "description": "The city's grid cells, roads, problem reports and densities; download, filter, show on maps.",
        "description_zh": "城市单元网格、道路、问题上报与密度：可查看、筛选、下载、制图。",
        "links": [
            *forms(f"{base}/", form),
            link(f"{base}/openapi.json", "service-desc", OPENAPI, "API definition"),
            link(f"{base}/docs", "service-doc", HTML, "API documentation"),
            link(f"{base}/conformance", "conformance", JSON, "Conformance classes"),
            link(f"{base}/conformance", f"{REL}conformance", JSON, "Conformance classes"),
            link(f"{base}/collections", "data", JSON, "Collections"),
            link(f"{base}/collections", f"{REL}data", JSON, "Collections"),
            link(f"{base}/tileMatrixSets", f"{REL}tiling-schemes", JSON, "Tile matrix sets"),
            link(f"{base}/maps/heatmap", "related", HTML, "Heat map"),
        ],
    }


def collection_document(base: str, city: City, extent: Extent, collection: Collection, form: str | None) -> Document:
    """What a client has to know about a collection (requirements 14 to 16 of Part 1, 2 to 5 of Part 2).

    Parameters
    ----------
    form
        The form of the answer that is about this collection; None inside the list of all.
    """
    here = f"{base}/collections/{quote(collection.id)}"
    links = (
        [link(here, "self", JSON, collection.title)]
        if form is None
        else [*forms(here, form), link(f"{base}/collections", "up", JSON, "Collections")]
    )
    tiles = f"{here}/tiles"
    return {
        "id": collection.id,
        "title": collection.title,
        "title_zh": collection.title_zh,
        "description": collection.description,
        "description_zh": collection.description_zh,
        "itemType": "feature",
        "extent": _extent(extent, collection),
        "crs": [one.uri for one in offered(city.metric_crs)],
        "storageCrs": CRS84_URI,
        "parameters": [
            {
                "name": one.name,
                "description": one.description,
                "description_zh": one.description_zh,
                "kind": one.kind,
                "repeatable": one.repeatable,
                "one_of": one.one_of,
            }
            for one in collection.parameters
        ],
        "synthetic": is_synthetic(city, collection),
        "links": [
            *links,
            link(f"{here}/items", "items", GEOJSON, f"{collection.title} as GeoJSON"),
            link(f"{here}/items?f=html", "items", HTML, f"{collection.title} as a page"),
            link(f"{here}/queryables", f"{REL}queryables", SCHEMA, "Queryables"),
            link(tiles, f"{REL}tilesets-vector", JSON, "Vector tiles"),
            link(f"{base}/tiles/{collection.id}.json", "describedby", JSON, "TileJSON"),
            *(
                link(f"{here}/export?f={ending}", "enclosure", media, title)
                for ending, (title, media) in EXPORTS.items()
            ),
        ],
    }


def is_synthetic(city: City, collection: Collection) -> list[str]:
    """The layers behind a collection that were made up, as the city's provenance says."""
    return [
        layer for layer, facts in city.provenance.items() if facts.get("synthetic") and layer == collection.synthetic
    ]


def _extent(extent: Extent, collection: Collection) -> Document:
    found: Document = {}
    # Reports, and what hangs on them, may lie far outside the ground.
    box = extent.reports if collection.geometry == "point" and "reports" in collection.layers else extent.box
    if collection.beyond_deg is not None and extent.reports is not None:
        west, south, east, north = extent.reports
        more = collection.beyond_deg
        box = max(west - more, -180.0), max(south - more, -90.0), min(east + more, 180.0), min(north + more, 90.0)
    if box is not None:
        found["spatial"] = {"bbox": [list(box)], "crs": CRS84_URI}
    if extent.time is not None and (collection.time or collection.parameters) and "reports" in collection.layers:
        found["temporal"] = {"interval": [[moment.isoformat() for moment in extent.time]], "trs": GREGORIAN}
    return found


def queryables_document(base: str, collection: Collection) -> Document:
    """What a filter may name, as JSON Schema (requirements 6 and 7 of Part 3)."""
    properties: Document = {}
    for one in collection.properties:
        schema: Document = {"title": one.title, "x-title-zh": one.title_zh, **SCHEMA_OF[one.kind]}
        if one.one_of:
            schema["enum"] = list(one.one_of)
        if one.unit:
            schema["x-unit"] = one.unit
        properties[one.name] = schema
    properties[GEOMETRY] = {
        "title": "Geometry",
        "x-title-zh": "几何",
        "format": f"geometry-{collection.geometry}",
        "x-ogc-role": "primary-geometry",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": f"{base}/collections/{collection.id}/queryables",
        "type": "object",
        "title": collection.title,
        "title_zh": collection.title_zh,
        "properties": properties,
        "additionalProperties": False,
    }


def present(collections: Iterable[Collection], city: City) -> list[Collection]:
    """The collections that a city has: those of levels it lacks are not there."""
    return [one for one in collections if one.level is None or one.level in city.area_levels]
