"""Staffing from PostGIS: exact areas, cities without streets, communities, retired cells."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Connection, Engine, text

from gis.city import City, define_city
from gis.errors import CityError, ParameterError
from gis.staffing import NO_CELLS, staffing
from tests.api.tiny import CITY, Tiny, fill, tiny_facts

DAY = date(2016, 5, 5)


@pytest.fixture
def tiny(conn: Connection) -> Tiny:
    facts = tiny_facts()
    fill(conn, facts)
    return facts


def test_areas_are_exact_sums_of_the_cells(conn: Connection, tiny: Tiny) -> None:
    for row in staffing(conn, "street", DAY).rows[:-1]:
        exact = conn.execute(
            text("SELECT sum(area_km2), count(*) FROM cells WHERE tier = :tier AND starts_with(code, :code)"),
            {"tier": row.tier, "code": row.code},
        ).one()
        assert (row.area_km2, row.cells) == tuple(exact)
        assert isinstance(row.area_km2, Decimal)


def test_codes_are_runs_of_live_cells(conn: Connection, tiny: Tiny) -> None:
    rows = {(row.code, row.tier): row for row in staffing(conn, "street", DAY).rows}
    assert rows["990101002", "general"].cell_codes == ("990101002001-990101002016",)
    assert rows["990101001", "key"].cell_codes == tuple(
        f"990101001{first:03d}-990101001{first + 1:03d}" for first in (1, 5, 9, 13)
    )
    conn.execute(text("UPDATE cells SET retired_at = now() WHERE code = '990101002003'"))
    conn.execute(text("UPDATE cells SET tier = 'key' WHERE code = '990101002016'"))
    rows = {(row.code, row.tier): row for row in staffing(conn, "street", DAY).rows}
    assert rows["990101002", "general"].cell_codes == ("990101002001-990101002015",)
    assert rows["990101002", "general"].cells == 14
    assert rows["990101002", "key"].cell_codes == ("990101002016",)


def test_an_area_with_neither_cells_nor_people_is_listed_without_a_demand(conn: Connection, tiny: Tiny) -> None:
    conn.execute(text("DELETE FROM coordinators"))
    last = staffing(conn, "street", DAY).rows[-1]
    assert (last.code, last.tier, last.required, last.on_post, last.gap) == ("990102002", None, None, 0, None)
    assert last.worked_out == NO_CELLS


def test_people_of_a_retired_street_are_not_forgotten(conn: Connection, tiny: Tiny) -> None:
    before = staffing(conn, "street", DAY).total()["on_post"]
    conn.execute(text("UPDATE areas SET retired_at = now() WHERE code = '990102002'"))
    assert staffing(conn, "street", DAY).total()["on_post"] == before
    assert staffing(conn, "district", DAY).total()["on_post"] == before


def test_a_city_with_districts_only(conn: Connection) -> None:
    define_city(conn, dataclasses.replace(CITY, slug="flat", levels=(("district", 2), ("cell", 3))))
    square = "ST_Multi(ST_MakeEnvelope(113.6, 34.7, 113.601, 34.701, 4326))"
    conn.execute(text(f"INSERT INTO areas (level, code, name, geom) VALUES ('district', '990101', 'D', {square})"))
    conn.execute(
        text(f"INSERT INTO cells (code, area_id, surveyed, geom) SELECT '990101001', id, true, {square} FROM areas")
    )
    answer = staffing(conn, None, DAY)
    assert (answer.level, len(answer.rows)) == ("district", 1)
    assert answer.rows[0].required == 1
    assert answer.rows[0].cell_codes == ("990101001",)
    with pytest.raises(ParameterError, match="has district, not 'street'"):
        staffing(conn, "street", DAY)


def test_cells_and_people_of_communities_count_for_their_street(conn: Connection, zhengzhou: City) -> None:
    square = "ST_Multi(ST_MakeEnvelope(113.6, 34.7, 113.602, 34.701, 4326))"
    for level, code, parent in (
        ("district", "410102", None),
        ("street", "410102001", "410102"),
        ("community", "410102001001", "410102001"),
    ):
        conn.execute(
            text(
                "INSERT INTO areas (level, code, name, parent_id, parent_level, geom) SELECT :level, :code, :code,"
                " (SELECT id FROM areas WHERE code = :parent), (SELECT level FROM areas WHERE code = :parent),"
                f" {square}"
            ),
            {"level": level, "code": code, "parent": parent},
        )
    conn.execute(
        text(
            f"INSERT INTO cells (code, area_id, surveyed, geom) SELECT code || '001', id, true, {square} FROM areas"
            " WHERE level = 'community'"
        )
    )
    conn.execute(
        text(
            "INSERT INTO coordinators (ref, name, area_id, tier, on_post)"
            " SELECT level, level, id, 'general', '[2016-01-01,)' FROM areas WHERE level IN ('street', 'community')"
        )
    )
    (row,) = staffing(conn, None, DAY).rows
    assert (row.code, row.tier, row.on_post, row.required) == ("410102001", "general", 2, 1)
    (district,) = staffing(conn, "district", DAY).rows
    assert (district.code, district.required, district.gap) == ("410102", 1, 1)


def test_no_city_yet(conn: Connection) -> None:
    with pytest.raises(CityError, match=r"city\.toml"):
        staffing(conn)


@pytest.fixture
def stored(engine: Engine) -> None:
    """The tiny city, committed."""
    with engine.begin() as conn:
        fill(conn, tiny_facts())


@pytest.mark.usefixtures("stored")
def test_on_the_command_line(finegrid: Callable[..., Result]) -> None:
    # 8 x 0.01016 km2 x 30 -> 3, 8 x 0.01016 x 20 -> 2, 16 x 0.01016 x 10 -> 2, 16 x 0.01016 x 30 -> 5
    table = finegrid("staffing", "--on", "2016-05-05")
    assert table.exit_code == 0
    assert "990101001  东街" in table.stdout
    assert "required 12, on post 4, gap -8" in table.stderr
    assert "synthetic" in table.stderr
    spoken = json.loads(finegrid("staffing", "--level", "district", "--on", "2016-05-05", "--json").stdout)
    assert spoken["total"] == {"required": 12, "on_post": 4, "gap": -8}
    shapes = json.loads(finegrid("staffing", "--on", "2016-05-05", "--format", "geojson").stdout)
    assert len(shapes["features"]) == 4
    assert finegrid("staffing", "--on", "yesterday").exit_code == 2
    assert finegrid("staffing", "--level", "cell").exit_code == 2


@pytest.mark.usefixtures("stored")
def test_density_on_the_command_line(finegrid: Callable[..., Result], tmp_path: Path) -> None:
    window = ("--from", "2016-05-01", "--to", "2016-05-21")
    assert "code" in finegrid("density", "--level", "street", *window).stdout
    out = tmp_path / "cells.geojson"
    assert finegrid("density", "--level", "cell", *window, "--format", "geojson", "--out", out).exit_code == 0
    assert out.read_text().count('"Feature"') == 48
    assert list(tmp_path.iterdir()) == [out]
    csv = finegrid("roads", "density", *window, "--format", "csv").stdout
    assert csv.splitlines()[0] == "code,name,class,count,length_m,per_km,synthetic"
    refused = finegrid("density", "--level", "community", *window)
    assert refused.exit_code == 1
    assert "district, street, cell" in refused.stderr
    refused = finegrid("density", "--level", "cell", *window, "--category", "nothing", "--json")
    assert refused.exit_code == 1
    assert "detail" in refused.stdout
    nowhere = finegrid("density", "--level", "cell", *window, "--out", tmp_path / "no" / "such.csv", "--format", "csv")
    assert nowhere.exit_code == 1
    assert "cannot be written" in nowhere.stderr
    assert finegrid("density", "--level", "cell", *window, "--bbox", "1,2").exit_code == 2
    assert finegrid("density", "--level", "cell", "--from", "2016-05-01").exit_code == 2
