"""The pyramid, the curve along which places are sorted, and sums over squares."""

from __future__ import annotations

import math

import numpy as np
import pytest
from pyproj import Transformer

from gis.errors import NotFound, ParameterError
from gis.tiles.kept import Kept, Key
from gis.tiles.pyramid import (
    FINEST,
    HALF,
    MAX_ZOOM,
    column_row,
    places,
    tile_bounds,
    tile_range,
    tile_size,
    to_lonlat,
    to_mercator,
)
from gis.tiles.squares import FINEST_GRID, Places, Rate, Summand, Sums, detail_zoom, halvings_of


def test_bounds_are_those_of_the_pyramid():
    assert tile_bounds(0, 0, 0) == pytest.approx(
        (-20037508.342789244, -20037508.342789244, 20037508.342789244, 20037508.342789244)
    )
    assert tile_bounds(1, 1, 0) == pytest.approx((0, 0, HALF, HALF))
    west, south, east, north = tile_bounds(14, 13362, 6483)
    assert east - west == pytest.approx(north - south) == pytest.approx(2445.984905125)


@pytest.mark.parametrize(("z", "x", "y"), [(-1, 0, 0), (MAX_ZOOM + 1, 0, 0)])
def test_a_zoom_outside_the_pyramid_is_refused(z, x, y):
    with pytest.raises(ParameterError, match="0 to 22"):
        tile_bounds(z, x, y)


@pytest.mark.parametrize(("z", "x", "y"), [(0, 1, 0), (3, 0, 8), (3, -1, 0), (5, 0, -1)])
def test_a_tile_outside_the_pyramid_does_not_exist(z, x, y):
    with pytest.raises(NotFound):
        tile_bounds(z, x, y)


def test_the_projection_is_the_one_of_proj():
    rng = np.random.default_rng(1)
    lonlat = np.stack([rng.uniform(-180, 180, 1000), rng.uniform(-89, 89, 1000)], axis=1)
    lonlat[:3] = (180, 0), (-180, 85.0511287798066), (113.6, 34.7)
    expected = Transformer.from_crs(4326, 3857, always_xy=True).transform(*lonlat.T)
    assert np.allclose(to_mercator(lonlat).T, expected, rtol=0, atol=1e-6)
    assert np.allclose([to_lonlat(x, y) for x, y in to_mercator(lonlat).tolist()], lonlat, rtol=0, atol=1e-9)
    assert np.isfinite(to_mercator(np.array([[0.0, 90.0], [0.0, -90.0]]))).all()


def test_a_place_is_in_the_tile_whose_range_holds_it():
    rng = np.random.default_rng(2)
    points = rng.uniform(-HALF, HALF, (2000, 2))
    found = places(points)
    for z in (0, 1, 7, 14, 22):
        size = tile_size(z)
        x, y = np.floor((points[:, 0] + HALF) / size).astype(int), np.floor((HALF - points[:, 1]) / size).astype(int)
        across, down = column_row(found >> 2 * (FINEST - z))
        assert np.array_equal(across, x)
        assert np.array_equal(down, y)
        first, after = tile_range(z, int(x[0]), int(y[0]))
        assert first <= found[0] < after
        assert np.array_equal((found >= first) & (found < after), (x == x[0]) & (y == y[0]))


def test_borders_belong_to_one_tile():
    east, south = (HALF, 0.0), (0.0, -HALF)
    found = places(np.array([east, south, (-HALF, HALF), (0.0, 0.0)]))
    across, down = column_row(found >> 2 * (FINEST - 1))
    assert list(zip(across.tolist(), down.tolist(), strict=True)) == [(1, 1), (1, 1), (0, 0), (1, 1)]


def test_latitudes_beyond_the_pyramid_are_in_no_tile():
    points = to_mercator(np.array([[0, 85.0511], [0, 85.06], [0, -85.06], [0, 90]], float))
    assert (places(points) < 0).tolist() == [False, True, True, True]
    where = Places(points)
    assert where.order.tolist() == [0]
    sums = Sums(where, {"count": Summand(np.array([1, 10, 100, 1000]))})
    assert totals(sums, 0, 0, 0, 6)["count"].tolist() == [1]


def totals(sums, z, x, y, halvings):
    _, columns = sums.squares(z, x, y, halvings)
    return {column.name: column.values for column in columns}


@pytest.fixture
def clustered():
    rng = np.random.default_rng(3)
    points = np.concatenate([rng.normal(0, 2000, (4000, 2)), rng.normal(50_000, 9000, (4000, 2)), np.zeros((50, 2))])
    return points, rng.integers(0, 9, len(points)), rng.integers(1, 10**8, len(points))


@pytest.mark.parametrize("z", [0, 6, 9, 12, 15])
def test_sums_are_conserved_over_all_tiles_of_a_zoom(clustered, z):
    points, counts, area = clustered
    where = Places(points)
    sums = Sums(
        where, {"count": Summand(counts), "area_km2": Summand(area, 10**8)}, (Rate("per_km2", "count", "area_km2"),)
    )
    tiles = np.unique(places(points) >> 2 * (FINEST - z))
    for halvings in (0, 3, 6):
        seen = {"features": 0, "count": 0, "area_km2": 0.0}
        for x, y in zip(*(one.tolist() for one in column_row(tiles)), strict=True):
            found = totals(sums, z, x, y, halvings)
            assert np.allclose(found["per_km2"], found["count"] / found["area_km2"])
            assert len(found["count"]) <= 4**halvings
            for name in seen:
                seen[name] += found[name].sum()
        assert (seen["features"], seen["count"]) == (len(points), counts.sum())
        assert seen["area_km2"] == pytest.approx(area.sum() / 10**8, rel=1e-12)


def test_squares_lie_where_their_features_are(clustered):
    points, counts, _ = clustered
    sums = Sums(Places(points), {"count": Summand(counts)})
    west, _, east, north = tile_bounds(8, 128, 127)
    drawing, columns = sums.squares(8, 128, 127, 5)
    side = (east - west) / 32
    expected = {}
    for (x, y), count in zip(points.tolist(), counts.tolist(), strict=True):
        at = (math.floor((x - west) / side), math.floor((north - y) / side))
        if 0 <= at[0] < 32 and 0 <= at[1] < 32:
            expected[at] = expected.get(at, 0) + count
    corners = drawing.units.reshape(-1, 4, 2)[:, 0] // 128
    assert {tuple(at): n for at, n in zip(corners.tolist(), columns[1].values.tolist(), strict=True)} == expected


def test_features_may_stand_for_several():
    sums = Sums(Places(np.zeros((3, 2))), {}, features=np.array([5, 6, 7]))
    assert totals(sums, 3, 4, 4, 6)["features"].tolist() == [18]


def test_rates_without_anything_to_divide_by_are_missing():
    sums = Sums(
        Places(np.zeros((1, 2))),
        {"count": Summand(np.array([4])), "length_m": Summand(np.array([0]), 1000)},
        (Rate("per_km", "count", "length_m", 1 / 1000),),
    )
    assert np.isnan(totals(sums, 0, 0, 0, 0)["per_km"]).all()


def test_per_km_is_per_kilometre():
    sums = Sums(
        Places(np.zeros((2, 2))),
        {"count": Summand(np.array([4, 2])), "length_m": Summand(np.array([250_000, 500_000]), 1000)},
        (Rate("per_km", "count", "length_m", 1 / 1000),),
    )
    assert totals(sums, 0, 0, 0, 0)["per_km"].tolist() == [8.0]
    assert totals(sums, 0, 0, 0, 0)["length_m"].tolist() == [750.0]


def test_an_empty_layer_has_no_squares():
    sums = Sums(Places(np.empty((0, 2))), {"count": Summand(np.empty(0, np.int64))})
    drawing, _ = sums.squares(4, 3, 3, 6)
    assert not len(drawing)
    assert Places(np.empty((0, 2))).most_in_a_tile(5) == 0


def test_squares_are_wider_than_two_features():
    for z in range(MAX_ZOOM + 1):
        side = tile_size(z) / 2 ** halvings_of(z, 121.6)
        assert side >= 2 * 121.6 or halvings_of(z, 121.6) == 0
        assert halvings_of(z, 121.6) <= FINEST_GRID
    assert [halvings_of(z, 121.6) for z in (10, 11, 12, 13, 14)] == [6, 6, 5, 4, 3]
    assert halvings_of(3, 0) == FINEST_GRID


def test_details_begin_where_features_can_be_seen_and_are_not_too_many():
    spread = np.stack(np.meshgrid(np.arange(300) * 121.6, np.arange(300) * 121.6), axis=-1).reshape(-1, 2)
    rules = {"legible": 64, "crowded": 1000, "latest": 16}
    assert detail_zoom(Places(spread), 121.6, **rules) == 14
    assert detail_zoom(Places(spread[:40]), 121.6, **rules) == 13
    assert detail_zoom(Places(np.zeros((5000, 2))), 0, **rules) == 16
    assert detail_zoom(Places(np.empty((0, 2))), 0, **rules) == 0
    assert Places(spread).most_in_a_tile(0) == 90_000


def test_what_was_made_from_old_data_is_forgotten():
    kept = Kept(3)
    made = []

    def make(name):
        return lambda: made.append(name) or name

    for key, name in ((Key("cells", 1, "a"), "a1"), (Key("cells", 1, "b"), "b1"), (Key("roads", 1), "r1")):
        assert kept.get(key, make(name)) == kept.get(key, make("never")) == name
    assert kept.get(Key("cells", 2, "a"), make("a2")) == "a2"
    assert kept.find(Key("cells", 1, "a")) is kept.find(Key("cells", 1, "b")) is None
    assert kept.find(Key("roads", 1)) == "r1"
    kept.get(Key("cells", 2, "b"), make("b2"))
    kept.get(Key("cells", 2, "c"), make("c2"))
    assert kept.find(Key("cells", 2, "a")) is None  # the longest not used
    assert kept.find(Key("roads", 1)) == "r1"
    assert made == ["a1", "b1", "r1", "a2", "b2", "c2"]
