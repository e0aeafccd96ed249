"""Conformance classes in words, grouped by the standard that defines them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

URI = re.compile(r"https?://www\.opengis\.net/spec/(?P<standard>[^/]+)/(?P<version>[^/]+)/(?:conf|req)/(?P<name>.+)\Z")

STANDARDS: Mapping[str, tuple[str, str]] = {
    "ogcapi-common-1": ("OGC API – Common 第 1 部分：核心", "OGC API – Common, Part 1: Core"),
    "ogcapi-common-2": ("OGC API – Common 第 2 部分：地理数据", "OGC API – Common, Part 2: Geospatial Data"),
    "ogcapi-features-1": ("OGC API – Features 第 1 部分：核心", "OGC API – Features, Part 1: Core"),
    "ogcapi-features-2": (
        "OGC API – Features 第 2 部分：坐标参考系",
        "OGC API – Features, Part 2: Coordinate Reference Systems by Reference",
    ),
    "ogcapi-features-3": ("OGC API – Features 第 3 部分：筛选", "OGC API – Features, Part 3: Filtering"),
    "ogcapi-features-5": ("OGC API – Features 第 5 部分：模式", "OGC API – Features, Part 5: Schemas"),
    "cql2": ("通用查询语言 CQL2", "Common Query Language (CQL2)"),
    "ogcapi-tiles-1": ("OGC API – Tiles 第 1 部分：核心", "OGC API – Tiles, Part 1: Core"),
    "tms": ("二维瓦片矩阵集", "Two Dimensional Tile Matrix Set"),
}
CLASSES: Mapping[str, tuple[str, str]] = {
    "core": ("核心：必备部分", "Core: what every such service does"),
    "landing-page": ("首页", "Landing page"),
    "collections": ("数据集列表", "List of collections"),
    "json": ("JSON 形式", "JSON form"),
    "html": ("HTML 网页形式", "HTML pages"),
    "geojson": ("GeoJSON 形式", "GeoJSON form"),
    "oas30": ("接口定义：OpenAPI 3.0", "API definition in OpenAPI 3.0"),
    "oas31": ("接口定义：OpenAPI 3.1", "API definition in OpenAPI 3.1"),
    "crs": ("可选坐标参考系", "Other coordinate reference systems"),
    "queryables": ("可查询属性", "Queryable properties"),
    "queryables-query-parameters": ("可查询属性作为参数", "Queryables as query parameters"),
    "filter": ("筛选参数", "The filter parameter"),
    "features-filter": ("筛选要素", "Filtering of features"),
    "schemas": ("模式", "Schemas"),
    "cql2-text": ("CQL2 文本写法", "CQL2 as text"),
    "cql2-json": ("CQL2 JSON 写法", "CQL2 as JSON"),
    "basic-cql2": ("CQL2 基本比较", "CQL2: basic comparisons"),
    "advanced-comparison-operators": ("CQL2：LIKE、BETWEEN、IN", "CQL2: LIKE, BETWEEN, IN"),
    "case-insensitive-comparison": ("CQL2：不分大小写", "CQL2: comparison without case"),
    "accent-insensitive-comparison": ("CQL2：不分重音", "CQL2: comparison without accents"),
    "basic-spatial-functions": ("CQL2：空间相交", "CQL2: S_INTERSECTS with points and boxes"),
    "basic-spatial-functions-plus": ("CQL2：与任意图形相交", "CQL2: S_INTERSECTS with any geometry"),
    "spatial-functions": ("CQL2：全部空间函数", "CQL2: all spatial functions"),
    "temporal-functions": ("CQL2：时间函数", "CQL2: temporal functions"),
    "array-functions": ("CQL2：数组函数", "CQL2: array functions"),
    "property-property": ("CQL2：属性之间比较", "CQL2: properties compared with each other"),
    "functions": ("CQL2：自定义函数", "CQL2: functions"),
    "arithmetic": ("CQL2：算术", "CQL2: arithmetic"),
    "tileset": ("瓦片集", "Tile set"),
    "tilesets-list": ("瓦片集列表", "List of tile sets"),
    "dataset-tilesets": ("全库瓦片集", "Tile sets of the whole service"),
    "geodata-tilesets": ("数据集瓦片集", "Tile sets of a collection"),
    "geodata-selection": ("选择数据集", "Choosing collections in a tile"),
    "mvt": ("Mapbox 矢量瓦片", "Mapbox Vector Tiles"),
    "tilematrixset": ("瓦片矩阵集", "Tile matrix set"),
    "json-tilematrixset": ("瓦片矩阵集 JSON", "Tile matrix set as JSON"),
    "tilesetmetadata": ("瓦片集元数据", "Tile set metadata"),
    "json-tilesetmetadata": ("瓦片集元数据 JSON", "Tile set metadata as JSON"),
}


@dataclass(frozen=True)
class ClassRow:
    """One class: its name in the standard, what it is in words (the same where we have none), its URI."""

    name: str
    words: str
    uri: str


@dataclass(frozen=True)
class Standard:
    """The classes of one standard that are kept."""

    title: str
    version: str
    rows: tuple[ClassRow, ...]


def grouped(uris: Iterable[str], lang: str, others: str) -> list[Standard]:
    """Group conformance URIs by standard and version, in the order they come.

    Parameters
    ----------
    others
        Title for those that are no URIs of the OGC.
    """
    groups: dict[tuple[str, str], list[ClassRow]] = {}
    for uri in uris:
        match = URI.match(uri)
        if match is None:
            groups.setdefault((others, ""), []).append(ClassRow(uri, "", uri))
            continue
        words = CLASSES.get(match["name"], ("", ""))[lang == "en"]
        groups.setdefault((match["standard"], match["version"]), []).append(ClassRow(match["name"], words, uri))
    return [
        Standard(STANDARDS.get(name, (name, name))[lang == "en"], version, tuple(rows))
        for (name, version), rows in groups.items()
    ]
