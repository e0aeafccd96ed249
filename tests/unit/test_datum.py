"""Which coordinates are accepted, which are refused, and where known points end up."""

import warnings

import coord_convert.transform as peer
import numpy as np
import pyproj
import pytest
import shapely

from gis.errors import CrsError
from gis.geometry import datum

# Erqi Square, Zhengzhou, in WGS 84.
LON, LAT = 113.66, 34.752


@pytest.fixture(scope="module")
def china():
    rng = np.random.default_rng(20170501)
    return rng.uniform(73.5, 135.1, 4000), rng.uniform(3.4, 53.6, 4000)


def by_peer(function, lon, lat):
    return np.array([function(a, b) for a, b in zip(lon.tolist(), lat.tolist(), strict=True)]).T


def worst(got, want):
    return max(np.abs(got[0] - want[0]).max(), np.abs(got[1] - want[1]).max())


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (datum.wgs84_to_gcj02, peer.wgs2gcj),
        (datum.gcj02_to_bd09, peer.gcj2bd),
        (datum.wgs84_to_bd09, peer.wgs2bd),
    ],
)
def test_forward_is_what_everybody_computes(china, ours, theirs):
    assert worst(ours(*china), by_peer(theirs, *china)) < 1e-12


@pytest.mark.parametrize(
    ("ours", "theirs", "their_error"),
    [
        (datum.gcj02_to_wgs84, peer.gcj2wgs, 1e-8),  # stops when a step is below 1e-6, so below 1e-8 remain
        (datum.bd09_to_gcj02, peer.bd2gcj, 3e-6),  # one step only
        (datum.bd09_to_wgs84, peer.bd2wgs, 3e-6),
    ],
)
def test_inverse_agrees_with_the_approximations_in_circulation(china, ours, theirs, their_error):
    assert worst(ours(*china), by_peer(theirs, *china)) < their_error


def test_the_inverse_of_bd09_is_better_than_the_closed_form(china):
    bd = datum.gcj02_to_bd09(*china)
    assert worst(datum.bd09_to_gcj02(*bd), china) < 1e-9 < 5e-7 < worst(by_peer(peer.bd2gcj, *bd), china)


def test_ignoring_the_datum_costs_several_cells():
    metres = pyproj.Geod(ellps="WGS84")
    for there in (datum.wgs84_to_gcj02, datum.wgs84_to_bd09):
        x, y = there(LON, LAT)
        assert 400 < metres.inv(LON, LAT, x, y)[2] < 1500


def test_outside_the_box_gcj02_is_wgs84():
    lon = np.array([-71.06, 0.0, 71.9, 137.9, 110.0, 110.0, 180.0, -180.0])
    lat = np.array([42.36, 0.0, 40.0, 40.0, 0.7, 55.9, 90.0, -90.0])
    for convert in (datum.wgs84_to_gcj02, datum.gcj02_to_wgs84):
        x, y = convert(lon, lat)
        np.testing.assert_array_equal(x, lon)
        np.testing.assert_array_equal(y, lat)


def test_on_the_rim_the_position_inside_the_box_wins():
    lon, lat = datum.EAST + 0.003, 40.0
    inside = datum.gcj02_to_wgs84(lon, lat)
    assert inside[0] < datum.EAST
    assert worst(datum.wgs84_to_gcj02(*inside), (lon, lat)) < 1e-9
    assert datum.wgs84_to_gcj02(lon, lat) == (lon, lat)


def test_on_the_rim_a_position_that_nothing_maps_to_stays():
    lon, lat = datum.WEST + 1e-4, 40.0
    assert datum.wgs84_to_gcj02(datum.WEST, lat)[0] > lon
    assert datum.gcj02_to_wgs84(lon, lat) == (lon, lat)


def test_the_edges_of_the_box_belong_to_it_and_come_back():
    lon = np.array([datum.WEST, datum.EAST, datum.WEST, datum.EAST, 100.0, 100.0])
    lat = np.array([datum.SOUTH, datum.SOUTH, datum.NORTH, datum.NORTH, datum.SOUTH, datum.NORTH])
    moved = datum.wgs84_to_gcj02(lon, lat)
    assert (np.hypot(moved[0] - lon, moved[1] - lat) > 1e-4).all()
    assert worst(datum.gcj02_to_wgs84(*moved), (lon, lat)) < 1e-9


def test_one_ulp_outside_the_box_nothing_moves():
    assert datum.wgs84_to_gcj02(np.nextafter(datum.EAST, 180), 40.0)[0] == np.nextafter(datum.EAST, 180)


def test_the_singular_point_of_bd09_gives_numbers_nearby():
    for convert, x, y in (
        (datum.gcj02_to_bd09, 0.0, 0.0),
        (datum.bd09_to_gcj02, datum.BD_LON, datum.BD_LAT),
        (datum.bd09_to_gcj02, datum.BD_LON + 1e-9, datum.BD_LAT),
    ):
        lon, lat = convert(x, y)
        assert abs(lon - x) < 0.01
        assert abs(lat - y) < 0.01


def test_shapes_scalars_and_broadcasting():
    x, y = datum.wgs84_to_gcj02(LON, LAT)
    assert x.shape == y.shape == ()
    assert x.dtype == y.dtype == np.float64
    grid_x, grid_y = datum.wgs84_to_gcj02(np.full((3, 1), LON), np.full(2, LAT))
    assert grid_x.shape == grid_y.shape == (3, 2)
    assert (grid_x == x).all()
    assert datum.gcj02_to_wgs84([], [])[0].shape == (0,)


def test_chunks_do_not_show():
    n = 2 * datum.CHUNK + 5
    lon, lat = np.linspace(75, 130, n), np.linspace(20, 50, n)
    whole = datum.gcj02_to_wgs84(lon, lat)
    for i in (0, datum.CHUNK - 1, datum.CHUNK, n - 1):
        one = datum.gcj02_to_wgs84(lon[i], lat[i])
        assert abs(whole[0][i] - one[0]) < 1e-12
        assert abs(whole[1][i] - one[1]) < 1e-12


ALL_CRS = ["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4326", "EPSG:4547", "EPSG:26986"]


@pytest.mark.parametrize("text", ALL_CRS)
def test_not_finite_gives_nan_twice_and_no_warning(text):
    bad = [np.nan, np.inf, -np.inf, 1.0, 1.0, 1.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        lon, lat = datum.to_wgs84([*bad, 114.0], [1.0, 1.0, 1.0, np.nan, np.inf, -np.inf, 34.0], datum.parse_crs(text))
    assert np.isnan(lon[:-1]).all()
    assert np.isnan(lat[:-1]).all()
    assert np.isfinite([lon[-1], lat[-1]]).all()


@pytest.mark.parametrize("text", ALL_CRS)
def test_the_input_is_left_alone_and_not_returned(text):
    x, y = np.array([114.0, 115.0]), np.array([34.0, 35.0])
    lon, lat = datum.to_wgs84(x, y, datum.parse_crs(text))
    assert x.tolist() == [114.0, 115.0]
    assert y.tolist() == [34.0, 35.0]
    assert not np.shares_memory(lon, x)
    assert not np.shares_memory(lat, y)


def test_where_the_projection_has_no_answer_there_is_nan():
    lon, lat = datum.to_wgs84([1e30, 500000.0], [1e30, 3847000.0], datum.parse_crs("EPSG:32649"))
    assert np.isnan(lon[0])
    assert np.isnan(lat[0])
    assert lon[1] == pytest.approx(111.0, abs=1e-9)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("wgs84", "wgs84"),
        ("WGS 84", "wgs84"),
        (" WGS-84 ", "wgs84"),
        ("CGCS2000", "cgcs2000"),
        ("GCJ-02", "gcj02"),
        ("gcj_02", "gcj02"),
        ("BD-09", "bd09"),
        ("OGC:CRS84", "wgs84"),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "wgs84"),
        ("urn:ogc:def:crs:OGC::CRS84", "wgs84"),
        ("http://www.opengis.net/def/crs/OGC/1.3/CRS84", "wgs84"),
        ("EPSG:4547", "EPSG:4547"),
        ("epsg:4547", "EPSG:4547"),
        ("4547", "EPSG:4547"),
        ("urn:ogc:def:crs:EPSG::4547", "EPSG:4547"),
        ("urn:ogc:def:crs:EPSG:9.8:4547", "EPSG:4547"),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326"),
        ("https://www.opengis.net/def/crs/EPSG/0/4326", "EPSG:4326"),
    ],
)
def test_accepted_names(text, name):
    assert datum.parse_crs(text).name == name


def test_a_source_crs_says_its_title():
    assert datum.parse_crs("4547") == datum.SourceCrs("EPSG:4547", "CGCS2000 / 3-degree Gauss-Kruger CM 114E")


@pytest.mark.parametrize(
    "text", ["", "mars", "EPSG:", "EPSG:999999", "EPSG:0", "ESRI:102100", "urn:ogc:def:crs:OGC::X", "-1"]
)
def test_unknown_text_lists_what_is_accepted(text):
    with pytest.raises(CrsError, match="accepted: wgs84, cgcs2000, gcj02, bd09, OGC:CRS84, or an EPSG code"):
        datum.parse_crs(text)


@pytest.mark.parametrize("code", [4214, 2437, 21413, 4610, 2380, 4555])
def test_local_datums_of_china_are_refused(code):
    with pytest.raises(CrsError, match=r"on the datum (Beijing 1954|Xian 1980|New Beijing).*local parameters"):
        datum.parse_crs(f"EPSG:{code}")


@pytest.mark.parametrize(("code", "kind"), [(9518, "Compound"), (5773, "Vertical"), (4978, "Geocentric")])
def test_what_is_no_position_on_a_map_is_refused(code, kind):
    with pytest.raises(CrsError, match=f"is a {kind} CRS"):
        datum.parse_crs(str(code))


def test_westing_and_southing_are_refused():
    with pytest.raises(CrsError, match="counts west and south"):
        datum.parse_crs("EPSG:2053")


def test_no_ballpark_shift():
    with pytest.raises(CrsError, match="no published way"):
        datum.parse_crs("EPSG:3785")


def test_x_comes_first_whatever_the_authority_says():
    # EPSG:4326 says latitude first, EPSG:4547 northing first.
    lon, lat = datum.to_wgs84(LON, LAT, datum.parse_crs("EPSG:4326"))
    assert (lon, lat) == (LON, LAT)
    lon, lat = datum.to_wgs84(500000.0, 3847000.0, datum.parse_crs("EPSG:4547"))
    assert lon == pytest.approx(114.0, abs=1e-9)
    assert 34.7 < lat < 34.8


def test_cgcs2000_projected_is_the_transverse_mercator_of_the_same_place():
    # The same numbers, computed on the WGS 84 ellipsoid from the projection's definition instead of its EPSG code.
    there = pyproj.Proj("+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=WGS84")
    lon, lat = datum.to_wgs84(*there(LON, LAT), datum.parse_crs("EPSG:4547"))
    assert lon == pytest.approx(LON, abs=1e-9)
    assert lat == pytest.approx(LAT, abs=1e-9)


def test_us_feet_are_converted():
    # State House, Boston: about 236,500 m east and 900,600 m north in Massachusetts Mainland.
    feet = 0.3048006096012192
    lon, lat = datum.to_wgs84(236500 / feet, 900600 / feet, datum.parse_crs("EPSG:2249"))
    metre_lon, metre_lat = datum.to_wgs84(236500, 900600, datum.parse_crs("EPSG:26986"))
    assert lon == pytest.approx(metre_lon, abs=1e-8)
    assert lat == pytest.approx(metre_lat, abs=1e-8)
    assert (lon, lat) == (pytest.approx(-71.06, abs=0.02), pytest.approx(42.36, abs=0.02))


def test_geometries_move_vertex_by_vertex_and_lose_z():
    square = shapely.box(LON, LAT, LON + 0.01, LAT + 0.01)
    given = np.array([shapely.Point(LON, LAT, 99.0), square, None, shapely.Polygon()])
    moved = datum.geometry_to_wgs84(given, datum.parse_crs("gcj02"))
    assert not shapely.has_z(moved).any()
    assert moved[2] is None
    assert moved[3].is_empty
    want = datum.gcj02_to_wgs84(*shapely.get_coordinates(square).T)
    np.testing.assert_array_equal(shapely.get_coordinates(moved[1]), np.column_stack(want))
    assert moved[0].coords[0] == tuple(float(v) for v in datum.gcj02_to_wgs84(LON, LAT))


def test_metric_transformer_takes_longitude_first_and_gives_easting_first():
    for code in ("EPSG:4547", "EPSG:32649", "26986"):
        transformer = datum.metric_transformer(code)
        assert transformer is datum.metric_transformer(code)
    x, y = datum.metric_transformer("EPSG:4547").transform(114.0, 34.75)
    assert x == pytest.approx(500000.0, abs=1e-6)
    assert 3_840_000 < y < 3_850_000
    lon, lat = datum.metric_transformer("EPSG:4547").transform(x, y, direction="INVERSE")
    assert (lon, lat) == (pytest.approx(114.0, abs=1e-10), pytest.approx(34.75, abs=1e-10))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("wgs84", "has no metres"),
        ("EPSG:4326", "not projected"),
        ("EPSG:2249", "US survey foot"),
        ("EPSG:3857", "area is never web Mercator"),
        ("EPSG:3395", "area is never web Mercator"),
        ("EPSG:2437", "local parameters"),
        ("EPSG:2053", "counts west and south"),
        ("metres", "accepted"),
    ],
)
def test_refused_metric_systems(text, why):
    with pytest.raises(CrsError, match=why):
        datum.metric_transformer(text)
