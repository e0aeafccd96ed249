"""Which cell a point belongs to: worked by hand, every shape and every kind of boundary."""

import numpy as np
import pytest
import shapely
from shapely import MultiPolygon, Polygon, box

from gis.errors import ParameterError
from gis.geometry.cell_index import CellIndex


def index_of(*polygons):
    return CellIndex.build(np.array(polygons, dtype=object))


def rank(index, lon, lat):
    """The answer of both paths, which must be one."""
    bulk = index.locate(np.array([lon], float), np.array([lat], float))
    assert bulk.dtype == np.int32
    assert index.locate_one(float(lon), float(lat)) == bulk[0]
    return int(bulk[0])


LEFT, RIGHT, UPPER = box(0, 0, 1, 1), box(1, 0, 2, 1), box(0, 1, 2, 2)
RING = Polygon([(0, 0), (4, 0), (4, 4), (0, 4)], [[(1, 1), (3, 1), (3, 3), (1, 3)]])


@pytest.mark.parametrize(
    ("lon", "lat", "expected"),
    [
        (0.5, 0.5, 0),
        (1.5, 0.5, 1),
        (0.5, 1.5, 2),
        (1.0, 0.5, 0),  # edge between 0 and 1
        (1.5, 1.0, 1),  # edge between 1 and 2
        (1.0, 1.0, 0),  # T-junction: corner of 0 and 1 in the middle of an edge of 2
        (1.0, 0.0, 0),  # corner of 0 and 1 on the outer edge
        (2.0, 1.0, 1),  # corner of 1 and 2
        (0.0, 0.0, 0),  # outer corners
        (2.0, 2.0, 2),
        (0.0, 2.0, 2),
        (2.0, 0.0, 1),
        (0.0, 0.3, 0),  # outer edges
        (2.0, 0.3, 1),
        (0.3, 2.0, 2),
        (0.3, 0.0, 0),
        (-0.1, 0.5, -1),
        (2.1, 0.5, -1),
        (0.5, -0.1, -1),
        (0.5, 2.1, -1),
        (np.nextafter(2.0, 3.0), 0.5, -1),
        (1e300, 0.5, -1),
        (np.nan, 0.5, -1),
        (0.5, np.nan, -1),
        (np.inf, 0.5, -1),
        (0.5, -np.inf, -1),
    ],
)
def test_a_point_of_a_tiling_belongs_to_the_lowest_cell_that_covers_it(lon, lat, expected):
    assert rank(index_of(LEFT, RIGHT, UPPER), lon, lat) == expected


@pytest.mark.parametrize("turn", [lambda cell: cell, shapely.reverse])
def test_the_answer_does_not_hang_on_the_direction_of_the_ring(turn):
    index = index_of(turn(LEFT), turn(RIGHT), turn(UPPER))
    assert [rank(index, *point) for point in [(0.5, 0.5), (1, 1), (1.5, 1), (2, 2), (3, 3)]] == [0, 0, 1, 2, -1]


@pytest.mark.parametrize(
    ("lon", "lat", "covered"),
    [
        (0.5, 2, True),
        (2, 2, False),
        (1, 2, True),
        (1, 1, True),
        (3, 3, True),
        (2, 1, True),
        (2.999, 2, False),
        (0, 4, True),
    ],
)
def test_a_hole_is_outside_and_its_edge_is_covered(lon, lat, covered):
    assert (rank(index_of(RING), lon, lat) == 0) == covered


def test_a_cell_in_the_hole_of_another_gets_the_hole_but_not_its_edge():
    index = index_of(RING, box(1, 1, 3, 3))
    assert [rank(index, *point) for point in [(2, 2), (1, 2), (3, 3), (0.5, 0.5)]] == [1, 0, 0, 0]
    index = index_of(box(1, 1, 3, 3), RING)
    assert [rank(index, *point) for point in [(2, 2), (1, 2), (3, 3), (0.5, 0.5)]] == [0, 0, 0, 1]


def test_any_part_of_a_multipolygon_will_do():
    island = Polygon([(1.5, 1.5), (2.5, 1.5), (2, 2.5)])
    index = index_of(MultiPolygon([RING, island, box(10, 10, 11, 11)]), box(0, 0, 20, 20))
    answers = [
        rank(index, *point) for point in [(0.5, 0.5), (1.2, 2), (2, 2), (2, 2.5), (10.5, 10.5), (11, 11), (7, 7)]
    ]
    assert answers == [0, 1, 0, 0, 0, 0, 1]


def test_where_cells_overlap_the_lowest_wins_far_from_every_edge_too():
    wide, narrow = box(0, 0, 10, 10), box(4, 4, 6, 6)
    small = [box(x, 20, x + 0.3, 20.3) for x in range(40)]  # makes buckets small against the two
    assert [rank(index_of(wide, narrow, *small), 5, 5), rank(index_of(narrow, wide, *small), 5, 5)] == [0, 0]
    assert [rank(index_of(wide, narrow, *small), 4, 5), rank(index_of(narrow, wide, *small), 8, 5)] == [0, 1]


def test_a_hole_far_from_every_edge_is_still_a_hole():
    small = [box(x, 20, x + 0.3, 20.3) for x in range(40)]
    frame = Polygon(box(0, 0, 18, 18).exterior, [box(2, 2, 16, 16).exterior])
    points = [(5, 5), (8.5, 8.5), (1, 1), (17, 17), (3.05, 20.05)]
    index = index_of(*small, *[Polygon()] * 60, frame, box(8, 8, 9, 9))
    assert [rank(index, *point) for point in points] == [-1, 101, 100, 100, 3]


def test_empty_missing_and_flat_polygons_do_no_harm():
    flat = Polygon([(0, 0), (1, 1), (0, 0), (0, 0)])
    index = index_of(Polygon(), None, MultiPolygon(), flat, LEFT)
    assert [rank(index, 0.5, 0.25), rank(index, 0.5, 0.5), rank(index, 2, 2)] == [4, 3, -1]
    for nothing in (index_of(), index_of(Polygon()), index_of(Polygon([(0, 0)] * 4))):
        assert rank(nothing, 0.0, 0.0) == -1


def test_repeated_vertices_change_nothing():
    index = index_of(Polygon([(0, 0), (0, 0), (1, 0), (1, 0), (1, 0), (1, 1), (0, 1), (0, 1), (0, 0)]))
    assert [rank(index, *point) for point in [(0.5, 0.5), (1, 0), (0, 0), (0.5, 0), (1.01, 0)]] == [0, 0, 0, 0, -1]


def test_towns_far_apart_do_not_cost_the_country_between_them():
    towns = [box(lon, lat, lon + 0.001, lat + 0.001) for lon, lat in [(73.6, 18.2), (73.601, 18.2), (135.0, 53.5)]]
    index = index_of(*towns)
    assert [rank(index, 73.6005, 18.2005), rank(index, 135.0005, 53.5005), rank(index, 100, 30)] == [0, 2, -1]
    assert index.nbytes < 40_000_000


def test_no_points_give_no_answers():
    assert index_of(LEFT).locate(np.zeros(0), np.zeros(0)).shape == (0,)


@pytest.mark.parametrize("wrong", [shapely.Point(0, 0), shapely.LineString([(0, 0), (1, 1)])])
def test_only_polygons_are_cells(wrong):
    with pytest.raises(ParameterError, match="geometry 1 is a"):
        index_of(LEFT, wrong)


def test_a_vertex_that_is_not_a_number_is_refused():
    with np.errstate(invalid="ignore"), pytest.raises(ParameterError, match="finite"):
        index_of(shapely.polygons([(0, 0), (1, 0), (np.nan, 1), (0, 0)]))
