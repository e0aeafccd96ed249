"""What the heat map is made of, where no database is needed: periods, classes, packed numbers and shapes."""

from __future__ import annotations

import base64
from datetime import date, timedelta

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from gis.heatmap import sub_periods
from maps.classes import class_breaks
from maps.packing import pack_numbers, pack_shapes, pack_steps


def unpack(packed: str) -> list[int]:
    """As static/packing.js does it."""
    numbers, value, unit = [], 0, 1
    for byte in base64.b64decode(packed):
        value += (byte & 127) * unit
        unit *= 128
        if byte < 128:
            numbers.append(-(value + 1) // 2 if value % 2 else value // 2)
            value, unit = 0, 1
    return numbers


@given(st.lists(st.integers(-(2**52), 2**52)))
def test_numbers_come_back(numbers: list[int]) -> None:
    assert unpack(pack_numbers(np.array(numbers, np.int64))) == numbers
    assert np.cumsum(unpack(pack_steps(np.array(numbers, np.int64)))).tolist() == np.array(numbers).tolist()


def test_shapes_come_back_to_six_decimals() -> None:
    square = shapely.Polygon([(113, 34), (113.1, 34), (113.1, 34.1), (113, 34.1)])
    holed = shapely.box(1, 1, 2, 2).difference(shapely.box(1.2, 1.2, 1.4, 1.4000004))
    packed = pack_shapes(np.array([shapely.MultiPolygon([square, shapely.box(0, 0, 1, 1)]), holed], object))
    assert unpack(packed["parts"]) == [2, 2]
    assert unpack(packed["points"]) == [4, 4, 4, 4]
    lon, lat = (np.cumsum(unpack(packed[axis])) / 1e6 for axis in ("lon", "lat"))
    assert list(zip(lon[:4], lat[:4], strict=True)) == [(113, 34), (113.1, 34), (113.1, 34.1), (113, 34.1)]
    assert lat[12:].max() == 1.4
    lines = pack_shapes(np.array([shapely.LineString([(1, 1), (2, 2), (3, 1)])], object))
    assert (unpack(lines["parts"]), unpack(lines["points"])) == ([1], [3])


# -- periods -----------------------------------------------------------------------------------------------------------


def test_a_month_has_three_ten_day_periods() -> None:
    found = sub_periods(date(2016, 2, 1), date(2016, 3, 1))
    assert [(one.from_day.day, one.days) for one in found] == [(1, 10), (11, 10), (21, 9)]


def test_a_window_cuts_its_first_and_last_period() -> None:
    found = sub_periods(date(2016, 5, 25), date(2016, 6, 12))
    assert [(str(one.from_day), one.days) for one in found] == [
        ("2016-05-25", 7),
        ("2016-06-01", 10),
        ("2016-06-11", 1),
    ]


def test_a_long_window_is_divided_into_months() -> None:
    found = sub_periods(date(2015, 1, 15), date(2016, 1, 1))
    assert [one.from_day.month for one in found] == list(range(1, 13))
    assert found[0].from_day.day == 15
    assert len(sub_periods(date(2016, 3, 1), date(2016, 7, 1))) == 12


@given(st.dates(date(2014, 1, 1), date(2020, 1, 1)), st.integers(1, 500))
def test_periods_tile_the_window(first: date, days: int) -> None:
    found = sub_periods(first, first + timedelta(days=days))
    assert found[0].from_day == first
    assert [one.to_day for one in found[:-1]] == [one.from_day for one in found[1:]]
    assert sum(one.days for one in found) == days
    assert all(one.days > 0 for one in found)


# -- classes -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rates", "breaks"),
    [
        ([], []),
        ([0.0, 0.0], []),
        ([99.98, 100.02, 200.0, 300.0, 1234.0], [200, 500, 1000]),
        ([99.98, 100.02], []),
        ([30.0, 100.0, 450.0], [50, 100, 200]),
        ([0.3, 7.0], [1, 2, 5]),
        ([1.0, 1e6], [20_000, 50_000, 100_000, 200_000, 500_000, 1_000_000]),
    ],
)
def test_breaks_are_round_and_follow_the_rates(rates: list[float], breaks: list[int]) -> None:
    assert class_breaks(np.array(rates)) == breaks


def test_one_wild_cell_in_thousands_does_not_stretch_the_classes() -> None:
    rates = np.append(np.full(2000, 150.0), 1.7e6)
    rates[:500] = 900
    assert class_breaks(rates) == [200, 500]
