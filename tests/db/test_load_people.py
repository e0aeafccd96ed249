"""Coordinators and responsible persons, and the category dictionary."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError

from gis.areas import load_areas
from gis.categories import load_categories
from gis.cells import load_cells
from gis.city import City
from gis.coordinators import load_coordinators
from gis.errors import CrsError, FileError, RowsRefused
from gis.grid import make_grid
from gis.responsibles import load_responsibles
from gis.store.database import versions

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
Write = Callable[..., Path]

ONE, TWO = "410102001001001", "410102001001002"


@pytest.fixture
def two_cells(conn: Connection, small_city: City, write_geojson: Write) -> None:
    halves = shapely.box(113.600, 34.70, 113.605, 34.71), shapely.box(113.605, 34.70, 113.61, 34.71)
    path = write_geojson("two.geojson", (halves[0], {"code": ONE, "tier": "key"}), (halves[1], {"code": TWO}))
    load_cells(conn, path, "wgs84")


def reasons(refused: pytest.ExceptionInfo[RowsRefused]) -> dict[int, str]:
    return {problem.row: problem.reason for problem in refused.value.problems}


# -- coordinators ---


def posts(conn: Connection) -> list[tuple[Any, ...]]:
    rows = conn.execute(
        text(
            "SELECT c.ref, a.code, c.tier, lower(c.on_post)::text AS first, upper(c.on_post)::text AS stop"
            " FROM coordinators c JOIN areas a ON a.id = c.area_id ORDER BY c.ref"
        )
    )
    return [tuple(row) for row in rows]


def test_posts_by_code(conn: Connection, small_city: City, write_csv: Write) -> None:
    header = "ref,name,street_code,tier,on_post_from,on_post_to"
    path = write_csv("a.csv", header, "A,甲,410102001,key,2015-12-01,", "B,乙,410102002,general,,2016-07-01")
    assert load_coordinators(conn, path).added == 2
    assert posts(conn) == [
        ("A", "410102001", "key", "2015-12-01", None),
        ("B", "410102002", "general", None, "2016-07-01"),
    ]
    assert load_coordinators(conn, path).changes is False
    assert versions(conn)["coordinators"] == 1
    left = write_csv("b.csv", header, "A,甲,410102001,key,2015-12-01,2016-06-01")
    assert load_coordinators(conn, left).changed == 1
    assert posts(conn)[0] == ("A", "410102001", "key", "2015-12-01", "2016-06-01")


def test_posts_by_position(conn: Connection, two_cells: None, write_csv: Write) -> None:
    # On the edge that both cells share: the lowest code.
    path = write_csv("a.csv", "ref,name,lon,lat", "A,甲,113.605,34.705", "B,乙,113.607,34.705")
    with pytest.raises(CrsError):
        load_coordinators(conn, path)
    load_coordinators(conn, path, "wgs84")
    assert posts(conn) == [("A", "410102001", "key", None, None), ("B", "410102001", "general", None, None)]
    outside = write_csv("b.csv", "ref,name,lon,lat", "A,甲,113.9,34.705", "B,乙,,")
    with pytest.raises(RowsRefused) as refused:
        load_coordinators(conn, outside, "wgs84")
    assert reasons(refused) == {
        1: "it has no street_code and no tier, and its position lies in no cell",
        2: "it has no street_code and no tier, and it has no position either",
    }


def test_post_of_a_city_without_streets_is_its_district(
    conn: Connection, boston: City, write_geojson: Write, write_csv: Write
) -> None:
    load_areas(conn, write_geojson("a.geojson", (shapely.box(-71.1, 42.3, -71.09, 42.31), {"name": "A"})), "wgs84")
    make_grid(conn, 500)
    load_coordinators(conn, write_csv("a.csv", "ref,name,lon,lat", "A,a,-71.095,42.305"), "wgs84")
    assert posts(conn) == [("A", "250700001", "general", None, None)]


def test_wrong_coordinators_are_named_at_once(conn: Connection, small_city: City, write_csv: Write) -> None:
    path = write_csv(
        "a.csv",
        "ref,name,street_code,tier,on_post_from,on_post_to",
        "A,甲,410102001,key,,",
        "A,乙,410102001,key,,",
        "C,丙,410109001,key,,",
        "D,丁,410102001,first,,",
        "E,戊,410102001,key,2016-13-01,",
        "F,己,410102001,key,2016-02-01,2016-02-01",
        "G,,410102001,key,,",
    )
    with pytest.raises(RowsRefused) as refused:
        load_coordinators(conn, path)
    found = reasons(refused)
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7]
    assert "the street 410109001 is not known" in found[3]
    assert "'2016-13-01' is no date or time" in found[5]
    assert "is not after its on_post_from" in found[6]
    assert posts(conn) == []


# -- responsible persons ---


def held(conn: Connection) -> list[tuple[Any, ...]]:
    rows = conn.execute(
        text(
            "SELECT p.ref, coalesce(c.code, a.code) AS code, r.valid::text AS valid FROM responsibilities r"
            " JOIN persons p ON p.id = r.person_id LEFT JOIN cells c ON c.id = r.cell_id"
            " LEFT JOIN areas a ON a.id = r.area_id ORDER BY 2, lower(r.valid) NULLS FIRST"
        )
    )
    return [tuple(row) for row in rows]


HEADER = "ref,name,phone,scope,code,valid_from,valid_to"


def test_places_and_times(conn: Connection, two_cells: None, write_csv: Write) -> None:
    path = write_csv(
        "a.csv",
        HEADER,
        "P1,甲,1,cells,410102001,2015-12-01,2016-06-01",
        f"P2,乙,,cell,{ONE},2016-06-01,",
        f"P1,甲,1,cell,{TWO},2016-06-01T08:30:00,",
        "P3,丙,,area,410102001,,",
    )
    summary = load_responsibles(conn, path)
    assert (summary.read, summary.added, summary.counted) == (4, 5, "responsibilities")
    # Days begin at midnight in the city's time zone, eight hours before UTC.
    assert held(conn) == [
        ("P3", "410102001", "(,)"),
        ("P1", ONE, '["2015-11-30 16:00:00+00","2016-05-31 16:00:00+00")'),
        ("P2", ONE, '["2016-05-31 16:00:00+00",)'),
        ("P1", TWO, '["2015-11-30 16:00:00+00","2016-05-31 16:00:00+00")'),
        ("P1", TWO, '["2016-06-01 00:30:00+00",)'),
    ]
    before = held(conn)
    again = load_responsibles(conn, path)
    assert (again.added, again.changed, again.unchanged, again.retired) == (0, 0, 5, 0)
    assert held(conn) == before
    assert versions(conn)["responsibles"] == 1


def test_handing_over(conn: Connection, two_cells: None, write_csv: Write) -> None:
    load_responsibles(conn, write_csv("a.csv", HEADER, f"P1,甲,1,cell,{ONE},2016-01-01,"))
    taken = write_csv("b.csv", HEADER, f"P2,乙,2,cell,{ONE},2016-06-01,")
    with pytest.raises(RowsRefused, match=f"P1 甲, loaded before, answers for {ONE} at that time"):
        load_responsibles(conn, taken)
    both = write_csv("c.csv", HEADER, f"P2,乙,2,cell,{ONE},2016-06-01,", f"P1,甲,1,cell,{ONE},2016-01-01,2016-06-01")
    summary = load_responsibles(conn, both)
    assert (summary.added, summary.changed) == (1, 1)
    assert [row[:2] for row in held(conn)] == [("P1", ONE), ("P2", ONE)]
    assert load_responsibles(conn, both).changes is False


def test_replace_makes_the_file_the_whole_truth_for_its_places(
    conn: Connection, two_cells: None, write_csv: Write
) -> None:
    load_responsibles(conn, write_csv("a.csv", HEADER, "P1,甲,1,cells,410102,2016-01-01,"))
    corrected = write_csv("b.csv", HEADER, f"P2,乙,2,cell,{ONE},2016-01-01,")
    summary = load_responsibles(conn, corrected, replace_others=True)
    assert (summary.added, summary.retired) == (1, 1)
    assert [row[:2] for row in held(conn)] == [("P2", ONE), ("P1", TWO)]
    again = load_responsibles(conn, corrected, replace_others=True)
    assert (again.unchanged, again.changes) == (1, False)


def test_two_at_one_place_are_both_named(conn: Connection, two_cells: None, write_csv: Write) -> None:
    path = write_csv(
        "a.csv",
        HEADER,
        "P1,甲,1,cells,410102001,2016-01-01,2016-06-01",
        f"P2,乙,2,cell,{TWO},2016-05-31,2016-07-01",
        f"P3,丙,3,cell,{TWO},2016-07-01,",
        "P4,丁,4,area,410102001,,",
        "P1,甲,1,area,410102001,2020-01-01,",
    )
    with pytest.raises(RowsRefused) as refused:
        load_responsibles(conn, path)
    assert reasons(refused) == {
        2: f"it shares time at {TWO} with row 1; a place has one person at any instant",
        5: "it shares time at 410102001 with row 4; a place has one person at any instant",
    }
    assert held(conn) == []


def test_wrong_responsibles_are_named_at_once(conn: Connection, two_cells: None, write_csv: Write) -> None:
    path = write_csv(
        "a.csv",
        HEADER,
        f"P1,甲,1,cell,{ONE},,",
        f"P1,甲,2,cell,{TWO},,",
        "P2,乙,,cell,410102001001099,,",
        "P2,乙,,cells,410199,,",
        "P2,乙,,street,410102001,,",
        "P2,乙,,area,410102001,2017-01-01,2016-01-01",
        ",丙,,area,410102001,,",
    )
    with pytest.raises(RowsRefused) as refused:
        load_responsibles(conn, path)
    found = reasons(refused)
    assert sorted(found) == [2, 3, 4, 5, 6, 7]
    assert found[2] == "the person P1 has another name or phone in row 1"
    with pytest.raises(RowsRefused, match="the area 410102002 has no cells to answer for"):
        load_responsibles(conn, write_csv("b.csv", HEADER, "P2,乙,,cells,410102002,,"))


def test_the_database_refuses_two_at_once_by_itself(conn: Connection, two_cells: None) -> None:
    conn.execute(text("INSERT INTO persons (ref, name) VALUES ('P1', 'a'), ('P2', 'b')"))
    insert = text(
        "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id, CAST(:valid AS tstzrange)"
        " FROM persons p, cells c WHERE p.ref = :ref AND c.code = :code"
    )
    conn.execute(insert, {"ref": "P1", "code": ONE, "valid": "[2016-01-01,2016-06-01)"})
    conn.execute(insert, {"ref": "P2", "code": ONE, "valid": "[2016-06-01,)"})
    with pytest.raises(IntegrityError, match="ex_responsibilities_cell"):
        conn.execute(insert, {"ref": "P2", "code": ONE, "valid": "[2016-05-31,2016-06-01)"})


def test_zhengzhou_in_full(conn: Connection, zhengzhou: City) -> None:
    load_areas(conn, FIXTURES / "zhengzhou/areas.geojson", "wgs84")
    cells = make_grid(conn, 100).added
    assert load_coordinators(conn, FIXTURES / "zhengzhou/coordinators.csv").added > 2000
    summary = load_responsibles(conn, FIXTURES / "zhengzhou/responsibles.csv")
    assert summary.added > cells
    assert load_responsibles(conn, FIXTURES / "zhengzhou/responsibles.csv").changes is False
    alone = conn.execute(
        text(
            "SELECT count(*) FROM cells c WHERE (SELECT count(*) FROM responsibilities r"
            " WHERE r.cell_id = c.id AND r.valid @> timestamptz '2016-03-15') <> 1"
        )
    ).scalar()
    assert alone == 0


# -- categories ---


def test_categories(conn: Connection, boston: City, write_csv: Write) -> None:
    summary = load_categories(conn, FIXTURES / "boston/categories.csv")
    assert (summary.read, summary.added) == (158, 158)
    assert load_categories(conn, FIXTURES / "boston/categories.csv").changes is False
    assert versions(conn)["categories"] == 1
    path = write_csv("a.csv", "standard_ref,kind,code,name", "gb,event,0501,占道经营", "gb,component,0501,井盖")
    assert load_categories(conn, path).added == 2
    rows = conn.execute(
        text("SELECT name_en, domain, chaos FROM categories WHERE standard_ref = 'gb' ORDER BY kind DESC")
    ).all()
    assert [tuple(row) for row in rows] == [("占道经营", "other", None), ("井盖", "other", None)]


def test_wrong_categories_are_named_at_once(conn: Connection, boston: City, write_csv: Write) -> None:
    path = write_csv(
        "a.csv",
        "standard_ref,kind,code,name,chaos",
        "gb,event,1,a,",
        "gb,event,1,b,",
        "gb,thing,2,c,",
        "gb,event,3,d,noise",
        ",event,,,",
    )
    with pytest.raises(RowsRefused) as refused:
        load_categories(conn, path)
    assert sorted(reasons(refused)) == [1, 2, 3, 4, 5]
    assert reasons(refused)[5] == "it has no standard_ref and no code and no name"
    with pytest.raises(FileError, match="no column standard_ref"):
        load_categories(conn, write_csv("b.csv", "kind,code,name", "event,1,a"))
