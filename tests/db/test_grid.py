"""The lattice in the database: it tiles, numbers and stays."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import shapely
from sqlalchemy import Connection, text

from gis.areas import load_areas
from gis.cells import load_cells
from gis.city import City
from gis.errors import CodeOverflow, Conflict, NotFound, ParameterError
from gis.grid import make_grid
from gis.store.database import versions

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
Write = Callable[..., Path]


def codes(conn: Connection) -> list[str]:
    return list(conn.execute(text("SELECT code FROM cells WHERE retired_at IS NULL ORDER BY code")).scalars())


def test_cells_tile_their_area_and_are_numbered_from_the_north_west(conn: Connection, small_city: City) -> None:
    summary = make_grid(conn, 100)
    found = codes(conn)
    assert summary.added == summary.read == len(found)
    assert {code[:12] for code in found} == {"410102001001", "410102001002", "410102002001", "410102002002"}
    for area in {code[:12] for code in found}:
        own = [code for code in found if code.startswith(area)]
        assert own == [f"{area}{number:03d}" for number in range(1, len(own) + 1)]
    # Sums, overlaps and gaps as PostGIS sees them; it unites with its own rounding.
    worst = conn.execute(
        text(
            "SELECT max(abs(c.km2 / a.area_km2 - 1)), max(ST_Area(ST_SymDifference(a.geom, c.geom)) / ST_Area(a.geom))"
            " FROM areas a JOIN (SELECT area_id, sum(area_km2) AS km2, ST_Union(geom) AS geom FROM cells GROUP BY 1) c"
            " ON c.area_id = a.id"
        )
    ).one()
    assert worst[0] < 1e-5
    assert worst[1] < 1e-9
    overlapping = text(
        "SELECT count(*) FROM cells a JOIN cells b ON a.code < b.code AND a.geom && b.geom"
        " WHERE ST_Area(ST_Intersection(a.geom, b.geom)::geography) > 0.01"
    )
    assert conn.execute(overlapping).scalar() == 0
    corners = conn.execute(
        text(
            "SELECT ST_X(p) AS x, ST_Y(p) AS y FROM (SELECT code, ST_Centroid(geom) AS p FROM cells"
            " WHERE code LIKE '410102001001%') t ORDER BY code"
        )
    ).all()
    assert corners[0].y > corners[-1].y
    assert corners[0].x < corners[1].x
    assert {row.tier for row in conn.execute(text("SELECT DISTINCT tier, surveyed FROM cells"))} == {"general"}


def test_twice_changes_nothing(conn: Connection, small_city: City) -> None:
    first = make_grid(conn, 100)
    conn.execute(text("UPDATE cells SET tier = 'key' WHERE code = '410102001001001'"))
    version, ids = versions(conn)["cells"], conn.execute(text("SELECT id, code FROM cells ORDER BY code")).all()
    again = make_grid(conn, 100)
    assert (again.added, again.changed, again.unchanged, again.retired) == (0, 0, first.added, 0)
    assert conn.execute(text("SELECT id, code FROM cells ORDER BY code")).all() == ids
    assert versions(conn)["cells"] == version


def test_another_size_needs_replace_and_goes_on_numbering(conn: Connection, small_city: City) -> None:
    make_grid(conn, 300, only=["410102001001"])
    old = codes(conn)
    with pytest.raises(Conflict, match="in use in 410102001001; --replace"):
        make_grid(conn, 400, only=["410102001001"])
    summary = make_grid(conn, 400, only=["410102001001"], replace=True)
    new = codes(conn)
    assert summary.retired == len(old)
    assert summary.warnings
    assert not set(new) & set(old)
    assert new[0] == f"410102001001{len(old) + 1:03d}"
    assert make_grid(conn, 400, only=["410102001001"]).unchanged == len(new)


def test_only_and_within(conn: Connection, small_city: City) -> None:
    make_grid(conn, 200, "community", ["410102002"])
    assert {code[:9] for code in codes(conn)} == {"410102002"}
    with pytest.raises(ParameterError, match="--only: no community has a code that begins with 4102"):
        make_grid(conn, 200, only=["4102"])
    with pytest.raises(ParameterError, match="--within: Zhengzhou has district, street, community; not 'ward'"):
        make_grid(conn, 200, "ward")


def test_a_street_without_communities_has_zeros_for_them(conn: Connection, small_city: City) -> None:
    conn.execute(text("DELETE FROM areas WHERE level = 'community'"))
    make_grid(conn, 300, "street", ["410102002"])
    assert {code[:12] for code in codes(conn)} == {"410102002000"}


def test_two_levels_must_not_have_cells_of_the_same_ground(conn: Connection, small_city: City) -> None:
    make_grid(conn, 300, "community", ["410102001"])
    with pytest.raises(Conflict, match="410102001001 has cells of its own, and cells of 410102001 would overlap"):
        make_grid(conn, 300, "street", ["410102001"])
    make_grid(conn, 300, "street", ["410102002"])
    with pytest.raises(Conflict, match="410102002 has cells of its own"):
        make_grid(conn, 300, "community", ["410102002"])


def test_surveyed_cells_are_not_cut_away_silently(conn: Connection, small_city: City, write_geojson: Write) -> None:
    whole = write_geojson("a.geojson", (shapely.box(113.60, 34.70, 113.61, 34.71), {"code": "410102001001001"}))
    load_cells(conn, whole, "wgs84")
    with pytest.raises(Conflict, match="other cells are in use in 410102001001;"):
        make_grid(conn, 100)
    assert codes(conn) == ["410102001001001"]


def test_more_cells_than_digits_names_every_area(conn: Connection, small_city: City) -> None:
    with pytest.raises(CodeOverflow) as refused:
        make_grid(conn, 30)
    assert str(refused.value).count("3 digits leave 999 codes") == 4
    assert codes(conn) == []


@pytest.mark.parametrize("size", [0, -1, float("nan"), 0.01])
def test_sizes_that_cannot_be(conn: Connection, small_city: City, size: float) -> None:
    with pytest.raises(ParameterError, match="size"):
        make_grid(conn, size)


def test_areas_have_to_be_there(conn: Connection, zhengzhou: City) -> None:
    with pytest.raises(NotFound, match="no community yet: load areas first"):
        make_grid(conn, 100)


def test_boston(conn: Connection, boston: City) -> None:
    load_areas(conn, FIXTURES / "boston/areas.geojson", "wgs84")
    summary = make_grid(conn, 100, "district")
    assert summary.added == pytest.approx(13_300, abs=200)
    lost = conn.execute(
        text(
            "SELECT max(abs(c.km2 / a.area_km2 - 1)) FROM areas a"
            " JOIN (SELECT area_id, sum(area_km2) AS km2 FROM cells GROUP BY 1) c ON c.area_id = a.id"
        )
    ).scalar()
    assert lost < 2e-5
