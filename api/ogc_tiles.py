"""OGC API - Tiles: which tilesets there are, and the tile matrix set they use (OGC 20-057, 17-083r4)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.dependencies import in_turn
from api.encoding import JSON
from api.ogc_asked import asked_now
from api.ogc_documents import MVT, REL, Document, forms, link
from api.tiles import TMS_ID, is_counted, layers_behind, tile_query
from gis.collections.declared import Collection
from gis.collections.windows import asked_window
from gis.errors import NotFound
from gis.tiles.layers import LayerFacts, TileLayers
from gis.tiles.pyramid import HALF, MAX_ZOOM

router = APIRouter(include_in_schema=False)
TMS_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{TMS_ID}"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
TITLE = "Google Maps Compatible for the World"
TILE_PIXELS = 256
PIXEL_M = 0.00028
"""Size of a pixel by which the standard derives scale denominators."""


@router.get("/tileMatrixSets")
async def get_tile_matrix_sets(request: Request) -> Response:
    """The tile matrix sets, of which there is one."""
    asked = await asked_now(request)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, ())
    here = f"{asked.base}/tileMatrixSets"
    entry = {"id": TMS_ID, "title": TITLE, "uri": TMS_URI, "links": [link(f"{here}/{TMS_ID}", "self", JSON, TMS_ID)]}
    document = {"tileMatrixSets": [entry], "links": forms(here, wanted.form)}
    return asked.answer("tilematrixsets", document, wanted, validators)


@router.get("/tileMatrixSets/{tms_id}")
async def get_tile_matrix_set(request: Request, tms_id: str) -> Response:
    """The definition of WebMercatorQuad."""
    asked = await asked_now(request)
    wanted = asked.wanted_alone()
    if tms_id != TMS_ID:
        msg = f"there is no tile matrix set {tms_id[:60]!r}; there is {TMS_ID}"
        raise NotFound(msg)
    validators = asked.validators(wanted, ())
    document = {**web_mercator_quad(), "links": forms(f"{asked.base}/tileMatrixSets/{TMS_ID}", wanted.form)}
    return asked.answer("tilematrixset", document, wanted, validators)


def web_mercator_quad() -> Document:
    """WebMercatorQuad as annex D.1 of the standard defines it, to the zoom that we serve."""
    matrices = []
    for z in range(MAX_ZOOM + 1):
        pixel = 2 * HALF / TILE_PIXELS / (1 << z)
        matrices.append(
            {
                "id": str(z),
                "scaleDenominator": pixel / PIXEL_M,
                "cellSize": pixel,
                "pointOfOrigin": [-HALF, HALF],
                "cornerOfOrigin": "topLeft",
                "tileWidth": TILE_PIXELS,
                "tileHeight": TILE_PIXELS,
                "matrixWidth": 1 << z,
                "matrixHeight": 1 << z,
            }
        )
    return {
        "id": TMS_ID,
        "title": TITLE,
        "uri": TMS_URI,
        "orderedAxes": ["X", "Y"],
        "crs": WEB_MERCATOR,
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }


def _head(collection: Collection) -> Document:
    return {
        "title": collection.title,
        "title_zh": collection.title_zh,
        "dataType": "vector",
        "crs": WEB_MERCATOR,
        "tileMatrixSetURI": TMS_URI,
    }


@router.get("/collections/{collection_id}/tiles")
async def get_tilesets(request: Request, collection_id: str) -> Response:
    """The tilesets of a collection, of which there is one."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    wanted = asked.wanted_alone()
    validators = asked.validators(wanted, ("city",))
    here = f"{asked.base}/collections/{collection.id}/tiles"
    links = [
        link(f"{here}/{TMS_ID}", "self", JSON, collection.title),
        link(f"{asked.base}/tileMatrixSets/{TMS_ID}", f"{REL}tiling-scheme", JSON, TMS_ID),
        link(f"{asked.base}/tiles/{collection.id}.json", "describedby", JSON, "TileJSON"),
    ]
    document = {"tilesets": [{**_head(collection), "links": links}], "links": forms(here, wanted.form)}
    return asked.answer("tilesets", document, wanted, validators)


@router.get("/collections/{collection_id}/tiles/{tms_id}")
async def get_tileset(request: Request, collection_id: str, tms_id: str) -> Response:
    """One tileset: where its tiles are, and what is in them."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    if tms_id != TMS_ID:
        msg = f"there are no tiles of {collection.id} in {tms_id[:60]!r}; there are in {TMS_ID}"
        raise NotFound(msg)
    query, given = tile_query(asked, collection, "f", "lang")
    wanted = asked.wanted()
    validators = asked.validators(wanted, layers_behind(collection), daily=collection.daily)

    def read(conn: Connection) -> LayerFacts:
        window = query or (asked_window(conn, given) if is_counted(collection) else None)
        tiles: TileLayers = request.app.state.tiles
        return tiles.describe(conn, collection.id, window, {} if is_counted(collection) else given)

    facts = await in_turn(request, read)
    here = f"{asked.base}/collections/{collection.id}/tiles/{TMS_ID}"
    kept = urlencode([pair for pair in asked.sent if pair[0] not in ("f", "lang")])
    template = f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}" + (f"?{kept}" if kept else "")
    tilejson = f"{asked.base}/tiles/{collection.id}.json" + (f"?{kept}" if kept else "")
    document: Document = {
        **_head(collection),
        "links": [
            *forms(here, wanted.form, query=kept),
            link(template, "item", MVT, "Tiles", templated=True),
            link(tilejson, "describedby", JSON, "TileJSON"),
            link(f"{asked.base}/tileMatrixSets/{TMS_ID}", f"{REL}tiling-scheme", JSON, TMS_ID),
        ],
        "layers": [_layer(collection, facts)],
    }
    if facts.bounds is not None:
        west, south, east, north = facts.bounds
        document["boundingBox"] = {
            "lowerLeft": [west, south],
            "upperRight": [east, north],
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        }
    return asked.answer("tileset", document, wanted, validators)


def _layer(collection: Collection, facts: LayerFacts) -> dict[str, Any]:
    dimension = {"point": 0, "multilinestring": 1, "multipolygon": 2}[collection.geometry]
    types = {"String": "string", "Number": "number", "Boolean": "boolean"}
    return {
        "id": collection.id,
        "title": collection.title,
        "title_zh": collection.title_zh,
        "dataType": "vector",
        "geometryDimension": dimension,
        "minTileMatrix": str(facts.min_zoom),
        "maxTileMatrix": str(facts.max_zoom),
        "propertiesSchema": {
            "type": "object",
            "properties": {name: {"type": types[kind]} for name, kind in facts.fields.items()},
        },
    }
