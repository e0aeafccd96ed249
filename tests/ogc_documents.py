"""Documents of the OGC resources as a small city would answer, and a parser that reads pages as a browser does."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from typing import Any

HOME = "https://city.example"
ITEMS = "/collections/cells/items"


def link(rel: str, path: str, media: str = "application/json", title: str = "", **more: Any) -> dict[str, Any]:
    return {"rel": rel, "href": HOME + path, "type": media, "title": title, **more}


def square(west: float, south: float) -> dict[str, Any]:
    east, north = west + 0.001, south + 0.001
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "MultiPolygon", "coordinates": [[ring]]}


def feature(at: int, **properties: Any) -> dict[str, Any]:
    usual = {"count": at, "per_km2": at * 100.04, "name": f"第{at}网格", "tier": "key", "code": f"41010{at}"}
    return {
        "type": "Feature",
        "id": f"41010{at}",
        "geometry": square(113.65 + at / 1000, 34.76),
        "properties": {**usual, **properties},
    }


CELLS = {
    "id": "cells",
    "title": "Cells",
    "title_zh": "网格",
    "description": "Grid cells.",
    "description_zh": "单元网格。",
    "extent": {
        "spatial": {"bbox": [[113.4, 34.5, 113.9, 35.0]]},
        "temporal": {"interval": [["2016-01-01T00:00:00+08:00", None]]},
    },
    "crs": ["http://www.opengis.net/def/crs/OGC/1.3/CRS84", "http://www.opengis.net/def/crs/EPSG/0/4547"],
    "storageCrs": "http://www.opengis.net/def/crs/EPSG/0/4326",
    "itemType": "feature",
    "parameters": [
        {"name": "from", "description": "First day", "description_zh": "首日", "kind": "day"},
        {"name": "source", "description": "Source", "description_zh": "来源", "kind": "text", "repeatable": True},
        {"name": "level", "description": "Level", "kind": "text", "one_of": ["district", "street"]},
        {"name": "without_shared", "description": "Leave out", "kind": "flag"},
    ],
    "synthetic": ["reports"],
    "links": [
        link("self", "/collections/cells"),
        link("items", ITEMS, "application/geo+json"),
        link("items", ITEMS + "?f=html", "text/html"),
        link("http://www.opengis.net/def/rel/ogc/1.0/queryables", "/collections/cells/queryables"),
        link("http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector", "/collections/cells/tiles"),
        link("enclosure", ITEMS + "?f=gpkg", "application/geopackage+sqlite3", "GeoPackage"),
    ],
}
TILES = "/collections/cells/tiles/WebMercatorQuad"
MATRIX = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
DOCUMENTS: dict[str, dict[str, Any]] = {
    "landing": {
        "title": "Grid data",
        "title_zh": "网格数据",
        "links": [
            link("self", "/"),
            link("data", "/collections"),
            link("conformance", "/conformance"),
            link("service-doc", "/docs", "text/html"),
            link("http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes", "/tileMatrixSets"),
        ],
    },
    "conformance": {
        "conformsTo": [
            "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
            "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/html",
            "http://www.opengis.net/spec/cql2/1.0/conf/cql2-text",
            "urn:other",
        ],
        "links": [link("self", "/conformance")],
    },
    "collections": {"collections": [CELLS], "links": [link("self", "/collections")]},
    "collection": CELLS,
    "queryables": {
        "title": "Cells",
        "x-title-zh": "网格",
        "properties": {
            "geometry": {"title": "Geometry", "format": "geometry-multipolygon"},
            "tier": {"title": "Tier", "x-title-zh": "分级", "type": "string", "enum": ["key", "general"]},
            "per_km2": {"title": "Density", "x-title-zh": "密度", "type": ["number", "null"], "x-unit": "per km2"},
        },
        "links": [link("self", "/collections/cells/queryables", "application/schema+json")],
    },
    "items": {
        "type": "FeatureCollection",
        "features": [feature(0), feature(1), feature(2, per_km2=None), feature(30)],
        "numberMatched": 12345,
        "numberReturned": 4,
        "timeStamp": "2026-03-01T08:00:00Z",
        "from": "2016-06-01",
        "to": "2016-07-01",
        "days": 30,
        "method": "areal",
        "synthetic": ["reports", "coordinators"],
        "schema": {"per_km2": {"title": "Density", "title_zh": "密度", "unit": "per km2"}},
        "parameters": CELLS["parameters"],
        "collection": {"id": "cells", "title": "Cells", "title_zh": "网格"},
        "links": [
            link(
                "self",
                ITEMS + "?limit=4&source=a&source=b&from=2016-06-01&filter=count%20%3E%201&cursor=x",
                "application/geo+json",
            ),
            link("next", ITEMS + "?limit=4&source=a&source=b&from=2016-06-01&cursor=y", "application/geo+json"),
            link("enclosure", ITEMS + "?f=csv", "text/csv", "CSV"),
        ],
    },
    "item": {
        **feature(7, responsible=None),
        "schema": {"per_km2": {"title": "Density", "title_zh": "密度", "unit": "per km2"}},
        "links": [link("self", ITEMS + "/410107?from=2016-06-01", "application/geo+json")],
    },
    "tilesets": {
        "tilesets": [
            {
                "title": "Web Mercator",
                "dataType": "vector",
                "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
                "tileMatrixSetURI": MATRIX,
                "links": [link("self", TILES), link("describedby", TILES + "?f=tilejson", title="TileJSON")],
            }
        ],
        "links": [link("self", "/collections/cells/tiles")],
    },
    "tileset": {
        "title": "Cells",
        "dataType": "vector",
        "tileMatrixSetURI": MATRIX,
        "boundingBox": {"lowerLeft": [113.4, 34.5], "upperRight": [113.9, 35.0]},
        "layers": [{"id": "cells"}],
        "tileMatrixSetLimits": [
            {"tileMatrix": "9", "minTileRow": 1, "maxTileRow": 2, "minTileCol": 3, "maxTileCol": 4}
        ],
        "links": [
            link("self", TILES),
            link(
                "item",
                TILES + "/{tileMatrix}/{tileRow}/{tileCol}",
                "application/vnd.mapbox-vector-tile",
                templated=True,
            ),
            link("describedby", TILES + "?f=tilejson", title="TileJSON"),
        ],
    },
    "tilematrixsets": {
        "tileMatrixSets": [{"id": "WebMercatorQuad", "uri": MATRIX, "links": []}],
        "links": [link("self", "/tileMatrixSets")],
    },
    "tilematrixset": {
        "id": "WebMercatorQuad",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "tileMatrices": [
            {
                "id": "0",
                "scaleDenominator": 559082264.0287178,
                "cellSize": 156543.03392804097,
                "tileWidth": 256,
                "tileHeight": 256,
                "matrixWidth": 1,
                "matrixHeight": 1,
            }
        ],
        "links": [link("self", "/tileMatrixSets/WebMercatorQuad")],
    },
}
VOID = {"meta", "link", "br", "input", "img"}


class Page(HTMLParser):
    """Elements with attributes and texts; complains where elements do not close in order."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[tuple[str, str]] = []
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data.strip()))

    def of(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]

    def by_id(self, identity: str) -> dict[str, str]:
        return next(attributes for _, attributes in self.elements if attributes.get("id") == identity)

    def texts_in(self, tag: str) -> list[str]:
        return [text for at, text in self.texts if at == tag]

    @property
    def text(self) -> str:
        return " ".join(text for at, text in self.texts if at != "script")

    @property
    def data(self) -> Any:
        return json.loads(next(text for at, text in self.texts if at == "script"))
