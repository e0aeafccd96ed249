"""Loading areas: hierarchy, codes, overlaps, repairs; twice changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, text

from gis.areas import load_areas
from gis.city import City
from gis.errors import CityError, FileError, ParameterError, RowsRefused
from gis.grid import make_grid
from gis.store.database import versions

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
DIRTY = Path(__file__).parent.parent / "data/dirty/zhengzhou_districts_gcj02_invalid.geojson"

Write = Callable[..., Path]

WEST, EAST = shapely.box(113.60, 34.70, 113.62, 34.72), shapely.box(113.62, 34.70, 113.64, 34.72)


def reasons(refused: pytest.ExceptionInfo[RowsRefused]) -> dict[int, str]:
    return {problem.row: problem.reason for problem in refused.value.problems}


def stored(conn: Connection) -> list[Any]:
    return list(
        conn.execute(
            text(
                "SELECT a.level, a.code, a.name, p.code AS parent, a.area_km2, md5(ST_AsBinary(a.geom)) AS shape"
                " FROM areas a LEFT JOIN areas p ON p.id = a.parent_id WHERE a.retired_at IS NULL ORDER BY a.code"
            )
        )
    )


def test_boston_as_found(conn: Connection, boston: City) -> None:
    summary = load_areas(conn, FIXTURES / "boston/areas.geojson", "wgs84")
    assert (summary.read, summary.added, summary.changed, summary.unchanged) == (26, 26, 0, 0)
    assert [one.code for one in summary.repairs] == ["Hyde Park", "East Boston", "Downtown", "Beacon Hill"]
    assert summary.warnings == [
        "250700001 Allston in row 25 and 250700011 Fenway in row 5 overlap by 30.57 m2 (tolerated)"
    ]
    rows = stored(conn)
    # The stated rule: numbered from 1 in the order of the names by code point.
    assert [row.code for row in rows] == [f"2507000{number:02d}" for number in range(1, 27)]
    assert [row.name for row in rows] == sorted(row.name for row in rows)
    assert (rows[0].name, rows[-1].name) == ("Allston", "West Roxbury")
    assert 120 < sum(row.area_km2 for row in rows) < 135
    assert versions(conn)["areas"] == 1

    again = load_areas(conn, FIXTURES / "boston/areas.geojson", "wgs84")
    assert (again.added, again.changed, again.unchanged, again.changes) == (0, 0, 26, False)
    assert stored(conn) == rows
    assert versions(conn)["areas"] == 1


def test_boston_overlap_is_refused_where_less_is_tolerated(conn: Connection, boston: City) -> None:
    with pytest.raises(RowsRefused) as refused:
        load_areas(conn, FIXTURES / "boston/areas.geojson", "wgs84", tolerance_m2=30)
    assert list(reasons(refused)) == [25]
    assert "250700011 Fenway in row 5 by 30.57 m2" in reasons(refused)[25]
    assert stored(conn) == []


def test_zhengzhou_with_all_levels(conn: Connection, zhengzhou: City) -> None:
    summary = load_areas(conn, FIXTURES / "zhengzhou/areas.geojson", "wgs84")
    rows = stored(conn)
    assert summary.added == summary.read == len(rows)
    assert summary.repairs == []
    assert summary.warnings == []
    assert all(row.parent is None if row.level == "district" else row.code.startswith(row.parent) for row in rows)
    assert {len(row.code) for row in rows if row.level == "community"} == {12}
    assert float(sum(row.area_km2 for row in rows if row.level == "district")) == pytest.approx(7565, abs=5)
    assert load_areas(conn, FIXTURES / "zhengzhou/areas.geojson", "wgs84").unchanged == len(rows)


def test_twelve_dirty_districts_load_repaired(conn: Connection, zhengzhou: City) -> None:
    summary = load_areas(conn, DIRTY, "gcj02", {"code": "id"}, level="district")
    assert (summary.added, summary.crs, len(summary.repairs)) == (12, "gcj02", 12)
    again = load_areas(conn, DIRTY, "gcj02", {"code": "id"}, level="district")
    assert (again.unchanged, len(again.repairs)) == (12, 12)


def test_a_city_has_to_be_there(conn: Connection) -> None:
    with pytest.raises(CityError, match="no city yet"):
        load_areas(conn, FIXTURES / "boston/areas.geojson", "wgs84")


def test_level_by_column_by_option_or_as_the_only_one(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson("a.geojson", (WEST, {"name": "a", "code": "410102"}))
    with pytest.raises(FileError, match="no column level: say --level, one of district, street, community"):
        load_areas(conn, path, "wgs84")
    with pytest.raises(ParameterError, match="--level: Zhengzhou has district, street, community; not 'ward'"):
        load_areas(conn, path, "wgs84", level="ward")
    assert load_areas(conn, path, "wgs84", level="district").added == 1
    path = write_geojson("b.geojson", (EAST, {"name": "b", "level": "cell"}), (EAST, {"name": "c", "level": "street"}))
    with pytest.raises(RowsRefused) as refused:
        load_areas(conn, path, "wgs84", level="district")
    assert "is none of Zhengzhou's" in reasons(refused)[1]
    assert "--level says district" in reasons(refused)[2]


def test_everything_wrong_with_codes_is_named_at_once(conn: Connection, small_city: City, write_geojson: Write) -> None:
    conn.execute(text("UPDATE areas SET retired_at = now() WHERE code = '410102002002'"))
    before = stored(conn)
    at = [shapely.box(113.60 + number / 1000, 34.700, 113.601 + number / 1000, 34.701) for number in range(10)]
    path = write_geojson(
        "a.geojson",
        (at[0], {"level": "community", "code": "410102001007", "name": "twice"}),
        (at[1], {"level": "community", "code": "410102001007", "name": "twice"}),
        (at[2], {"level": "community", "code": "41010200108", "name": "short"}),
        (at[3], {"level": "community", "code": "410102001x09", "name": "letter"}),
        (at[4], {"level": "community", "code": "410102002002", "name": "retired"}),
        (at[5], {"level": "community", "code": "410102009001", "name": "of no street"}),
        (at[6], {"level": "community", "code": "410102001010", "name": "elsewhere", "parent_code": "410102002"}),
        (at[7], {"level": "community", "code": "410102001011", "name": "unknown", "parent_code": "410199001"}),
        (at[8], {"level": "street", "code": "410102001", "name": "", "parent_code": "410102"}),
        (at[9], {"level": "district", "code": "410302", "name": "another city"}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_areas(conn, path, "wgs84")
    found = reasons(refused)
    assert sorted(found) == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert found[1] == found[2] == "the code 410102001007 stands in the file more than once"
    assert "3 digits, 12 characters in all" in found[3]
    assert "3 digits, 12 characters in all" in found[4]
    assert "was retired" in found[5]
    assert "names 410102009 as its parent, which is not known" in found[6]
    assert "does not begin with its parent's code 410102002" in found[7]
    assert "its parent 410199001 is not known; a parent is a district or street" in found[8]
    assert found[9] == "it has no name"
    assert "does not begin with the city's code 4101" in found[10]
    assert stored(conn) == before


def test_a_code_keeps_its_level(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    zhengzhou_like = write_geojson("a.geojson", (WEST, {"level": "district", "code": "410102", "name": "a"}))
    load_areas(conn, zhengzhou_like, "wgs84")
    again = write_geojson("b.geojson", (WEST, {"level": "street", "code": "410102", "name": "a"}))
    with pytest.raises(RowsRefused, match="is that of a district already"):
        load_areas(conn, again, "wgs84")


def test_overlaps_and_children_outside_name_both_sides(
    conn: Connection, small_city: City, write_geojson: Write
) -> None:
    path = write_geojson(
        "a.geojson",
        (shapely.box(113.60, 34.71, 113.61, 34.72), {"level": "street", "code": "410102003", "name": "north"}),
        (shapely.box(113.635, 34.70, 113.64, 34.71), {"level": "street", "code": "410102004", "name": "east"}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_areas(conn, path, "wgs84")
    assert "of 410102003 north in row 1 lie outside its parent 410102 中原区" in reasons(refused)[1]
    assert "410102004 east in row 2 overlaps 410102002 建设路街道 by 5081" in reasons(refused)[2]


def test_a_parent_must_not_shrink_away_from_its_children(
    conn: Connection, small_city: City, write_geojson: Write
) -> None:
    path = write_geojson(
        "a.geojson", (shapely.box(113.60, 34.70, 113.63, 34.71), {"level": "district", "code": "410102", "name": "x"})
    )
    with pytest.raises(RowsRefused, match="410102002 建设路街道 lie outside its parent 410102 x in row 1"):
        load_areas(conn, path, "wgs84")


def test_parent_by_code_else_by_location(conn: Connection, small_city: City, write_geojson: Write) -> None:
    load = write_geojson(
        "a.geojson",
        (shapely.box(113.60, 34.70, 113.605, 34.71), {"level": "community", "name": "乙"}),
        (shapely.box(113.605, 34.70, 113.61, 34.71), {"level": "community", "name": "丙"}),
    )
    conn.execute(text("DELETE FROM areas WHERE code = '410102001001'"))
    summary = load_areas(conn, load, "wgs84")
    # Sorted by code point: 丙 U+4E19 before 乙 U+4E59; after 002, which is in use in this street.
    added = {row.name: (row.code, row.parent) for row in stored(conn) if row.name in "乙丙"}
    assert added == {"丙": ("410102001003", "410102001"), "乙": ("410102001004", "410102001")}
    assert summary.added == 2
    assert load_areas(conn, load, "wgs84").unchanged == 2


def test_numbers_of_retired_areas_are_not_given_again(conn: Connection, boston: City, write_geojson: Write) -> None:
    south, middle, north = (shapely.box(-71.1, 42.2 + at / 10, -71.0, 42.3 + at / 10) for at in range(3))
    load_areas(conn, write_geojson("a.geojson", (south, {"name": "A"}), (middle, {"name": "B"})), "wgs84")
    summary = load_areas(conn, write_geojson("b.geojson", (south, {"name": "A"})), "wgs84", replace_others=True)
    assert (summary.unchanged, summary.retired) == (1, 1)
    load_areas(conn, write_geojson("c.geojson", (north, {"name": "C"})), "wgs84")
    assert [(row.code, row.name) for row in stored(conn)] == [("250700001", "A"), ("250700003", "C")]
    back = write_geojson("d.geojson", (middle, {"name": "B", "code": "250700002"}))
    with pytest.raises(RowsRefused, match="was retired"):
        load_areas(conn, back, "wgs84")


def test_another_shape_is_a_change(conn: Connection, boston: City, write_geojson: Write) -> None:
    load_areas(conn, write_geojson("a.geojson", (shapely.box(-71.1, 42.3, -71.0, 42.4), {"name": "A"})), "wgs84")
    before = stored(conn)[0].area_km2
    moved = write_geojson("b.geojson", (shapely.box(-71.1, 42.3, -71.0, 42.5), {"name": "A"}))
    assert load_areas(conn, moved, "wgs84").changed == 1
    assert float(stored(conn)[0].area_km2) == pytest.approx(2 * float(before), rel=0.01)


def test_two_of_one_name_need_codes(conn: Connection, boston: City, write_geojson: Write) -> None:
    path = write_geojson(
        "a.geojson",
        (shapely.box(-71.1, 42.3, -71.0, 42.4), {"name": "A"}),
        (shapely.box(-71.1, 42.2, -71.0, 42.3), {"name": "A"}),
    )
    with pytest.raises(RowsRefused, match="several areas without a code are called A"):
        load_areas(conn, path, "wgs84")


def test_a_level_passed_over_has_zeros(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson(
        "a.geojson",
        (WEST, {"level": "district", "code": "410102", "name": "a"}),
        (shapely.box(113.60, 34.70, 113.61, 34.72), {"level": "community", "name": "given", "code": "410102000007"}),
        (shapely.box(113.61, 34.70, 113.62, 34.72), {"level": "community", "name": "numbered"}),
    )
    load_areas(conn, path, "wgs84")
    assert [(row.code, row.parent) for row in stored(conn)] == [
        ("410102", None),
        ("410102000007", "410102"),
        ("410102000008", "410102"),
    ]


def test_location_must_be_clear(conn: Connection, zhengzhou: City, write_geojson: Write) -> None:
    path = write_geojson(
        "a.geojson",
        (WEST, {"level": "district", "code": "410102", "name": "a"}),
        (EAST, {"level": "district", "code": "410103", "name": "b"}),
        (shapely.box(113.59, 34.70, 113.604, 34.72), {"level": "street", "name": "between"}),
        (shapely.box(113.70, 34.70, 113.71, 34.72), {"level": "street", "name": "nowhere"}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_areas(conn, path, "wgs84")
    assert reasons(refused)[3].startswith("only 29% of it lie in district 410102 a")
    assert reasons(refused)[4] == "it lies in no district: load that first"


def test_far_from_the_city_is_refused(conn: Connection, boston: City, write_geojson: Write) -> None:
    swapped = write_geojson("a.geojson", (shapely.box(42.3, -71.1, 42.4, -71.0), {"name": "A"}))
    with pytest.raises(RowsRefused, match=r"far from where EPSG:26986 is used .*swapped"):
        load_areas(conn, swapped, "wgs84")


def test_changes_are_counted_and_only_they_bump(conn: Connection, small_city: City, write_geojson: Write) -> None:
    version = versions(conn)["areas"]
    path = write_geojson(
        "a.geojson",
        (shapely.box(113.60, 34.70, 113.64, 34.71), {"level": "district", "code": "410102", "name": "新名"}),
        (shapely.box(113.60, 34.70, 113.62, 34.71), {"level": "street", "code": "410102001", "name": "林山寨街道"}),
    )
    summary = load_areas(conn, path, "wgs84")
    assert (summary.added, summary.changed, summary.unchanged) == (0, 1, 1)
    assert versions(conn)["areas"] == version + 1
    assert load_areas(conn, path, "wgs84").changes is False
    assert versions(conn)["areas"] == version + 1


def test_moving_an_area_under_its_cells_warns(conn: Connection, small_city: City, write_geojson: Write) -> None:
    make_grid(conn, 500)
    path = write_geojson(
        "a.geojson",
        (shapely.box(113.60, 34.70, 113.609, 34.71), {"level": "community", "code": "410102001001", "name": "一社区"}),
    )
    warnings = load_areas(conn, path, "wgs84").warnings
    assert warnings == [
        "410102001001 has another border now, but its cells follow the old one: load them again or cut a new lattice"
    ]


def test_replace_refuses_to_retire_what_is_needed(conn: Connection, small_city: City, write_geojson: Write) -> None:
    path = write_geojson(
        "a.geojson",
        (shapely.box(113.60, 34.70, 113.62, 34.71), {"level": "street", "code": "410102001", "name": "林山寨街道"}),
    )
    with pytest.raises(RowsRefused, match="would lose its parent 410102002"):
        load_areas(conn, path, "wgs84", replace_others=True)
    make_grid(conn, 500)
    path = write_geojson(
        "b.geojson",
        (shapely.box(113.60, 34.70, 113.61, 34.71), {"level": "community", "code": "410102001001", "name": "一社区"}),
    )
    with pytest.raises(RowsRefused, match="it has cells in use"):
        load_areas(conn, path, "wgs84", replace_others=True)
