"""Vector tiles: /tiles/{layer}/{z}/{x}/{y}.mvt with TileJSON, and the same as OGC API - Tiles (OGC 20-057).

A tile that was made before is sent again from memory, and a client that has it gets 304, after one look at the data
versions: no row is touched, and no tile is older than the last commit before it was asked for.
"""

from __future__ import annotations

import gzip
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from sqlalchemy import Connection

from api.dependencies import in_turn
from api.encoding import json_answer
from api.ogc_asked import Asked, asked_now
from api.ogc_documents import MVT, is_synthetic
from api.tile_cache import TileCache
from api.validators import Validators, validators_of
from gis.collections.catalogue import COLLECTIONS
from gis.collections.declared import Collection, Given
from gis.collections.intervals import parse_interval
from gis.collections.requests import given_values, own_values
from gis.collections.windows import PERIOD, asked_window, window_of
from gis.density import DensityQuery
from gis.errors import NotFound, ParameterError
from gis.store.version_watch import Versions
from gis.tiles.layers import LayerFacts, TileLayers

router = APIRouter(include_in_schema=False)
TMS_ID = "WebMercatorQuad"
COUNTED = ("city", "reports", "categories", "cells", "areas", "roads")
GZIP_LEVEL = 4
WORTH_PACKING = 500
DIGITS = 7
"""Of a zoom, column or row: more is no number of a tile."""


@router.get("/tiles/{layer}/{z}/{x}/{y}.mvt")
async def get_tile(request: Request) -> Response:
    """A tile by zoom, column and row, as web maps count them."""
    return await _tile(request, "layer", "z", "x", "y")


@router.get("/collections/{collection_id}/tiles/" + TMS_ID + "/{z}/{row}/{column}")
async def get_ogc_tile(request: Request) -> Response:
    """A tile by tile matrix, row and column."""
    return await _tile(request, "collection_id", "z", "column", "row")


async def _tile(request: Request, *names: str) -> Response:
    path = request.path_params
    collection_id, *place = (path[name] for name in names)
    seen: Versions = await request.app.state.watch.now()
    collection = COLLECTIONS.get(collection_id)
    validators = validators_of(
        request, seen, layers_behind(collection), daily=collection is not None and collection.daily
    )
    cache: TileCache = request.app.state.tile_cache
    packed = "gzip" in request.headers.get("accept-encoding", "")
    address = request.scope["path"], request.scope["query_string"], packed
    body = cache.find(address, validators.etag)
    if body is None:
        z, x, y = (_number(name, text) for name, text in zip(names[1:], place, strict=True))
        body = await _make(request, seen, collection_id, z, x, y, packed=packed)
        cache.keep(address, validators.etag, body)
    return tile_answer(validators, body)


def tile_answer(validators: Validators, body: bytes) -> Response:
    """A tile on its way; packed ones begin as gzip does, which no tile does."""
    headers = {**validators.headers(), "Vary": "Accept-Encoding"}
    if body.startswith(b"\x1f\x8b"):
        headers["Content-Encoding"] = "gzip"
    return Response(body, headers=headers, media_type=MVT)


def layers_behind(collection: Collection | None) -> Sequence[str]:
    """Data versions that decide about a collection's tiles."""
    if collection is None:
        return ()
    return COUNTED if is_counted(collection) else ("city", *collection.layers)


def is_counted(collection: Collection) -> bool:
    """Whether its tiles show a window: densities, and reports, which are too many to be shown all."""
    return collection.id == "reports" or collection.parameters == PERIOD


async def _make(request: Request, seen: Versions, name: str, z: int, x: int, y: int, *, packed: bool) -> bytes:
    asked = await asked_now(request, seen)
    collection = asked.collection(name)
    query, given = tile_query(asked, collection, "f")
    tiles: TileLayers = request.app.state.tiles
    body = None
    if query is not None or not given:
        # On the loop itself: a few milliseconds of pure computing, which a thread would only make longer.
        body = tiles.tile_in_memory(seen.of, name, z, x, y, query, _others(collection, given))
    if body is None:

        def in_database(conn: Connection) -> bytes:
            # A window that is named in part is completed as pages complete it.
            window = query or (asked_window(conn, given) if is_counted(collection) else None)
            return tiles.tile(conn, name, z, x, y, window, _others(collection, given))

        body = await in_turn(request, in_database)
    return gzip.compress(body, GZIP_LEVEL, mtime=0) if packed and len(body) > WORTH_PACKING else body


def _others(collection: Collection, given: Given) -> Given:
    return {} if is_counted(collection) else given


def tile_query(asked: Asked, collection: Collection, *more: str) -> tuple[DensityQuery | None, Given]:
    """What a tile request says: the window where it names one, and the values of the collection's own parameters.

    Raises
    ------
    ParameterError
        A parameter is unknown or wrong.
    """
    parameters = PERIOD if is_counted(collection) else collection.parameters
    own = [one.name for one in parameters]
    timed = ("datetime",) if is_counted(collection) else ()
    values = given_values(asked.sent, [*own, *timed, *more], [one.name for one in parameters if one.repeatable])
    if "f" in values and values["f"][0] not in ("mvt", "json", "html"):
        raise ParameterError("f", f"{values['f'][0][:40]!r} is no form of tiles; mvt is")
    given = dict(own_values(values, parameters))
    if "datetime" in values:
        given = window_of(parse_interval(values["datetime"][0], asked.city.zone), given, asked.city.zone)
    if "from" not in given or "to" not in given or not is_counted(collection):
        return None, given
    shared = bool(given.get("without_shared", False))
    categories, sources = tuple(given.get("category", ())), tuple(given.get("source", ()))
    return DensityQuery(given["from"], given["to"], categories, sources, without_shared=shared), given


def _number(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= DIGITS):
        msg = f"{name} of a tile is a whole number, not {text[:20]!r}"
        raise NotFound(msg)
    return int(text)


@router.get("/tiles/{layer}.json")
async def get_tilejson(request: Request, layer: str) -> Response:
    """TileJSON 3.0: what map libraries and QGIS want to know about a layer."""
    asked = await asked_now(request)
    collection = asked.collection(layer)
    query, given = tile_query(asked, collection)
    validators = validators_of(request, asked.seen, layers_behind(collection), asked.base, daily=collection.daily)

    def read(conn: Connection) -> LayerFacts:
        window = query or (asked_window(conn, given) if is_counted(collection) else None)
        tiles: TileLayers = request.app.state.tiles
        return tiles.describe(conn, collection.id, window, _others(collection, given))

    facts = await in_turn(request, read)
    return json_answer(tilejson(asked, collection, facts), headers=validators.headers())


def tilejson(asked: Asked, collection: Collection, facts: LayerFacts) -> dict[str, Any]:
    """The TileJSON document; the window that was asked for stays in the addresses of the tiles."""
    kept = f"?{urlencode(asked.sent)}" if asked.sent else ""
    window = {} if facts.window is None else {"from": facts.window.from_day, "to": facts.window.to_day}
    return {
        "tilejson": "3.0.0",
        "name": collection.title,
        "name_zh": collection.title_zh,
        "description": collection.description,
        "scheme": "xyz",
        "tiles": [f"{asked.base}/tiles/{collection.id}/{{z}}/{{x}}/{{y}}.mvt{kept}"],
        "minzoom": facts.min_zoom,
        "maxzoom": facts.max_zoom,
        "detailzoom": facts.detail_zoom,
        **({"bounds": facts.bounds} if facts.bounds else {}),
        **window,
        "synthetic": is_synthetic(asked.city, collection),
        "vector_layers": [
            {
                "id": collection.id,
                "description": collection.title,
                "fields": facts.fields,
                "minzoom": facts.min_zoom,
                "maxzoom": facts.max_zoom,
            }
        ],
    }
