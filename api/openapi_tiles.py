"""The resources of tiles in the API definition."""

from __future__ import annotations

from api.encoding import JSON
from api.ogc_documents import HTML, MVT
from api.ogc_tiles import TMS_ID
from api.openapi_collections import COLLECTION_ID, DATETIME, LANG, TEXT, Described, operation, parameter_of, query
from gis.collections.catalogue import COLLECTIONS
from gis.tiles.pyramid import MAX_ZOOM

TAG = "tiles"
WHICH = (
    "Densities and reports take the window's parameters, staffing `level` and `on`, coverage `period`; other layers "
    "none of them."
)
OBJECT: Described = {JSON: {"schema": {"type": "object"}}}
PAGES: Described = {**OBJECT, HTML: {"schema": TEXT}}
TILE: Described = {MVT: {"schema": {"type": "string", "format": "binary"}}}
F = query("f", {"type": "string", "enum": ["json", "html"]}, "Form of the answer; else by the Accept header")
MVT_ONLY = query("f", {"type": "string", "enum": ["mvt"]}, "Form of the tile, of which there is one")
LAYER: Described = {**COLLECTION_ID, "name": "layer"}
TMS: Described = {
    "name": "tileMatrixSetId",
    "in": "path",
    "required": True,
    "schema": {"type": "string", "enum": [TMS_ID]},
    "description": "The tile matrix set, of which there is one",
}


def _place(name: str, most: int, description: str) -> Described:
    schema = {"type": "integer", "minimum": 0, "maximum": most}
    return {"name": name, "in": "path", "required": True, "schema": schema, "description": description}


def paths() -> Described:
    """Every path of tiles."""
    # Parameters of one name mean the same for clients, however each collection words them.
    named = {part.name: part for one in reversed(COLLECTIONS.values()) for part in one.parameters}
    own = [*map(parameter_of, reversed(named.values())), DATETIME]
    side = (1 << MAX_ZOOM) - 1
    zoom = _place("z", MAX_ZOOM, "Zoom")
    column, row = _place("x", side, "Column from the west"), _place("y", side, "Row from the north")
    ogc = [
        _place("tileMatrix", MAX_ZOOM, "Tile matrix, which is the zoom"),
        _place("tileRow", side, "Row from the north"),
        _place("tileCol", side, "Column from the west"),
    ]
    return {
        "/tiles/{layer}.json": operation(
            TAG, "getTileJson", "TileJSON of a layer", [LAYER, *own], OBJECT, f"TileJSON 3.0. {WHICH}"
        ),
        "/tiles/{layer}/{z}/{x}/{y}.mvt": operation(
            TAG,
            "getTile",
            "A vector tile",
            [LAYER, zoom, column, row, *own, MVT_ONLY],
            TILE,
            "Mapbox Vector Tile 2.1. Below a zoom that the TileJSON names (`detailzoom`) features are summed up in "
            f"squares of a grid, so that no tile exceeds 500 kB and sums are kept. {WHICH}",
        ),
        "/tileMatrixSets": operation(TAG, "getTileMatrixSetsList", "Tile matrix sets", [F, LANG], PAGES),
        "/tileMatrixSets/{tileMatrixSetId}": operation(
            TAG, "getTileMatrixSet", "Definition of a tile matrix set", [TMS, F, LANG], PAGES
        ),
        "/collections/{collectionId}/tiles": operation(
            TAG, "list.collection.vector.getTileSetsList", "Tilesets of a collection", [COLLECTION_ID, F, LANG], PAGES
        ),
        "/collections/{collectionId}/tiles/{tileMatrixSetId}": operation(
            TAG,
            "describe.collection.vector.getTileSet",
            "One tileset",
            [COLLECTION_ID, TMS, *own, F, LANG],
            PAGES,
            WHICH,
        ),
        "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}": operation(
            TAG,
            "get.collection.vector.getTile",
            "A vector tile",
            [COLLECTION_ID, TMS, *ogc, *own, MVT_ONLY],
            TILE,
            WHICH,
        ),
    }
