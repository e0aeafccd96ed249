"""Tiles as an independent decoder reads them, and what the specification demands of their bytes."""

from __future__ import annotations

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from gis.tiles.mvt import NULL, Column, Drawing, layer, text_value, varint, varint_sizes, varints
from gis.tiles.pyramid import EXTENT
from gis.tiles.squares import squares_drawn

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]
HOLE = [(2, 2), (2, 8), (8, 8), (8, 2)]


def drawing(shape, *features):
    """Features as lists of parts, parts as lists of vertices."""
    parts = [part for feature in features for part in feature]
    units = np.array([vertex for part in parts for vertex in part], np.int64).reshape(-1, 2)
    counts = [np.array([len(one) for one in some], np.int64) for some in (parts, features)]
    return Drawing(shape, units, *counts)


def decoded(tile):
    return mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})


def raw(tile):
    found = vector_tile_pb2.tile()
    found.ParseFromString(tile)
    return found.layers[0]


def shapes_of(tile):
    (one,) = decoded(tile).values()
    return [shapely.geometry.shape(feature["geometry"]) for feature in one["features"]]


@pytest.mark.parametrize("number", [0, 1, 127, 128, 16383, 16384, 2**21 - 1, 2**21, 2**32, 2**53, 2**62])
def test_varints_are_what_protocol_buffers_say(number):
    expected = bytearray()
    rest = number
    while rest >= 128:
        expected.append(rest % 128 + 128)
        rest //= 128
    expected.append(rest)
    assert varint(number) == varints(np.array([number])) == bytes(expected)
    assert varint_sizes(np.array([number])).tolist() == [len(expected)]


def test_many_varints_stand_one_after_another():
    numbers = np.random.default_rng(1).integers(0, 2**40, 1000) >> np.random.default_rng(2).integers(0, 40, 1000)
    assert varints(numbers) == b"".join(varint(int(number)) for number in numbers)
    assert varints(np.empty(0, np.int64)) == b""


def test_points_lines_and_polygons_come_back():
    points = layer("p", drawing("point", [[(3, 4)]], [[(-64, 4160)]]), [], [])
    assert [shape.wkt for shape in shapes_of(points)] == ["POINT (3 4)", "POINT (-64 4160)"]
    lines = layer("l", drawing("line", [[(0, 0), (5, -7), (4096, 9)]], [[(1, 1), (2, 2)], [(9, 9), (8, 8)]]), [], [])
    assert shapes_of(lines)[0].equals(shapely.LineString([(0, 0), (5, -7), (4096, 9)]))
    assert shapes_of(lines)[1].equals(shapely.MultiLineString([[(1, 1), (2, 2)], [(9, 9), (8, 8)]]))
    far = [(x + 100, y) for x, y in SQUARE]
    polygons = layer("a", drawing("polygon", [SQUARE, HOLE], [SQUARE, far, [(x + 100, y) for x, y in HOLE]]), [], [])
    first, second = shapes_of(polygons)
    assert first.equals(shapely.Polygon(SQUARE, [HOLE]))
    assert second.equals(
        shapely.MultiPolygon([shapely.Polygon(SQUARE), shapely.Polygon(far, [[(x + 100, y) for x, y in HOLE]])])
    )


def test_points_of_one_feature_are_one_command():
    tile = layer("p", drawing("point", [[(1, 1)], [(5, 9)]]), [], [])
    assert list(raw(tile).features[0].geometry) == [1 | 2 << 3, 2, 2, 8, 16]


def test_the_commands_of_the_specification():
    """The polygon of clause 4.3.5.2: (3 6), (8 12), (20 34); the line of 4.3.5.3."""
    polygon = layer("p", drawing("polygon", [[(3, 6), (8, 12), (20, 34)]]), [], [])
    assert list(raw(polygon).features[0].geometry) == [9, 6, 12, 18, 10, 12, 24, 44, 15]
    lines = layer("l", drawing("line", [[(2, 2), (2, 10), (10, 10)], [(1, 1), (3, 5)]]), [], [])
    assert list(raw(lines).features[0].geometry) == [9, 4, 4, 18, 0, 16, 16, 0, 9, 17, 17, 10, 4, 8]


def test_values_of_every_kind_and_none():
    texts = [text_value(one) for one in ("东街", "b", "unused")]
    columns = [
        Column("name", "text", np.array([0, 1, -1, 0], np.int32)),
        Column("count", "integer", np.array([0, -3, 2**40, NULL])),
        Column("rate", "number", np.array([1.5, np.nan, -0.1, 1.5])),
        Column("on", "boolean", np.array([1, 0, -1, 1], np.int8)),
    ]
    tile = layer("p", drawing("point", *([[(n, n)]] for n in range(4))), columns, texts)
    assert [feature["properties"] for feature in decoded(tile)["p"]["features"]] == [
        {"name": "东街", "count": 0, "rate": 1.5, "on": True},
        {"name": "b", "count": -3, "on": False},
        {"count": 2**40, "rate": -0.1},
        {"name": "东街", "rate": 1.5, "on": True},
    ]
    found = raw(tile)
    assert (found.version, found.extent, found.name) == (2, EXTENT, "p")
    assert list(found.keys) == ["name", "count", "rate", "on"]
    values = [value.SerializeToString() for value in found.values]
    assert len(values) == len(set(values)) == 2 + 3 + 2 + 2


def test_values_are_shared_between_columns():
    columns = [Column("a", "integer", np.arange(50) % 5), Column("b", "integer", np.arange(50) % 3)]
    tile = layer("p", drawing("point", *([[(n, n)]] for n in range(50))), columns, [])
    assert len(raw(tile).values) == 5
    features = decoded(tile)["p"]["features"]
    assert [(one["properties"]["a"], one["properties"]["b"]) for one in features] == [(n % 5, n % 3) for n in range(50)]


def test_numbers_keep_every_bit():
    rates = np.random.default_rng(3).random(500) * 10.0 ** np.random.default_rng(4).integers(-12, 12, 500)
    tile = layer("p", drawing("point", *([[(n, n)]] for n in range(500))), [Column("rate", "number", rates)], [])
    assert [one["properties"]["rate"] for one in decoded(tile)["p"]["features"]] == rates.tolist()


def test_a_tile_without_features_is_empty():
    assert layer("p", drawing("point"), [Column("a", "integer", np.empty(0, np.int64))], []) == b""


def test_squares_run_clockwise_and_cover_the_tile():
    column, row = (one.ravel() for one in np.meshgrid(np.arange(4), np.arange(4)))
    tile = layer("s", squares_drawn(column, row, 2), [], [])
    found = shapes_of(tile)
    assert shapely.union_all(found).equals(shapely.box(0, 0, EXTENT, EXTENT))
    assert sum(shape.area for shape in found) == EXTENT**2
    for feature in raw(tile).features:
        steps = np.array([n >> 1 ^ -(n & 1) for n in feature.geometry[1:3] + feature.geometry[4:10]]).reshape(-1, 2)
        x, y = np.cumsum(steps, axis=0).T
        # The surveyor's formula, y downwards: positive is clockwise as seen, which is what an exterior ring must be.
        assert np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) > 0


def test_a_feature_may_have_many_more_vertices_than_a_byte_can_count():
    turn = np.linspace(0, 2 * np.pi, 30_000, endpoint=False)
    ring = np.rint(np.stack([np.cos(turn), np.sin(turn)], axis=1) * 1_000_000).astype(np.int64)
    (found,) = shapes_of(layer("p", drawing("polygon", [ring.tolist()]), [], []))
    assert np.array_equal(shapely.get_coordinates(found)[:-1], ring)
