"""Tiles in tests: which ones cover a place, what an independent decoder reads in them, what PostGIS draws."""

from __future__ import annotations

import itertools

import mapbox_vector_tile
import numpy as np
import shapely
from sqlalchemy import Connection, text

from gis.tiles.layers import TileLayers
from gis.tiles.pyramid import HALF, tile_size, to_mercator

# Corner of the tiny city and of the town, and the corner opposite, in degrees.
CITY_BOX = (113.595, 34.695, 113.617, 34.712)


def tiles_over(box: tuple[float, float, float, float], z: int) -> list[tuple[int, int]]:
    (west, south), (east, north) = to_mercator(np.array(box).reshape(2, 2)).tolist()
    size = tile_size(z)
    xs = range(int((west + HALF) // size), int((east + HALF) // size) + 1)
    ys = range(int((HALF - north) // size), int((HALF - south) // size) + 1)
    return list(itertools.product(xs, ys))


SHOWN = shapely.box(-64, -64, 4160, 4160)


def home(z: int) -> tuple[int, int]:
    """The tile of the city's first cells."""
    return tiles_over((113.6015, 34.7015, 113.6015, 34.7015), z)[0]


def features_of(tile: bytes, name: str) -> list[tuple[dict, shapely.Geometry]]:
    if not tile:
        return []
    decoded = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})
    assert list(decoded) == [name]
    return [(one["properties"], shapely.geometry.shape(one["geometry"])) for one in decoded[name]["features"]]


def drawn_by_postgis(conn: Connection, table: str, z: int, x: int, y: int) -> dict[str, shapely.Geometry]:
    tile = conn.execute(
        text(
            "SELECT ST_AsMVT(t, 'n') FROM (SELECT code, ST_AsMVTGeom(ST_Transform(geom, 3857),"
            f" ST_TileEnvelope(:z, :x, :y), 4096, 64, true) AS geom FROM {table} OFFSET 0) AS t WHERE geom IS NOT NULL"
        ),
        {"z": z, "x": x, "y": y},
    ).scalar_one()
    return {properties["code"]: shape for properties, shape in features_of(bytes(tile), "n")}


def assert_same_as_postgis(conn: Connection, layers: TileLayers, collection: str, table: str, z: int) -> int:
    """How many features were compared."""
    compared = 0
    for x, y in tiles_over(CITY_BOX, z):
        ours = {one["code"]: shape for one, shape in features_of(layers.tile(conn, collection, z, x, y), collection)}
        theirs = drawn_by_postgis(conn, table, z, x, y)
        assert ours.keys() == theirs.keys(), (z, x, y)
        for code, shape in ours.items():
            assert shape.is_valid
            # PostGIS clips at the buffer's end; ours may stick out.
            shape = shapely.intersection(shape, SHOWN)
            # Both round, and PostGIS leaves out vertices that are less than half a unit off: one unit each way.
            assert shapely.hausdorff_distance(shape, theirs[code]) <= 1.4143, (z, x, y, code)
            compared += 1
    return compared
