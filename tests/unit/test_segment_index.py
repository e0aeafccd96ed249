"""Which road segment a point belongs to: worked by hand, at the reach, at ties, at joints."""

import math

import numpy as np
import pytest
import shapely
from shapely import LineString, MultiLineString

from gis.errors import ParameterError
from gis.geometry.segment_index import SegmentIndex

EAST = 500_000.0
NORTH = 3_840_000.0


def index_of(*lines, **options):
    shifted = [
        None if line is None else shapely.transform(line, lambda xy: xy + np.array([EAST, NORTH])) for line in lines
    ]
    return SegmentIndex.build(np.array(shifted, dtype=object), **options)


def nearest(index, x, y):
    """The answer of both paths, which must be one."""
    ranks, distances = index.nearest(np.array([EAST + x]), np.array([NORTH + y]))
    assert ranks.dtype == np.int32
    rank, distance = index.nearest_one(EAST + x, NORTH + y)
    assert rank == ranks[0]
    assert distance == distances[0] or (math.isnan(distance) and math.isnan(distances[0]))
    return rank, distance


STREET = LineString([(0, 0), (100, 0)])
CROSSING = LineString([(100, 0), (100, 100)])


def test_the_nearest_line_and_its_distance():
    index = index_of(STREET, CROSSING)
    assert nearest(index, 50, 4) == (0, 4.0)
    assert nearest(index, 97, 50) == (1, 3.0)
    assert nearest(index, -3, -4) == (0, 5.0)
    assert nearest(index, 50, 0) == (0, 0.0)


@pytest.mark.parametrize(("y", "rank"), [(29.9999, 0), (30.0, 0), (30.0000001, -1), (31, -1), (1000, -1), (-30.0, 0)])
def test_the_reach_is_inclusive(y, rank):
    assert nearest(index_of(STREET), 50, y)[0] == rank


def test_out_of_reach_there_is_no_distance():
    rank, distance = nearest(index_of(STREET), 50, 40)
    assert rank == -1
    assert math.isnan(distance)


@pytest.mark.parametrize("point", [(math.nan, 0), (0, math.nan), (math.inf, 0), (0, -math.inf), (1e300, 1e300)])
def test_a_point_that_is_nowhere_has_no_segment(point):
    assert nearest(index_of(STREET), *point)[0] == -1


def test_at_a_shared_vertex_the_lowest_rank_wins():
    assert nearest(index_of(STREET, CROSSING), 100, 0) == (0, 0.0)
    assert nearest(index_of(CROSSING, STREET), 100, 0) == (0, 0.0)
    assert nearest(index_of(CROSSING, STREET), 105, -5) == (0, math.sqrt(50))


def test_distances_within_a_millimetre_tie_and_the_distance_is_the_winners_own():
    lower, upper = LineString([(0, 0), (100, 0)]), LineString([(0, 10.0009), (100, 10.0009)])
    rank, distance = nearest(index_of(upper, lower), 50, 5)
    assert rank == 0
    assert distance == pytest.approx(5.0009, abs=1e-9)
    wider = LineString([(0, 10.0011), (100, 10.0011)])
    assert nearest(index_of(wider, lower), 50, 5) == (1, 5.0)


def test_a_tie_must_itself_be_within_reach():
    beyond, within = LineString([(0, 60.0005), (100, 60.0005)]), LineString([(0, 0), (100, 0)])
    assert nearest(index_of(beyond, within), 50, 30) == (1, 30.0)


def test_of_equal_lines_the_first_wins():
    assert nearest(index_of(CROSSING, STREET, STREET, shapely.reverse(STREET)), 20, 7) == (1, 7.0)


def test_a_line_of_many_edges_answers_with_its_nearest():
    bent = LineString([(0, 0), (50, 20), (100, 0), (150, 20), (150.0002, 20), (200, 0)])
    rank, distance = nearest(index_of(bent), 150, 25)
    assert rank == 0
    assert distance == pytest.approx(5.0, abs=1e-6)


def test_long_edges_reach_all_along():
    index = index_of(
        LineString([(0, 0), (10_000, 7_000)]), *[LineString([(x, -500), (x + 5, -500)]) for x in range(0, 900, 9)]
    )
    for share in (0.0, 0.123, 0.5, 0.987, 1.0):
        rank, distance = nearest(index, 10_000 * share, 7_000 * share - 12)
        assert rank == 0
        assert distance == pytest.approx(12 * 10_000 / math.hypot(10_000, 7_000) if share else 12, abs=1e-9)


def test_parts_empty_missing_and_pointlike_lines():
    parts = MultiLineString([[(0, 0), (10, 0)], [(200, 0), (210, 0)]])
    index = index_of(LineString(), None, MultiLineString(), parts, LineString([(300, 0), (300, 0)]))
    assert nearest(index, 205, 3) == (3, 3.0)
    assert nearest(index, 303, 4) == (4, 5.0)
    assert nearest(index, 100, 0)[0] == -1
    assert nearest(index_of(), 0, 0)[0] == nearest(index_of(LineString()), 0, 0)[0] == -1


def test_towns_far_apart_do_not_cost_the_country_between_them():
    far = LineString([(3_000_000, 2_000_000), (3_000_100, 2_000_000)])
    index = index_of(STREET, far)
    assert nearest(index, 50, 1) == (0, 1.0)
    assert nearest(index, 3_000_050, 2_000_001) == (1, 1.0)
    assert nearest(index, 1_500_000, 1_000_000)[0] == -1
    assert index.nbytes < 60_000_000


def test_another_reach_and_tie():
    lines = LineString([(0, 10), (100, 10)]), STREET
    index = index_of(*lines, reach_m=5.0, tie_m=2.0)
    assert nearest(index, 50, 4.5) == (1, 4.5)
    assert nearest(index, 50, 5.0) == (0, 5.0)
    assert index_of(*lines, reach_m=4.0).nearest(np.array([EAST + 50]), np.array([NORTH + 5]))[0][0] == -1


@pytest.mark.parametrize("options", [{"reach_m": 0.0}, {"reach_m": math.nan}, {"reach_m": math.inf}, {"tie_m": -0.1}])
def test_unusable_distances_are_refused(options):
    with pytest.raises(ParameterError):
        index_of(STREET, **options)


def test_only_lines_are_segments():
    with pytest.raises(ParameterError, match="geometry 1 is a Point"):
        index_of(STREET, shapely.Point(0, 0))
    with np.errstate(invalid="ignore"), pytest.raises(ParameterError, match="finite"):
        index_of(shapely.linestrings([(0, 0), (math.nan, 1)]))
