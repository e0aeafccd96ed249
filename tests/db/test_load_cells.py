"""Loading surveyed cells: codes, tiling, retirement, tiers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import shapely
from sqlalchemy import Connection, text

from gis.cells import load_cells
from gis.city import City
from gis.errors import FileError, RowsRefused
from gis.grid import make_grid
from gis.store.database import versions
from gis.tiers import load_tiers

Write = Callable[..., Path]

# Community 410102001001 is 113.60..113.61, 34.70..34.71; its cells here are west and east halves.
WEST, EAST = shapely.box(113.600, 34.70, 113.605, 34.71), shapely.box(113.605, 34.70, 113.61, 34.71)
ONE, TWO, THREE = "410102001001001", "410102001001002", "410102001001003"


def reasons(refused: pytest.ExceptionInfo[RowsRefused]) -> dict[int, str]:
    return {problem.row: problem.reason for problem in refused.value.problems}


def cells(conn: Connection, *, live: bool = True) -> list[Any]:
    return list(
        conn.execute(
            text(
                "SELECT c.code, a.code AS area, c.tier, c.surveyed, md5(ST_AsBinary(c.geom)) AS shape, c.area_km2"
                " FROM cells c JOIN areas a ON a.id = c.area_id WHERE (c.retired_at IS NULL) = :live ORDER BY c.code"
            ),
            {"live": live},
        )
    )


@pytest.fixture
def two(write_geojson: Write) -> Path:
    return write_geojson("two.geojson", (WEST, {"code": ONE, "tier": "key"}), (EAST, {"code": TWO}))


def test_load_and_load_again(conn: Connection, small_city: City, two: Path) -> None:
    summary = load_cells(conn, two, "wgs84")
    assert (summary.read, summary.added, summary.warnings) == (2, 2, [])
    rows = cells(conn)
    assert [(row.code, row.area, row.tier, row.surveyed) for row in rows] == [
        (ONE, "410102001001", "key", True),
        (TWO, "410102001001", "general", True),
    ]
    version = versions(conn)["cells"]
    again = load_cells(conn, two, "wgs84")
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    assert cells(conn) == rows
    assert versions(conn)["cells"] == version


def test_a_tier_that_the_file_lacks_stays(conn: Connection, small_city: City, two: Path, write_geojson: Write) -> None:
    load_cells(conn, two, "wgs84")
    bare = write_geojson("bare.geojson", (WEST, {"code": ONE}), (EAST, {"code": TWO}))
    assert load_cells(conn, bare, "wgs84").changed == 0
    assert [row.tier for row in cells(conn)] == ["key", "general"]


def test_everything_wrong_is_named_at_once(conn: Connection, small_city: City, two: Path, write_geojson: Write) -> None:
    load_cells(conn, two, "wgs84")
    conn.execute(text("UPDATE cells SET retired_at = now() WHERE code = :code"), {"code": TWO})
    before = cells(conn)
    small = [shapely.box(113.605 + at / 1000, 34.70, 113.6055 + at / 1000, 34.701) for at in range(8)]
    path = write_geojson(
        "a.geojson",
        (small[0], {"code": THREE}),
        (small[1], {"code": THREE}),
        (small[2], {"code": TWO}),
        (small[3], {"code": "41010200100199"}),
        (small[4], {"code": "410102001009001"}),
        (small[5], {"code": "410199001001001"}),
        (small[6], {"code": "410102001001009", "tier": "urgent"}),
        (small[7], {"code": "410102001001010", "area_code": "410102002"}),
        (None, {"code": "410102001001011"}),
        (small[0], {"code": None}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_cells(conn, path, "wgs84")
    found = reasons(refused)
    assert sorted(found) == list(range(1, 11))
    assert "more than once" in found[1]
    assert "more than once" in found[2]
    assert "was retired; a code is never used again" in found[3]
    assert "should be its parent's code 410102001001 and 3 digits" in found[4]
    assert "names 410102001009 as its parent, which is not known" in found[5]
    assert "begins with the code of no area" in found[6]
    assert "none of key, secondary, general" in found[7]
    assert "belongs to 410102001001, but its area_code says 410102002" in found[8]
    assert "no geometry" in found[9]
    assert found[10] == "it has no code"
    assert cells(conn) == before


def test_overlap_and_outside_are_refused(conn: Connection, small_city: City, two: Path, write_geojson: Write) -> None:
    load_cells(conn, two, "wgs84")
    path = write_geojson(
        "a.geojson",
        (shapely.box(113.604, 34.70, 113.6045, 34.7005), {"code": THREE}),
        (shapely.box(113.6095, 34.7099, 113.6105, 34.7101), {"code": "410102001001004"}),
        (shapely.box(113.6043, 34.7004, 113.6047, 34.7006), {"code": "410102001001005"}),
    )
    with pytest.raises(RowsRefused) as refused:
        load_cells(conn, path, "wgs84")
    listed = [str(problem) for problem in refused.value.problems]
    assert any(f"row 1 ({THREE}): it overlaps {ONE}, loaded before, by" in one for one in listed)
    assert any("row 1" in one and "overlaps 410102001001005 in row 3 by" in one for one in listed)
    assert any("row 2" in one and "lie outside its area 410102001001" in one for one in listed)
    assert any("row 2" in one and f"overlaps {TWO}" in one for one in listed)
    sliver = shapely.box(113.605 - 1e-9, 34.70, 113.61, 34.71)
    assert load_cells(conn, write_geojson("b.geojson", (sliver, {"code": TWO})), "wgs84").changed == 1


def test_cells_that_leave_ground_free_are_loaded_with_a_warning(
    conn: Connection, small_city: City, write_geojson: Write
) -> None:
    warnings = load_cells(conn, write_geojson("a.geojson", (WEST, {"code": ONE})), "wgs84").warnings
    assert len(warnings) == 1
    assert warnings[0].startswith("410102001001: its cells cover 50.00% of it, 5081")


def test_replace_retires_the_others_of_the_area_for_good(
    conn: Connection, small_city: City, two: Path, write_geojson: Write
) -> None:
    load_cells(conn, two, "wgs84")
    other = shapely.box(113.61, 34.70, 113.62, 34.71)
    load_cells(conn, write_geojson("b.geojson", (other, {"code": "410102001002001"})), "wgs84")
    whole = write_geojson("c.geojson", (shapely.box(113.60, 34.70, 113.61, 34.71), {"code": THREE}))
    with pytest.raises(RowsRefused, match="overlaps"):
        load_cells(conn, whole, "wgs84")
    summary = load_cells(conn, whole, "wgs84", replace_others=True)
    assert (summary.added, summary.retired) == (1, 2)
    assert [row.code for row in cells(conn)] == [THREE, "410102001002001"]
    assert [row.code for row in cells(conn, live=False)] == [ONE, TWO]
    with pytest.raises(RowsRefused, match="never used again"):
        load_cells(conn, two, "wgs84", replace_others=True)


def test_fourteen_digit_practice(conn: Connection, small_city: City, write_geojson: Write) -> None:
    levels = '[["district", 2], ["street", 3], ["community", 3], ["cell", 2]]'
    conn.execute(text("UPDATE city SET levels = CAST(:levels AS jsonb)"), {"levels": levels})
    assert load_cells(conn, write_geojson("a.geojson", (WEST, {"code": "41010200100101"})), "wgs84").added == 1
    with pytest.raises(RowsRefused, match="2 digits, 14 characters in all"):
        load_cells(conn, write_geojson("b.geojson", (EAST, {"code": TWO})), "wgs84")


def test_a_lattice_written_out_and_surveyed_again_tiles(conn: Connection, small_city: City, tmp_path: Path) -> None:
    make_grid(conn, 100)
    rows = conn.execute(text("SELECT code, ST_AsText(geom, 17) AS wkt FROM cells ORDER BY code")).all()
    path = tmp_path / "cells.csv"
    path.write_text("code,wkt\n" + "".join(f'{row.code},"{row.wkt}"\n' for row in rows))
    summary = load_cells(conn, path, "wgs84")
    assert (summary.changed, summary.unchanged, summary.warnings) == (len(rows), 0, [])
    assert {row.surveyed for row in cells(conn)} == {True}


# -- tiers ---


def tiers(conn: Connection) -> list[str]:
    return [row.tier for row in cells(conn)]


def test_tiers_by_cell(conn: Connection, small_city: City, two: Path, write_csv: Write) -> None:
    load_cells(conn, two, "wgs84")
    path = write_csv("tiers.csv", "cell_code,tier", f"{TWO},secondary")
    assert load_tiers(conn, path).as_dict()["changed"] == 1
    assert tiers(conn) == ["key", "secondary"]
    version = versions(conn)["cells"]
    assert load_tiers(conn, path).as_dict() | {"changed": 0, "unchanged": 1} == load_tiers(conn, path).as_dict()
    assert versions(conn)["cells"] == version
    wrong = write_csv("wrong.csv", "cell_code,tier", f"{ONE},low", f"{TWO},key", f"{TWO},key", "4101,key", ",key")
    with pytest.raises(RowsRefused) as refused:
        load_tiers(conn, wrong)
    assert sorted(reasons(refused)) == [1, 2, 3, 4, 5]
    assert tiers(conn) == ["key", "secondary"]


def test_tiers_by_polygon_take_the_highest_and_leave_the_rest_general(
    conn: Connection, small_city: City, two: Path, write_geojson: Write
) -> None:
    load_cells(conn, two, "wgs84")
    both = write_geojson(
        "tiers.geojson",
        (shapely.box(113.60, 34.70, 113.61, 34.71), {"tier": "secondary"}),
        (shapely.box(113.605, 34.70, 113.61, 34.71), {"tier": "key"}),
        (shapely.box(113.605, 34.70, 113.61, 34.71), {"tier": "general"}),
    )
    summary = load_tiers(conn, both, "wgs84")
    assert (summary.changed, summary.unchanged, summary.counted) == (2, 0, "cells")
    assert tiers(conn) == ["secondary", "key"]
    assert load_tiers(conn, both, "wgs84").changes is False
    # Touches the western cell, but not its point on surface.
    corner = write_geojson("corner.geojson", (shapely.box(113.60, 34.70, 113.601, 34.71), {"tier": "key"}))
    load_tiers(conn, corner, "wgs84")
    assert tiers(conn) == ["general", "general"]


def test_the_point_of_a_bent_cell_lies_in_it(conn: Connection, small_city: City, write_geojson: Write) -> None:
    hollow = shapely.box(113.602, 34.702, 113.61, 34.708)
    bent = shapely.box(113.600, 34.70, 113.61, 34.71) - hollow
    load_cells(conn, write_geojson("bent.geojson", (bent, {"code": ONE})), "wgs84")
    assert hollow.covers(bent.centroid)
    load_tiers(conn, write_geojson("hollow.geojson", (hollow, {"tier": "key"})), "wgs84")
    assert tiers(conn) == ["general"]


def test_tiers_need_cells_or_polygons(
    conn: Connection, small_city: City, write_csv: Write, write_geojson: Write
) -> None:
    with pytest.raises(FileError, match="neither a column cell_code nor polygons"):
        load_tiers(conn, write_csv("a.csv", "tier", "key"))
    path = write_geojson("b.geojson", (WEST, {"tier": "key"}))
    assert load_tiers(conn, path, "wgs84").warnings == [
        "there are no cells yet, so no tier was set: load cells or make the grid first"
    ]
