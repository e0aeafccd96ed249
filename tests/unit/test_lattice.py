"""Square cells of simple parents, whose cells can be named one by one; and the codes they get."""

import math

import numpy as np
import pyproj
import pytest
import shapely

from gis.errors import CodeOverflow, CrsError, InputError, ParameterError
from gis.geometry.lattice import MAX_SQUARES, _inner_points, number_codes, square_cells

# CGCS2000, 3-degree zone of Zhengzhou; the corner of the lattice that all parents here are drawn around.
CRS = "EPSG:4547"
X, Y = 468_000.0, 3_847_000.0
PROJECTION = pyproj.Transformer.from_pipeline(
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad"
    " +step +proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80"
)


def on_earth(metric, step_m=1.0):
    """Polygon drawn in metres from (X, Y), with a vertex every metre so that its sides follow the lattice lines."""
    dense = shapely.segmentize(metric, step_m)
    return shapely.transform(
        dense, lambda x, y: PROJECTION.transform(x + X, y + Y, direction="INVERSE"), interleaved=False
    )


def in_metres(geometry):
    def move(x, y):
        x, y = PROJECTION.transform(x, y)
        return x - X, y - Y

    return shapely.transform(geometry, move, interleaved=False)


def boxes(cells):
    """Extent of each cell in whole metres from (X, Y)."""
    return [tuple(float(v) for v in np.round(in_metres(cell.geometry).bounds)) for cell in cells]


def places(cells):
    return [(cell.row, cell.column) for cell in cells]


def assert_tiles(cells, parent):
    geometries = np.array([cell.geometry for cell in cells])
    assert shapely.is_valid(geometries).all()
    assert shapely.coverage_is_valid(geometries)
    assert shapely.symmetric_difference(shapely.union_all(geometries), parent).area <= 1e-9 * parent.area
    assert shapely.area(geometries).sum() == pytest.approx(parent.area, rel=1e-9)


def test_an_aligned_rectangle_is_numbered_like_a_page():
    parent = on_earth(shapely.box(0, 0, 300, 200))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert places(cells) == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]
    assert boxes(cells) == [
        (0, 100, 100, 200),
        (100, 100, 200, 200),
        (200, 100, 300, 200),
        (0, 0, 100, 100),
        (100, 0, 200, 100),
        (200, 0, 300, 100),
    ]
    assert all(in_metres(cell.geometry).area == pytest.approx(10_000, abs=1) for cell in cells)


def test_lines_are_multiples_of_the_size_whatever_the_parent():
    # From 40 m east and 30 m north: the first line is at 100 m, not at 140.
    parent = on_earth(shapely.box(40, 30, 270, 200))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [
        (40, 100, 100, 200),
        (100, 100, 200, 200),
        (200, 100, 270, 200),
        (40, 30, 100, 100),
        (100, 30, 200, 100),
        (200, 30, 270, 100),
    ]


def test_another_size_and_another_crs():
    parent = on_earth(shapely.box(0, 0, 400, 400))
    assert len(square_cells(parent, CRS, size_m=200.0)) == 4
    utm = square_cells(parent, "EPSG:32649", min_share=0.0)
    assert_tiles(utm, parent)
    assert len(utm) >= 16


def test_a_sliver_strip_goes_to_the_cells_beside_it():
    # 20 m too wide in the east: 20 % of a square.
    parent = on_earth(shapely.box(0, 0, 220, 200))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 100, 100, 200), (100, 100, 220, 200), (0, 0, 100, 100), (100, 0, 220, 100)]
    assert places(cells) == [(0, 0), (0, 1), (1, 0), (1, 1)]
    assert all(cell.geometry.geom_type == "Polygon" for cell in cells)


def test_a_strip_above_the_share_stays():
    parent = on_earth(shapely.box(0, 0, 230, 100))
    assert boxes(square_cells(parent, CRS)) == [(0, 0, 100, 100), (100, 0, 200, 100), (200, 0, 230, 100)]
    assert boxes(square_cells(parent, CRS, min_share=0.4)) == [(0, 0, 100, 100), (100, 0, 230, 100)]


def test_without_a_share_only_rounding_is_merged():
    parent = on_earth(shapely.box(0, 0, 101, 100))
    assert boxes(square_cells(parent, CRS, min_share=0.0)) == [(0, 0, 100, 100), (100, 0, 101, 100)]


def test_rounding_along_a_shared_line_makes_no_cells():
    # The outline runs along lattice lines, but a nanometre beside them.
    parent = on_earth(shapely.box(-1e-9, -1e-9, 200 + 1e-9, 200 + 1e-9))
    cells = square_cells(parent, CRS, min_share=0.0)
    assert_tiles(cells, parent)
    assert len(cells) == 4


def test_a_sliver_goes_where_its_border_is_longest():
    # A foot of 60 m by 30 m hangs below the second square, 10 m of it below the first.
    foot = shapely.box(90, -30, 150, 0)
    parent = on_earth(shapely.union(shapely.box(0, 0, 200, 100), foot))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    # The 10 m by 30 m piece borders 30 m on the other piece of the foot and 10 m on the first square.
    assert boxes(cells) == [(0, 0, 100, 100), (90, -30, 200, 100)]


def test_equal_borders_go_to_the_first_in_code_order():
    # A bridge of 20 m between two squares touches both along the same 20 m. The other one from north to south.
    bridge = [shapely.box(0, 0, 100, 100), shapely.box(100, 30, 200, 50), shapely.box(200, 0, 300, 100)]
    parent = on_earth(shapely.union_all(bridge))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 0, 200, 100), (200, 0, 300, 100)]
    assert places(cells) == [(0, 0), (0, 2)]
    bridge = [shapely.box(0, 0, 100, 100), shapely.box(60, 100, 80, 200), shapely.box(0, 200, 100, 300)]
    assert boxes(square_cells(on_earth(shapely.union_all(bridge)), CRS)) == [(0, 100, 100, 300), (0, 0, 100, 100)]


@pytest.mark.parametrize("decimals", [15, 9, 7])
@pytest.mark.parametrize("step_m", [1.0, 100.0, 1000.0])
def test_a_border_along_the_lattice_leaves_no_slivers(decimals, step_m):
    stairs = shapely.union_all([shapely.box(0, 0, 600, 300), shapely.box(200, 300, 500, 700)])
    parent = on_earth(stairs, step_m)
    parent = shapely.transform(parent, lambda c: np.round(c, decimals))
    cells = square_cells(parent, CRS, min_share=0.0)
    assert_tiles(cells, parent)
    if step_m <= 100.0:
        assert len(cells) == 6 * 3 + 3 * 4


def test_the_smallest_piece_goes_first_and_a_grown_one_stays():
    # Three squares in a row, filled 10 m, 22 m and 100 m high: the first goes to the second, then that is large enough.
    steps = [shapely.box(0, 0, 100, 10), shapely.box(100, 0, 200, 22), shapely.box(200, 0, 300, 100)]
    parent = on_earth(shapely.union_all(steps))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 0, 200, 22), (200, 0, 300, 100)]
    assert places(cells) == [(0, 0), (0, 1)]  # not (0, 2): both have the column of their larger piece


def test_borders_with_the_pieces_of_a_neighbour_add_up():
    # The last piece has 30 m with one and 30 m with another that have both gone to the square in the north-west, and
    # 40 m with the square in the east.
    square, east = shapely.box(0, 100, 100, 200), shapely.box(200, 0, 300, 100)
    above, left = shapely.box(100, 100, 130, 150), shapely.box(40, 70, 100, 100)
    last = [shapely.box(100, 70, 130, 100), shapely.box(110, 60, 200, 70), shapely.box(190, 30, 200, 60)]
    parent = on_earth(shapely.union_all([square, east, above, left, *last]))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 30, 200, 200), (200, 0, 300, 100)]


def test_a_long_edge_that_bends_in_metres_is_cut_all_along():
    # 174 km from west to east in one straight line of degrees leave their northing by some 400 m, four rows.
    parent = shapely.box(113.0, 34.75, 114.9, 34.7515)
    cells = square_cells(parent, CRS, min_share=0.0)
    assert_tiles(cells, parent)
    # In degrees, where edges are straight; a square of 100 m is 0.000345 of this parent.
    assert max(cell.geometry.area for cell in cells) < 0.00036 * parent.area
    assert max(cell.row for cell in cells) == 6


def test_a_sliver_with_a_tail_thinner_than_rounding_is_known_by_its_widest_part():
    # As noding leaves them: 2 mm wide in the east, and a tail to the south that holds the representative point.
    sliver = shapely.Polygon(
        [
            (113.65705655358641, 34.754399834766794),
            (113.65814871292864, 34.754402905576214),
            (113.65814871300937, 34.75440288598602),
            (113.65705655358644, 34.75439983476678),
            (113.65706027239015, 34.75350029419778),
        ]
    )
    assert sliver.is_valid
    assert sliver.exterior.distance(sliver.point_on_surface()) < 1e-12
    faces = np.array([shapely.box(0, 0, 1, 1), sliver, shapely.box(2, 0, 3, 1)])
    points = shapely.points(_inner_points(faces))
    assert shapely.contains(faces, points).all()
    assert sliver.exterior.distance(points[1]) > 1e-9


def test_an_l_shape():
    parent = on_earth(shapely.union(shapely.box(0, 0, 300, 100), shapely.box(0, 0, 100, 300)))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert places(cells) == [(0, 0), (1, 0), (2, 0), (2, 1), (2, 2)]


def test_a_hole_stays_a_hole():
    lake = shapely.box(110, 110, 190, 190)
    parent = on_earth(shapely.box(0, 0, 300, 300) - lake)
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert not any(cell.geometry.contains(on_earth(lake).centroid) for cell in cells)
    assert len(cells) == 9
    ring = cells[4].geometry
    assert (cells[4].row, cells[4].column) == (1, 1)
    assert len(ring.interiors) == 1


def test_two_pieces_of_one_square_stay_two_cells_west_first():
    # A canal of 10 m along the middle of one square.
    parent = on_earth(shapely.MultiPolygon([shapely.box(0, 0, 45, 100), shapely.box(55, 0, 200, 100)]))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 0, 45, 100), (55, 0, 100, 100), (100, 0, 200, 100)]
    assert places(cells) == [(0, 0), (0, 0), (0, 1)]


def test_two_pieces_of_one_square_below_each_other_north_first():
    parent = on_earth(shapely.MultiPolygon([shapely.box(0, 0, 100, 45), shapely.box(0, 55, 100, 200)]))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert boxes(cells) == [(0, 100, 100, 200), (0, 55, 100, 100), (0, 0, 100, 45)]
    assert places(cells) == [(0, 0), (1, 0), (1, 0)]


def test_a_tiny_parent_is_one_cell():
    parent = on_earth(shapely.box(60, 60, 140, 140))  # across four squares
    [cell] = square_cells(parent, CRS)
    assert (cell.row, cell.column) == (0, 0)
    assert cell.geometry.equals(parent)


def test_a_tiny_parent_of_several_parts_is_one_cell():
    parent = on_earth(shapely.MultiPolygon([shapely.box(0, 0, 20, 20), shapely.box(300, 0, 320, 20)]))
    [cell] = square_cells(parent, CRS)
    assert cell.geometry.equals(parent)


def test_a_small_island_is_a_cell_of_its_own():
    parent = on_earth(shapely.MultiPolygon([shapely.box(0, 0, 200, 100), shapely.box(410, 10, 420, 20)]))
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert places(cells) == [(0, 0), (0, 1), (0, 4)]


def test_height_is_dropped():
    parent = shapely.force_3d(on_earth(shapely.box(0, 0, 200, 100)), 90.0)
    assert not any(cell.geometry.has_z for cell in square_cells(parent, CRS))


def test_neighbouring_parents_share_lines_and_nodes():
    # One border, slanting across the lattice, given with the same two vertices to both.
    a, b = (PROJECTION.transform(X + dx, Y + dy, direction="INVERSE") for dx, dy in ((430.0, 0.0), (570.0, 1000.0)))
    west, north_west = (PROJECTION.transform(X, Y + dy, direction="INVERSE") for dy in (0.0, 1000.0))
    east, north_east = (PROJECTION.transform(X + 1000.0, Y + dy, direction="INVERSE") for dy in (0.0, 1000.0))
    left, right = shapely.Polygon([west, a, b, north_west]), shapely.Polygon([a, east, north_east, b])
    border = shapely.LineString([a, b])

    def nodes(parent):
        at = shapely.get_coordinates([cell.geometry for cell in square_cells(parent, CRS, min_share=0.0)])
        at = at[shapely.distance(shapely.points(at), border) < 1e-12]
        return at[np.argsort(at[:, 1])]

    ours, theirs = nodes(left), nodes(right)
    assert len(np.unique(np.round(ours, 10), axis=0)) > 10
    apart = np.abs(ours[:, None, :] - theirs[None, :, :]).max(axis=2)
    assert apart.min(axis=1).max() < 1e-12
    assert apart.min(axis=0).max() < 1e-12


def test_a_district_of_a_hundred_square_kilometres_has_ten_thousand_cells():
    corners = [(0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000)]
    parent = shapely.Polygon([PROJECTION.transform(X + x, Y + y, direction="INVERSE") for x, y in corners])
    cells = square_cells(parent, CRS)
    assert_tiles(cells, parent)
    assert places(cells) == [(row, column) for row in range(100) for column in range(100)]


@pytest.mark.parametrize(
    ("parent", "why"),
    [
        (shapely.Polygon(), "is empty"),
        (shapely.MultiPolygon(), "is empty"),
        (shapely.Polygon([(113, 34), (114, 35), (114, 34), (113, 35)]), "Self-intersection"),
        (shapely.Point(113, 34), "is a Point"),
        (shapely.LineString([(113, 34), (114, 35)]), "is a LineString"),
        (None, "is a NoneType"),
        (shapely.box(468_000, 3_847_000, 469_000, 3_848_000), "give longitude, latitude in degrees"),
    ],
)
def test_what_cannot_be_cut_is_refused(parent, why):
    with pytest.raises(InputError, match=why):
        square_cells(parent, CRS)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"size_m": 0.0}, "size_m: 0.0 is not a length"),
        ({"size_m": -100.0}, "size_m: -100.0"),
        ({"size_m": math.nan}, "size_m: nan"),
        ({"size_m": math.inf}, "size_m: inf"),
        ({"min_share": -0.1}, "min_share: -0.1"),
        ({"min_share": 0.6}, "min_share: 0.6"),
        ({"min_share": math.nan}, "min_share: nan"),
        ({"size_m": 0.01}, f"squares around the parent, above {MAX_SQUARES}"),
        ({"metric_crs": "EPSG:26986"}, "EPSG:26986 is made for another place"),
        ({"metric_crs": "EPSG:2056"}, "EPSG:2056 is made for another place"),
    ],
)
def test_options_out_of_range_are_refused(options, why):
    with pytest.raises(ParameterError, match=why):
        square_cells(on_earth(shapely.box(0, 0, 300, 300)), **{"metric_crs": CRS, **options})


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:2249", "nowhere"])
def test_a_crs_without_true_metres_is_refused(crs):
    with pytest.raises(CrsError):
        square_cells(on_earth(shapely.box(0, 0, 300, 300)), crs)


def test_codes_run_on_from_one():
    assert number_codes("410105001001", 3) == ["410105001001001", "410105001001002", "410105001001003"]
    assert number_codes("410105001001", 2, digits=2, first=98) == ["41010500100198", "41010500100199"]
    assert number_codes("410105001001", 0) == []


def test_the_last_code_is_999():
    assert number_codes("c", 999)[-1] == "c999"
    assert number_codes("c", 1, first=999) == ["c999"]
    assert number_codes("c", 0, first=1000) == []


@pytest.mark.parametrize(
    ("count", "digits", "first", "fit"),
    [(1000, 3, 1, 999), (2, 3, 999, 1), (1, 3, 1000, 0), (1, 3, 5000, 0), (100, 2, 1, 99)],
)
def test_overflow_says_who_how_many_and_what_to_do(count, digits, first, fit):
    with pytest.raises(CodeOverflow) as caught:
        number_codes("410105001001", count, digits=digits, first=first)
    text = str(caught.value)
    assert text.startswith(f"410105001001 has {count} cells")
    assert f"{digits} digits leave {fit} codes" in text
    assert "make the cells larger, or give cells more digits in the city's code lengths" in text


@pytest.mark.parametrize("options", [{"count": -1}, {"digits": 0}, {"first": 0}])
def test_numbers_below_their_least_are_refused(options):
    with pytest.raises(ParameterError, match=f"{next(iter(options))}: "):
        number_codes("c", **{"count": 1, **options})
