"""OGC API - Tiles, Part 1 (OGC 20-057), and the tile matrix set behind it (OGC 17-083r4), by an independent decoder."""

from __future__ import annotations

import math
from typing import Any

import mapbox_vector_tile
import pytest
import shapely
from fastapi.testclient import TestClient

from gis.collections.catalogue import COLLECTIONS
from tests.conformance.asking import HERE, REL, features, got, links, refused
from tests.conformance.claims import shows, uri_of

MVT = "application/vnd.mapbox-vector-tile"
QUAD = "WebMercatorQuad"
REGISTERED = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{QUAD}"
WEB_MERCATOR = "http://www.opengis.net/def/crs/EPSG/0/3857"
HALF = 20_037_508.342789244
PIXEL_M = 0.00028
KINDS = {"multipolygon": 2, "multilinestring": 1, "point": 0}


def tile_at(lon: float, lat: float, zoom: int) -> tuple[int, int]:
    """Row and column of a place (annex of 17-083r4)."""
    side = 1 << zoom
    column = int((lon + 180) / 360 * side)
    row = int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)
    return row, column


def address(collection: str, zoom: Any, row: Any, column: Any) -> str:
    return f"/collections/{collection}/tiles/{QUAD}/{zoom}/{row}/{column}"


@shows("tiles-1/core", "conformance-success")
@shows("tiles-1/tileset", "conformance-success")
@shows("tiles-1/tilesets-list", "conformance-success")
@shows("tiles-1/geodata-tilesets", "conformance-success")
def test_the_classes_of_tiles_are_declared(client: TestClient) -> None:
    declared = got(client, "/conformance")["conformsTo"]
    for name in ("core", "tileset", "tilesets-list", "geodata-tilesets", "mvt", "oas30"):
        assert uri_of(f"tiles-1/{name}") in declared


@shows("tiles-1/core", "tc-op tc-success", "tc-op", "tc-success")
@shows("tiles-1/mvt", "content", "content")
@pytest.mark.parametrize("zoom", [0, 8, 12, 15, 18])
@pytest.mark.parametrize("collection", HERE)
def test_a_tile_of_every_collection(client: TestClient, collection: str, zoom: int) -> None:
    lon, lat = 113.6005, 34.7025
    answer = client.get(address(collection, zoom, *tile_at(lon, lat, zoom)))
    assert answer.status_code == 200
    assert answer.headers["content-type"] == MVT
    layers = mapbox_vector_tile.decode(answer.content)
    assert set(layers) <= {collection}
    if zoom in (8, 12):
        assert layers[collection]["features"]
    for layer in layers.values():
        assert layer["version"] == 2
        assert layer["extent"] == 4096


@shows("tiles-1/mvt", "content", "content")
@pytest.mark.parametrize("collection", ["streets", "cells", "roads"])
def test_a_near_tile_holds_the_features_that_it_meets(client: TestClient, collection: str) -> None:
    zoom = 16
    row, column = tile_at(113.6045, 34.7022, zoom)
    side = 2 * HALF / (1 << zoom)
    west, north = column * side - HALF, HALF - row * side
    box = shapely.box(west, north - side, west + side, north)
    met = {
        one["properties"]["code"]
        for one in features(client, collection, crs=WEB_MERCATOR)
        if shapely.geometry.shape(one["geometry"]).intersects(box.buffer(-side / 100))
    }
    tile = mapbox_vector_tile.decode(client.get(address(collection, zoom, row, column)).content)
    drawn = {one["properties"]["code"] for one in tile[collection]["features"]}
    assert met
    assert met <= drawn


@shows("tiles-1/core", "tc-tilematrix-definition tc-tilerow-definition tc-tilecol-definition")
def test_the_place_of_a_tile_is_three_parameters_of_its_path(client: TestClient) -> None:
    paths = got(client, "/openapi.json")["paths"]
    path = "/collections/{collectionId}/tiles/{tileMatrixSetId}/{tileMatrix}/{tileRow}/{tileCol}"
    declared = {one["name"]: one for one in paths[path]["get"]["parameters"]}
    for name in ("tileMatrix", "tileRow", "tileCol"):
        assert declared[name]["in"] == "path"
        assert declared[name]["required"] is True
        assert declared[name]["schema"]["type"] == "integer"
    assert set(paths[path]["get"]["responses"]["200"]["content"]) == {MVT}


@shows("tiles-1/core", "tc-error", "tc-error")
@pytest.mark.parametrize(
    "path",
    [
        address("cells", 0, 0, 1),
        address("cells", 3, 8, 0),
        address("cells", 12, -1, 0),
        address("cells", 12, "x", 0),
        address("cells", "1.5", 0, 0),
        address("cells", 99, 0, 0),
        address("nothing", 0, 0, 0),
        address("communities", 0, 0, 0),
        "/collections/cells/tiles/WorldCRS84Quad/0/0/0",
        "/collections/cells/tiles/WorldCRS84Quad",
        "/tileMatrixSets/WorldCRS84Quad",
    ],
)
def test_tiles_out_of_range_are_refused(client: TestClient, path: str) -> None:
    answer = client.get(path)
    refused(answer, 400 if answer.status_code == 400 else 404)


@shows("tiles-1/core", "tc-error", "tc-error")
def test_tiles_without_data_are_empty(client: TestClient) -> None:
    for collection in HERE:
        answer = client.get(address(collection, 12, 0, 0))
        assert answer.status_code in (200, 204)
        assert not mapbox_vector_tile.decode(answer.content)


@shows("tiles-1/geodata-tilesets", "operation desc-links", "operation", "desc-links")
@pytest.mark.parametrize("collection", HERE)
def test_every_collection_links_its_tilesets(client: TestClient, collection: str) -> None:
    (link,) = links(got(client, f"/collections/{collection}"), f"{REL}tilesets-vector")
    assert link["href"] == f"http://testserver/collections/{collection}/tiles"
    assert got(client, link["href"])["tilesets"]


@shows("tiles-1/tilesets-list", "tileset-links", "tileset-links")
@pytest.mark.parametrize("collection", HERE)
def test_the_list_of_tilesets(client: TestClient, collection: str) -> None:
    document = got(client, f"/collections/{collection}/tiles")
    assert links(document, "self")
    (entry,) = document["tilesets"]
    assert entry["dataType"] == "vector"
    assert entry["crs"] == WEB_MERCATOR
    assert entry["tileMatrixSetURI"] == REGISTERED
    (here,) = links(entry, "self")
    assert here["href"] == f"http://testserver/collections/{collection}/tiles/{QUAD}"
    (scheme,) = links(entry, f"{REL}tiling-scheme")
    assert got(client, scheme["href"])["id"] == QUAD


@shows("tiles-1/tileset", "description", "description")
@pytest.mark.parametrize("collection", HERE)
def test_the_description_of_a_tileset(client: TestClient, collection: str) -> None:
    answer = client.get(f"/collections/{collection}/tiles/{QUAD}", headers={"Accept": "application/json"})
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert (document["dataType"], document["crs"]) == ("vector", WEB_MERCATOR)
    assert document["tileMatrixSetURI"] == REGISTERED
    (scheme,) = links(document, f"{REL}tiling-scheme")
    assert got(client, scheme["href"])["uri"] == REGISTERED
    (template,) = links(document, "item")
    assert (template["type"], template["templated"]) == (MVT, True)
    row, column = tile_at(113.6005, 34.7025, 12)
    href = template["href"].replace("{tileMatrix}", "12").replace("{tileRow}", str(row))
    assert client.get(href.replace("{tileCol}", str(column))).headers["content-type"] == MVT
    (layer,) = document["layers"]
    assert layer["id"] == collection
    assert layer["geometryDimension"] == KINDS[COLLECTIONS[collection].geometry]
    assert 0 <= int(layer["minTileMatrix"]) < int(layer["maxTileMatrix"]) <= 24
    assert layer["propertiesSchema"]["properties"]


@shows("tms/tilematrixset", "model")
@shows("tms/json-tilematrixset", "model ietf schema media-type")
def test_the_tile_matrix_set_is_webmercatorquad_as_the_standard_defines_it(client: TestClient) -> None:
    (listed,) = got(client, "/tileMatrixSets")["tileMatrixSets"]
    assert (listed["id"], listed["uri"]) == (QUAD, REGISTERED)
    answer = client.get(links(listed, "self")[0]["href"])
    assert answer.headers["content-type"] == "application/json"
    document = answer.json()
    assert (document["id"], document["uri"], document["crs"]) == (QUAD, REGISTERED, WEB_MERCATOR)
    assert document["orderedAxes"] == ["X", "Y"]
    assert document["wellKnownScaleSet"] == "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible"
    matrices = document["tileMatrices"]
    assert [one["id"] for one in matrices] == [str(zoom) for zoom in range(len(matrices))]
    assert matrices[0]["scaleDenominator"] == pytest.approx(559_082_264.028717, rel=1e-12)
    for zoom, one in enumerate(matrices):
        assert (one["tileWidth"], one["tileHeight"]) == (256, 256)
        assert (one["matrixWidth"], one["matrixHeight"]) == (2**zoom, 2**zoom)
        assert one["cellSize"] == pytest.approx(2 * HALF / 256 / 2**zoom, rel=1e-12)
        assert one["scaleDenominator"] == pytest.approx(one["cellSize"] / PIXEL_M, rel=1e-12)
        assert one["pointOfOrigin"] == pytest.approx([-HALF, HALF])
        assert one.get("cornerOfOrigin", "topLeft") == "topLeft"
