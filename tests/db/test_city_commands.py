"""`finegrid city`, `db migrate`, `load` and `grid make` as a user runs them."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import text

from gis.city import City, define_city
from gis.cli import frame
from gis.errors import Conflict
from gis.store.cluster import Cluster
from tests.conftest import json_of, run_command

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
BOSTON, ZHENGZHOU = FIXTURES / "boston/city.toml", FIXTURES / "zhengzhou/city.toml"

Run = Callable[..., Result]


@pytest.fixture
def embedded(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Iterator[Run]:
    """Runs commands on the run's embedded cluster, with no city chosen at first."""
    monkeypatch.setenv("FINEGRID_HOME", str(cluster.home))
    (cluster.home / "city").unlink(missing_ok=True)
    yield lambda *words: run_command(monkeypatch, *words)
    (cluster.home / "city").unlink(missing_ok=True)
    frame.open_engine.cache_clear()


def test_define_makes_the_database_and_chooses_it(embedded: Run) -> None:
    first = json_of(embedded("city", "define", BOSTON, "--json"))
    assert (first["slug"], first["changed"]) == ("boston", True)
    assert json_of(embedded("city", "define", BOSTON, "--json"))["changed"] is False
    assert json_of(embedded("city", "show", "--json"))["levels"] == [
        {"level": "district", "digits": 2},
        {"level": "cell", "digits": 4},
    ]
    embedded("city", "define", ZHENGZHOU)
    assert json_of(embedded("city", "show", "--json"))["slug"] == "zhengzhou"
    assert embedded("city", "use", "boston").exit_code == 0
    assert json_of(embedded("city", "show", "--json"))["slug"] == "boston"
    listed = {one["slug"]: one for one in json_of(embedded("city", "list", "--json"))["cities"]}
    assert listed["boston"]["chosen"] is True
    assert listed["zhengzhou"] == {"slug": "zhengzhou", "name": "Zhengzhou", "chosen": False}


def test_use_of_a_city_that_is_not_there(embedded: Run) -> None:
    result = embedded("city", "use", "atlantis")
    assert result.exit_code == 1
    assert "there is no city 'atlantis'" in result.stderr


def test_finegrid_city_goes_before_the_choice(embedded: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    embedded("city", "define", BOSTON)
    monkeypatch.setenv("FINEGRID_CITY", "zhengzhou")
    for words in (("city", "define", BOSTON), ("city", "use", "boston")):
        result = embedded(*words)
        assert result.exit_code == 1
        assert "FINEGRID_CITY says zhengzhou" in result.stderr


def test_one_server_of_ones_own_holds_one_city(finegrid: Run) -> None:
    assert finegrid("city", "show").exit_code == 1
    assert finegrid("city", "define", BOSTON).exit_code == 0
    result = finegrid("city", "define", ZHENGZHOU, "--json")
    assert result.exit_code == 1
    assert json_of(result)["error"] == "Conflict"
    assert "does not start or stop that one" in finegrid("city", "list").stderr


def test_migrate_says_what_it_did(make_database: Callable[..., str], finegrid: Run) -> None:
    url = make_database()
    assert json_of(finegrid("db", "migrate", "--json", DATABASE_URL=url))["changed"] is True
    assert json_of(finegrid("db", "migrate", "--json", DATABASE_URL=url))["changed"] is False


def test_a_city_from_files(finegrid: Run) -> None:
    finegrid("city", "define", BOSTON)
    areas = FIXTURES / "boston/areas.geojson"
    undeclared = finegrid("load", "areas", areas, "--json")
    assert undeclared.exit_code == 1
    assert json_of(undeclared)["error"] == "CrsError"
    loaded = json_of(finegrid("load", "areas", areas, "--crs", "wgs84", "--json"))
    assert (loaded["added"], len(loaded["repairs"]), len(loaded["warnings"])) == (26, 4, 1)
    text = finegrid("load", "areas", areas, "--crs", "wgs84").stdout
    assert "0 added, 0 changed, 26 unchanged" in text
    assert "repaired: row 8 (Hyde Park): Ring Self-intersection at (-71.125767, 42.272307)" in text
    assert json_of(finegrid("grid", "make", "--size", "400", "--only", "250700001", "--json"))["added"] > 20
    other = finegrid("grid", "make", "--size", "500", "--only", "250700001")
    assert other.exit_code == 1
    assert "--replace" in other.stderr
    assert finegrid("load", "categories", FIXTURES / "boston/categories.csv").exit_code == 0


def test_refused_rows_leave_everything_as_it_was(finegrid: Run, write_csv: Callable[..., Path]) -> None:
    finegrid("city", "define", BOSTON)
    half = write_csv("a.csv", "standard_ref,kind,code,name", "gb,event,1,a", "gb,thing,2,b")
    result = finegrid("load", "categories", half)
    assert result.exit_code == 1
    assert "row 2 (2): the kind 'thing' is none of event, component" in result.stderr
    good = write_csv("b.csv", "standard_ref,kind,code,name", "gb,event,1,a")
    assert json_of(finegrid("load", "categories", good, "--json"))["added"] == 1


@pytest.mark.parametrize(
    "words",
    [
        ("load", "areas"),
        ("load", "areas", "x.geojson", "--map", "name"),
        ("load", "areas", "x.geojson", "--level", "ward"),
        ("load", "rivers", "x.geojson"),
        ("grid", "make", "--size", "large"),
        ("grid", "make", "--within", "cell"),
        ("city", "define"),
    ],
)
def test_wrong_usage_is_2(finegrid: Run, words: tuple[str, ...]) -> None:
    assert finegrid(*words).exit_code == 2


@pytest.mark.parametrize("layer", ["areas", "cells", "roads", "tiers", "coordinators", "responsibles", "categories"])
def test_help_teaches(finegrid: Run, layer: str) -> None:
    text = finegrid("load", layer, "--help").stdout
    assert f":\n    finegrid load {layer} " in text
    assert "\\b" not in text


def test_what_stored_things_hang_on_cannot_change(conn, zhengzhou: City) -> None:
    moved = dataclasses.replace(zhengzhou, metric_crs="EPSG:4546")
    assert define_city(conn, moved) is True
    conn.execute(
        text(
            "INSERT INTO areas (level, code, name, geom) VALUES ('district', '410101', 'D',"
            " ST_Multi(ST_MakeEnvelope(113, 34, 113.1, 34.1, 4326)))"
        )
    )
    for change in ({"metric_crs": "EPSG:4547"}, {"time_zone": "Asia/Tokyo"}, {"code": "4102"}):
        with pytest.raises(Conflict, match=next(iter(change))):
            define_city(conn, dataclasses.replace(moved, **change))
    assert define_city(conn, dataclasses.replace(moved, name_en="Another name")) is True
