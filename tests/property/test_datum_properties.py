"""There and back, everywhere in China, for every pair of systems."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.geometry import datum

# All of China with its sea, and the box in which GCJ-02 is distorted.
CHINA = (st.floats(73.4, 135.2), st.floats(3.3, 53.7))
BOX = (st.floats(datum.WEST, datum.EAST), st.floats(datum.SOUTH, datum.NORTH))
EARTH = (st.floats(-180, 180), st.floats(-90, 90))

PAIRS = [("wgs84", "gcj02"), ("gcj02", "bd09"), ("wgs84", "bd09")]
ONE_MILLIMETRE = 1e-3 / 111_320.0  # degrees of latitude, and more than that of longitude
many = settings(max_examples=400, deadline=None)


def convert(source, target):
    return getattr(datum, f"{source}_to_{target}")


def metres_apart(lon, lat, other_lon, other_lat):
    return 111_320.0 * math.hypot((lon - other_lon) * math.cos(math.radians(lat)), lat - other_lat)


@pytest.mark.parametrize(("a", "b"), PAIRS + [(b, a) for a, b in PAIRS])
@many
@given(*CHINA)
def test_there_and_back_in_china(a, b, lon, lat):
    back = convert(b, a)(*convert(a, b)(lon, lat))
    assert metres_apart(lon, lat, *back) < 0.001
    assert abs(back[0] - lon) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@pytest.mark.parametrize("b", ["gcj02", "bd09"])
@many
@given(*BOX)
def test_there_and_back_in_the_whole_box(b, lon, lat):
    back = convert(b, "wgs84")(*convert("wgs84", b)(lon, lat))
    assert abs(back[0] - lon) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@many
@given(*EARTH)
def test_there_and_back_outside_the_rim(lon, lat):
    rim = datum.RIM
    if datum.WEST - rim <= lon <= datum.EAST + rim and datum.SOUTH - rim <= lat <= datum.NORTH + rim:
        lon -= 150.0  # to the other side of the Earth, where there is nothing to convert
    assert convert("wgs84", "gcj02")(lon, lat) == (lon, lat)
    assert convert("gcj02", "wgs84")(lon, lat) == (lon, lat)


@many
@given(*EARTH)
def test_bd09_there_and_back_on_the_whole_earth(lon, lat):
    if math.hypot(lon, lat) < 0.01:
        lon += 1.0  # the singular point of Baidu's formula
    back = convert("bd09", "gcj02")(*convert("gcj02", "bd09")(lon, lat))
    assert abs(back[0] - lon) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@many
@given(*CHINA)
def test_the_way_over_gcj02_is_the_way(lon, lat):
    step = convert("gcj02", "bd09")(*convert("wgs84", "gcj02")(lon, lat))
    assert convert("wgs84", "bd09")(lon, lat) == step
    assert convert("bd09", "wgs84")(*step) == convert("gcj02", "wgs84")(*convert("bd09", "gcj02")(*step))


@many
@given(st.floats(73.4, 135.2), st.floats(3.3, 53.7))
def test_gcj02_moves_hundreds_of_metres_at_most(lon, lat):
    assert metres_apart(lon, lat, *convert("wgs84", "gcj02")(lon, lat)) < 1200


@many
@given(st.sampled_from([-1.0, 1.0]), st.floats(1e-17, 1e-2), st.floats(3.3, 53.7))
def test_the_kink_at_longitude_105_does_no_harm(side, off, lat):
    lon = 105.0 + side * off
    back = convert("gcj02", "wgs84")(*convert("wgs84", "gcj02")(lon, lat))
    assert abs(back[0] - lon) < 1e-9
    assert abs(back[1] - lat) < 1e-9


@many
@given(st.floats(), st.floats(), st.sampled_from(["wgs84", "cgcs2000", "gcj02", "bd09", "EPSG:4547"]))
def test_any_two_floats_give_two_numbers_or_two_nans(x, y, name):
    lon, lat = datum.to_wgs84(np.array([x]), np.array([y]), datum.parse_crs(name))
    assert bool(np.isnan(lon[0])) is bool(np.isnan(lat[0]))
    assert not np.isinf(lon[0])
    if not (math.isfinite(x) and math.isfinite(y)):
        assert np.isnan(lon[0])
