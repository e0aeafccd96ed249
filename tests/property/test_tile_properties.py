"""Whatever the shapes: a tile shows what lies in it, within a unit, as valid polygons that run the right way round."""

from __future__ import annotations

import mapbox_vector_tile
import numpy as np
import pytest
import shapely
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mapbox_vector_tile.Mapbox import vector_tile_pb2

from gis.tiles.mvt import Column, layer, varints
from gis.tiles.pyramid import (
    BUFFER,
    EXTENT,
    FINEST,
    HALF,
    buffered,
    column_row,
    places,
    tile_bounds,
    tile_size,
    to_lonlat,
)
from gis.tiles.shapes import Shapes
from gis.tiles.squares import Places, Summand, Sums

some = settings(max_examples=60, deadline=None)
Z, X, Y = 14, 13362, 6483
BOX = shapely.box(-BUFFER, -BUFFER, EXTENT + BUFFER, EXTENT + BUFFER)
UNIT = tile_size(Z) / EXTENT


def lonlat_of(units):
    """Tile units as degrees."""
    west, _, _, north = tile_bounds(Z, X, Y)
    return np.array([to_lonlat(west + x * UNIT, north - y * UNIT) for x, y in units])


@st.composite
def stars(draw):
    """Concave polygon in and around the tile, from a few units to many tiles across, sometimes with a hole."""
    x, y = draw(st.floats(-1500, 5500)), draw(st.floats(-1500, 5500))
    count = draw(st.integers(3, 14))
    radii = np.array(draw(st.lists(st.floats(0.15, 1.0), min_size=count, max_size=count)))
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) + draw(st.floats(0.0, 1.0))
    scale = 10 ** draw(st.floats(0.5, 4.5))
    ring = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (radii * scale)[:, None]
    hole = [ring * 0.4 + (x, y)] if count > 4 and draw(st.booleans()) else []
    return shapely.Polygon(ring + np.array([x, y]), hole)


def rings_of(tile):
    """Signed areas of the rings of each feature, y downwards, read by the generated protocol code."""
    found = vector_tile_pb2.tile()
    found.ParseFromString(tile)
    answer = []
    for feature in found.layers[0].features:
        numbers, x, y, areas, ring, at = list(feature.geometry), 0, 0, [], [], 0
        while at < len(numbers):
            command, times = numbers[at] & 7, numbers[at] >> 3
            at += 1
            if command == 7:
                assert times == 1
                assert len(ring) >= 3
                assert len(set(ring)) == len(ring) or shapely.Polygon(ring).is_valid
                areas.append(sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2)
                continue
            if command == 1:
                ring = []
            for _ in range(times):
                step = [n >> 1 ^ -(n & 1) for n in numbers[at : at + 2]]
                assert command == 1 or step != [0, 0]
                x, y, at = x + step[0], y + step[1], at + 2
                ring.append((x, y))
        answer.append(areas)
    return answer


@some
@given(st.lists(stars(), min_size=1, max_size=6))
@example([shapely.box(-50_000, -50_000, 50_000, 50_000)])
@example([shapely.Polygon([(0, 0), (4000, 0.3), (4000, 0), (0, 0.2)]).buffer(0)])
@example(
    [shapely.Polygon([(100, 100), (200, 100), (200, 200), (100, 200)], [[(150, 150), (150.2, 150), (150.1, 150.2)]])]
)
def test_polygons_are_shown_within_a_unit(given_shapes):
    shapes = Shapes("polygon", np.array([shapely.transform(one, lonlat_of) for one in given_shapes]))
    drawing, rows = shapes.drawn(tile_bounds(Z, X, Y))
    assert len(set(rows.tolist())) == len(rows) == len(drawing)
    clipped = [shapely.intersection(one, BOX) for one in given_shapes]
    large = {row for row, one in enumerate(clipped) if one.area > 3 * one.length + 10}
    assert large <= set(rows.tolist()) <= {row for row, one in enumerate(given_shapes) if one.distance(BOX) < 1}
    tile = layer("t", drawing, [Column("row", "integer", rows)], [])
    features = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})["t"]["features"] if tile else []
    for feature in features:
        shown = shapely.geometry.shape(feature["geometry"])
        assert shown.is_valid
        # Up to half a tile beyond the buffer nothing is clipped.
        assert BOX.buffer(2048, join_style="mitre").covers(shown)
        shown = shapely.intersection(shown, BOX)
        # Nothing is added or lost beyond the distance that rounding moves a border.
        given_shape = given_shapes[feature["properties"]["row"]]
        assert shown.difference(given_shape.buffer(1.5)).area < 1e-6
        assert BOX.intersection(given_shape.buffer(-1.5)).difference(shown).area < 1e-6
    for areas in rings_of(tile) if tile else []:
        assert areas[0] > 0  # an exterior ring comes first, clockwise as seen
        assert all(areas)


@some
@given(
    st.lists(
        st.lists(st.tuples(st.floats(-9000, 13000), st.floats(-9000, 13000)), min_size=2, max_size=6),
        min_size=1,
        max_size=5,
    )
)
def test_lines_are_shown_within_a_unit(lines):
    lines = [shapely.LineString(np.round(line, 3)) for line in lines]
    shapes = Shapes("line", np.array([shapely.transform(one, lonlat_of) for one in lines]))
    drawing, rows = shapes.drawn(tile_bounds(Z, X, Y))
    tile = layer("t", drawing, [Column("row", "integer", rows)], [])
    features = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True})["t"]["features"] if tile else []
    clipped = [shapely.intersection(one, BOX) for one in lines]
    assert {row for row, one in enumerate(clipped) if one.length > 3} <= set(rows.tolist())
    for feature in features:
        shown, line = shapely.geometry.shape(feature["geometry"]), lines[feature["properties"]["row"]]
        assert shown.length > 0
        assert shown.difference(line.buffer(1.5)).length < 1e-6
        assert line.intersection(BOX.buffer(-2)).difference(shown.buffer(1.5)).length < 1e-6


@some
@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=30), st.integers(0, 22))
@example([(180.0, 0.0), (-180.0, 0.0), (180.0, 85.0511287), (0.0, -85.0511287)], 22)
def test_every_point_of_the_pyramid_counts_once(lonlat, z):
    points = Shapes("point", np.array([shapely.Point(one) for one in lonlat], object)).points
    sums = Sums(Places(points), {"count": Summand(np.ones(len(points), np.int64))})
    found = places(points)
    counted = 0
    tiles = {
        (x, y)
        for x, y in zip(*(one.tolist() for one in column_row(found[found >= 0] >> 2 * (FINEST - z))), strict=True)
    }
    for x, y in tiles:
        _, columns = sums.squares(z, x, y, 4)
        counted += int(columns[1].values.sum())
    assert counted == (np.abs(points[:, 1]) <= HALF * (1 + 1e-12)).sum()


@given(st.lists(st.integers(0, 2**62)))
def test_varints_can_be_read_back(numbers):
    wire, at, found = varints(np.array(numbers, np.int64)), 0, []
    while at < len(wire):
        number = shift = 0
        while True:
            number |= (wire[at] & 127) << shift
            shift, at = shift + 7, at + 1
            if wire[at - 1] < 128:
                break
        found.append(number)
    assert found == numbers


@pytest.mark.parametrize("offset", [-64, -32, 0, 4096, 4128, 4160])
def test_points_in_the_buffer_are_shown(offset):
    lon, lat = lonlat_of([(offset + (0.01 if offset < 0 else -0.01), 10)])[0]
    drawing, _ = Shapes("point", np.array([shapely.Point(lon, lat)])).drawn(tile_bounds(Z, X, Y))
    assert drawing.units.tolist() == [[offset, 10]]
    assert buffered(tile_bounds(Z, X, Y))[0] < tile_bounds(Z, X, Y)[0]
