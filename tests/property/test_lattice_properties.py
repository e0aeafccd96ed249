"""Whatever the parent looks like: its cells tile it exactly, none is too small without need, and they are in order."""

import numpy as np
import pyproj
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.geometry.lattice import number_codes, square_cells

CRS, SIZE = "EPSG:4547", 100.0
GEOD = pyproj.Geod(ellps="WGS84")
# The definition of EPSG:4547, spelled out.
METRES = pyproj.Proj("+proj=tmerc +lat_0=0 +lon_0=114 +k=1 +x_0=500000 +y_0=0 +ellps=GRS80")
some = settings(max_examples=150, deadline=None)


@st.composite
def stars(draw, reach_deg=0.006):
    """Concave polygon around Zhengzhou, up to about 1.2 km across, sometimes with a hole of the same kind."""
    lon, lat = draw(st.floats(113.5, 113.8)), draw(st.floats(34.6, 34.9))
    count = draw(st.integers(3, 24))
    radii = np.array(draw(st.lists(st.floats(0.15, 1.0), min_size=count, max_size=count)))
    turn = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False) + draw(st.floats(0.0, 1.0))
    x, y = radii * np.cos(turn), radii * np.sin(turn)
    scale = draw(st.floats(0.02, 1.0)) * reach_deg
    ring = np.column_stack((lon + scale * x, lat + scale * y))
    hole = np.column_stack((lon + 0.4 * scale * x, lat + 0.4 * scale * y))[::-1]
    return shapely.Polygon(ring, [hole] if count > 4 and draw(st.booleans()) else None)


@st.composite
def blocks(draw):
    """Union of rectangles whose sides lie on lattice lines, or up to a nanometre or a micrometre beside them."""
    corner = st.integers(0, 8)
    side = st.integers(1, 5)
    off = draw(st.sampled_from([0.0, 1e-9, -1e-6, 1e-3]))
    drawn = draw(st.lists(st.tuples(corner, corner, side, side), min_size=1, max_size=5))
    union = shapely.union_all([shapely.box(x, y, x + w, y + h) for x, y, w, h in drawn])
    if draw(st.booleans()):
        union = shapely.segmentize(union, 1.0)

    def place(x, y):
        return METRES(468_000 + SIZE * x + off, 3_847_000 + SIZE * y - off, inverse=True)

    return shapely.transform(union, place, interleaved=False)


parents = st.one_of(stars(), blocks()).filter(lambda parent: parent.is_valid)
shares = st.sampled_from([0.0, 0.1, 0.25, 0.5])


def geometries(cells):
    return np.array([cell.geometry for cell in cells], dtype=object)


def metres(geoms):
    return shapely.transform(geoms, METRES, interleaved=False)


def geodesic_m2(geometry):
    return abs(GEOD.geometry_area_perimeter(geometry)[0])


def slices_m2(geometry):
    """Most that can lie between edges as geodesics and as straight lines in degrees: L^3 tan(latitude) / 12 R each."""
    rings = shapely.get_rings(shapely.get_parts(metres(geometry)))
    lengths = [np.hypot(*np.diff(shapely.get_coordinates(ring), axis=0).T) for ring in rings]
    return 1.1 * np.tan(np.radians(35.0)) / (12 * 6_371_000.0) * (np.concatenate(lengths) ** 3).sum()


@some
@given(parents, shares)
def test_cells_tile_their_parent(parent, share):
    cells = geometries(square_cells(parent, CRS, SIZE, share))
    assert shapely.is_valid(cells).all()
    assert (shapely.get_type_id(cells) == shapely.GeometryType.POLYGON).all() or len(cells) == 1
    assert shapely.coverage_is_valid(cells)
    assert shapely.symmetric_difference(shapely.union_all(cells), parent).area <= 1e-9 * parent.area
    assert abs(shapely.area(cells).sum() / parent.area - 1.0) < 1e-9


@some
@given(parents, shares)
def test_geodesic_areas_add_up(parent, share):
    cells = geometries(square_cells(parent, CRS, SIZE, share))
    total = sum(geodesic_m2(cell) for cell in cells)
    with_nodes = shapely.coverage_union_all(cells)
    assert abs(total / geodesic_m2(with_nodes) - 1.0) < 1e-9
    # A vertex every 10 m brings the geodesic polygon of the parent to the straight lines in degrees. (A geodesic area
    # itself is good to some square centimetres when it has thousands of vertices.)
    assert abs(total - geodesic_m2(shapely.segmentize(parent, 1e-4))) < 1e-7 * total + slices_m2(with_nodes) + 0.05
    # The parent as given has fewer vertices; its long edges, as geodesics, leave the straight line by known slices.
    assert abs(total - geodesic_m2(parent)) < 1e-7 * total + slices_m2(parent)


@some
@given(parents, shares, st.integers(0, 2**32 - 1))
def test_every_point_of_the_parent_is_in_a_cell(parent, share, seed):
    cells = geometries(square_cells(parent, CRS, SIZE, share))
    west, south, east, north = parent.bounds
    rng = np.random.default_rng(seed)
    points = shapely.points(rng.uniform(west, east, 300), rng.uniform(south, north, 300))
    inside = shapely.contains_properly(parent, points)
    points = np.append(points[inside], shapely.point_on_surface(parent))
    found, _ = shapely.STRtree(cells).query(points, predicate="covered_by")
    hits = np.bincount(found, minlength=len(points))
    assert (hits == 1).all()  # random points do not fall on lines


@some
@given(parents, shares)
def test_cells_come_row_by_row_from_the_north_and_from_the_west(parent, share):
    cells = square_cells(parent, CRS, SIZE, share)
    places = [(cell.row, cell.column) for cell in cells]
    assert places == sorted(places)
    assert min(row for row, _ in places) == 0
    assert min(column for _, column in places) == 0
    assert square_cells(parent, CRS, SIZE, share) == cells


@some
@given(parents)
def test_row_and_column_are_those_of_the_lattice(parent):
    cells = square_cells(parent, CRS, SIZE, 0.0)
    if len(cells) == 1:
        return
    drawn = shapely.make_valid(metres(geometries(cells)))  # a spike thinner than rounding may cross itself in metres
    column, row = np.array([cell.column for cell in cells]), np.array([cell.row for cell in cells])
    # The square of the largest cell fixes where row 0 and column 0 are; then every other cell must lie in its own.
    large = np.argmax(shapely.area(drawn))
    centre = drawn[large].centroid
    west = (np.floor(centre.x / SIZE) + column - column[large]) * SIZE
    south = (np.floor(centre.y / SIZE) - row + row[large]) * SIZE
    outside = shapely.area(shapely.difference(drawn, shapely.box(west, south, west + SIZE, south + SIZE)))
    # What a cell may have outside: slivers of a centimetre where a line is led along the parent's border.
    assert outside.max() < 4 * SIZE * 0.01


@some
@given(parents, shares)
def test_only_what_has_no_neighbour_is_smaller_than_the_share(parent, share):
    cells = geometries(square_cells(parent, CRS, SIZE, share))
    small = np.flatnonzero(shapely.area(metres(cells)) < share * SIZE**2 - 1e-6)
    touching = shapely.relate(cells[small][:, None], cells[None, :])
    along_an_edge = np.array([[matrix[4] == "1" for matrix in row] for row in touching], dtype=bool).reshape(
        -1, len(cells)
    )
    along_an_edge[np.arange(len(small)), small] = False
    assert not along_an_edge.any()


@some
@given(parents, st.sampled_from([0.0, 0.25]))
def test_no_cell_is_larger_than_its_square_and_what_was_merged_into_it(parent, share):
    cells = geometries(square_cells(parent, CRS, SIZE, share))
    area = shapely.area(metres(cells))
    pieces = shapely.area(metres(geometries(square_cells(parent, CRS, SIZE, 0.0))))
    kept = np.sort(pieces[pieces >= share * SIZE**2])
    assert len(cells) <= len(pieces)
    assert len(cells) >= min(len(kept), 1)
    if share == 0.0:
        assert area.max() <= SIZE**2 * 1.001


@some
@given(st.integers(0, 1200), st.integers(1, 4), st.integers(1, 50))
def test_codes_are_distinct_in_order_and_of_one_length(count, digits, first):
    if first + count - 1 > 10**digits - 1:
        count = max(0, 10**digits - first)
    codes = number_codes("410105001001", count, digits, first)
    assert len(set(codes)) == count
    assert codes == sorted(codes)
    assert all(len(code) == 12 + digits for code in codes)
