"""Facilities and measures: loaded strictly, listed, counted by period."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

import pytest
import shapely
from click.testing import Result
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from gis.errors import RowsRefused
from gis.facilities import GrowthQuery, facilities, growth, load_facilities
from gis.ground import load_ground
from gis.measures import load_measures, measures, read_measure
from tests.api.tiny import Tiny
from tests.conftest import json_of

Writer = Callable[..., Path]
AT = Tiny.at


@pytest.fixture
def tiny(own_engine: Engine) -> Iterator[Connection]:
    with own_engine.connect() as conn:
        yield conn


def facility(code: str, at: shapely.Geometry, first: str, stop: str = "", capacity: str = "", **more: str) -> tuple:
    kind = {"kind": "parking_place", "name": code, "valid_from": first, "valid_to": stop, "capacity": capacity}
    return at, {"code": code, **kind, **more}


def some_facilities(conn: Connection, write_geojson: Writer) -> Path:
    point = shapely.Point(AT(1.5, 1.5))
    path = write_geojson(
        "f.geojson",
        facility("A", point, "2016-01-01", "", "100"),
        facility("B", shapely.box(*AT(5, 1), *AT(6, 2)), "2016-05-11", "", "40"),
        facility("C", shapely.Point(AT(4, 1)), "2016-05-11", "2016-05-21", "7"),  # on the border of two streets
        facility("D", shapely.Point(AT(-1, -1)), "2016-05-05", "2016-05-11"),  # outside all areas
        facility("E", shapely.Point(AT(9, 1)), "2016-05-20", "", kind="public_toilet", area_code="990101002"),
    )
    assert load_facilities(conn, path, "wgs84").added == 5
    return path


def test_facilities_in_every_form(own_engine: Engine, own_client: TestClient, write_geojson: Writer) -> None:
    with own_engine.begin() as conn:
        path = some_facilities(conn, write_geojson)
        again = load_facilities(conn, path, "wgs84")
    assert (again.unchanged, again.changes) == (5, False)
    rows = own_client.get("/facilities").json()["rows"]
    areas = {row["code"]: row["area_code"] for row in rows}
    # C lies on a border: the lowest code of those that cover it; E says its street itself.
    assert areas == {"A": "990101001", "B": "990101002", "C": "990101001", "D": None, "E": "990101002"}
    shapes = own_client.get("/facilities", params={"f": "geojson", "kind": "parking_place"}).json()["features"]
    assert [one["geometry"]["type"] for one in shapes] == ["Point", "MultiPolygon", "Point", "Point"]
    assert [row["code"] for row in own_client.get("/facilities", params={"on": "2016-05-20"}).json()["rows"]] == [
        "A",
        "B",
        "C",
        "E",
    ]
    points = own_client.get("/collections/facilities/items").json()["features"]
    assert {one["geometry"]["type"] for one in points} == {"Point"}
    assert shapely.box(*AT(5, 1), *AT(6, 2)).contains(shapely.geometry.shape(points[1]["geometry"]))


def test_growth_adds_up_and_is_what_sql_says(tiny: Connection, write_geojson: Writer) -> None:
    some_facilities(tiny, write_geojson)
    ground = load_ground(tiny)
    window = date(2016, 5, 1), date(2016, 6, 1)
    for level, by in (("city", "period"), ("district", "period"), ("street", "month"), ("city", "month")):
        rows = growth(tiny, ground, GrowthQuery(level, *window, by))
        before: dict[str, tuple[int, int]] = {}
        for row in rows:
            if row["code"] in before:
                count, capacity = before[row["code"]]
                assert row["count"] == count + row["added"] - row["removed"]
                assert row["capacity"] == capacity + row["capacity_added"] - row["capacity_removed"]
            before[row["code"]] = row["count"], row["capacity"]
    city = growth(tiny, ground, GrowthQuery("city", *window))
    # A second way: PostgreSQL counts who is there on the last day of each period.
    for row, day in zip(city, ("2016-05-10", "2016-05-20", "2016-05-31"), strict=True):
        counted = tiny.execute(
            text("SELECT count(*), coalesce(sum(capacity), 0) FROM facilities WHERE valid @> CAST(:day AS date)"),
            {"day": day},
        ).one()
        assert (row["count"], row["capacity"]) == tuple(counted)
    assert [(row["count"], row["added"], row["removed"]) for row in city] == [(2, 1, 0), (4, 3, 1), (3, 0, 1)]
    districts = growth(tiny, ground, GrowthQuery("district", *window))
    assert sum(row["count"] for row in districts if row["period"] == "2016-05-T1") == 1  # D lies outside all
    toilets = growth(tiny, ground, GrowthQuery("city", *window, "month", "public_toilet"))
    assert [(row["count"], row["capacity"]) for row in toilets] == [(1, 0)]


@pytest.mark.parametrize(
    ("said", "at", "fields"),
    [
        ("no code and no name", shapely.Point(AT(1, 1)), {"code": "", "name": ""}),
        ("capacity '-3'", shapely.Point(AT(1, 1)), {"capacity": "-3"}),
        ("capacity '99999999999999999999'", shapely.Point(AT(1, 1)), {"capacity": "99999999999999999999"}),
        ("not after its valid_from", shapely.Point(AT(1, 1)), {"valid_to": "2016-01-01"}),
        ("no ISO day", shapely.Point(AT(1, 1)), {"valid_from": "0001-01-01"}),
        ("not known", shapely.Point(AT(1, 1)), {"area_code": "123"}),
        ("a point or polygon is needed", shapely.LineString([AT(1, 1), AT(2, 1)]), {}),
        ("no geometry", None, {}),
        ("far from where", shapely.Point(2, 48), {}),
    ],
)
def test_wrong_facilities_are_named(
    tiny: Connection, write_geojson: Writer, said: str, at: shapely.Geometry, fields: dict[str, str]
) -> None:
    good = facility("G", shapely.Point(AT(1, 1)), "2016-01-01")
    bad = facility("X", at, "2016-01-01")
    with pytest.raises(RowsRefused, match=said) as refused:
        load_facilities(tiny, write_geojson("f.geojson", good, (bad[0], {**bad[1], **fields})), "wgs84")
    assert [problem.row for problem in refused.value.problems] == [2]
    assert facilities(tiny) == []


def measure(ref: str, at: shapely.Geometry, first: str, **more: str) -> tuple:
    return at, {"ref": ref, "kind": "barrier", "name": ref, "valid_from": first, **more}


def some_measures(conn: Connection, write_geojson: Writer) -> Path:
    path = write_geojson(
        "m.geojson",
        measure("M1", shapely.LineString([AT(1, 1.5), AT(3, 1.5)]), "2016-05-11", begun="2016-05-05", cost_yuan="1200"),
        measure("M2", shapely.box(*AT(9, 1), *AT(10, 2)), "2016-05-01", valid_to="2016-05-20", kind="pocket_green"),
        measure("M3", shapely.Point(AT(4.5, 0.5)), "2016-05-01"),
        measure("M4", shapely.MultiPoint([AT(4.5, 0.5), AT(5.5, 0.5)]), "2016-05-01", kind="bollard"),
    )
    assert load_measures(conn, path, "wgs84").added == 4
    return path


def test_measures_in_every_form(own_engine: Engine, own_client: TestClient, write_geojson: Writer) -> None:
    with own_engine.begin() as conn:
        path = some_measures(conn, write_geojson)
        assert load_measures(conn, path, "wgs84").unchanged == 4
    rows = own_client.get("/measures").json()["rows"]
    assert [(row["ref"], row["shape"]) for row in rows] == [
        ("M1", "line"),
        ("M2", "polygon"),
        ("M3", "point"),
        ("M4", "point"),
    ]
    assert (rows[0]["begun"], rows[0]["cost_yuan"], rows[0]["area_m2"]) == ("2016-05-05", 1200, 0)
    assert rows[0]["length_m"] == pytest.approx(183, abs=1)  # two thousandths of a degree at 34.7 N
    shapes = own_client.get("/measures", params={"f": "geojson", "kind": "barrier"}).json()["features"]
    assert [one["geometry"]["type"] for one in shapes] == ["MultiLineString", "Point"]
    assert [row["ref"] for row in own_client.get("/measures", params={"on": "2016-05-20"}).json()["rows"]] == [
        "M1",
        "M3",
        "M4",
    ]
    widened = own_client.get("/collections/measures/items").json()["features"]
    assert {one["geometry"]["type"] for one in widened} == {"MultiPolygon"}
    assert own_client.get("/measures/M2").json()["valid_to"] == "2016-05-20"
    assert own_client.get("/measures/M9").status_code == 404
    assert own_client.get("/measures/M9/effect").status_code == 404
    assert own_client.get("/measures/effects", params={"kind": "moat"}).status_code == 404


@pytest.mark.parametrize(
    ("said", "at", "fields"),
    [
        ("no ref and no kind", shapely.Point(AT(1, 1)), {"ref": "", "kind": ""}),
        ("cost_yuan '1.5'", shapely.Point(AT(1, 1)), {"cost_yuan": "1.5"}),
        ("began after", shapely.Point(AT(1, 1)), {"begun": "2016-05-12"}),
        ("not valid", shapely.LineString([AT(1, 1), AT(1, 1)]), {}),
        ("a point, line or polygon is needed", shapely.GeometryCollection([shapely.Point(AT(1, 1))]), {}),
        ("has 201 characters", shapely.Point(AT(1, 1)), {"ref": "x" * 201}),
    ],
)
def test_wrong_measures_are_named(
    tiny: Connection, write_geojson: Writer, said: str, at: shapely.Geometry, fields: dict[str, str]
) -> None:
    good = measure("G", shapely.Point(AT(1, 1)), "2016-05-11")
    bad = measure("X", at, "2016-05-11")
    with pytest.raises(RowsRefused, match=said) as refused:
        load_measures(tiny, write_geojson("m.geojson", good, (bad[0], {**bad[1], **fields})), "wgs84")
    assert [problem.row for problem in refused.value.problems] == [2]
    assert measures(tiny) == []


def test_a_correction_replaces_a_measure(tiny: Connection, write_geojson: Writer) -> None:
    some_measures(tiny, write_geojson)
    moved = measure("M3", shapely.Point(AT(5.5, 0.5)), "2016-05-02")
    assert load_measures(tiny, write_geojson("c.geojson", moved), "wgs84").changed == 1
    assert read_measure(tiny, "M3").valid_from == date(2016, 5, 2)


def test_a_short_history_says_so(own_engine: Engine, own_client: TestClient, write_geojson: Writer) -> None:
    with own_engine.begin() as conn:
        some_measures(conn, write_geojson)
    answer = own_client.get("/measures/M1/effect").json()
    assert (answer["verdict"], answer["reason"], answer["ring"]) == ("too_little_data", "before", None)
    assert "reports of 0 are known" in answer["text"]
    assert answer["text_zh"].startswith("数据不足")
    # Works from 5 to 10 May: the first half of May is in neither side.
    assert answer["window"]["works"] == {"from": "2016-05-01", "to": "2016-05-11", "periods": 1}
    assert answer["window"]["choice"]["to"] == "2016-05-01"
    kind = own_client.get("/measures/effects", params={"kind": "barrier"}).json()
    assert (kind["measures"], kind["judged"], kind["verdict"]) == (2, 0, "too_little_data")
    assert own_client.get("/measures/M1/effect", params={"category": "nothing"}).status_code == 400


def test_on_the_command_line(own_engine: Engine, finegrid: Callable[..., Result], write_geojson: Writer) -> None:
    url = own_engine.url.render_as_string(hide_password=False)
    point = shapely.Point(AT(1.5, 1.5))
    path = write_geojson("f.geojson", facility("A", point, "2016-01-01", "", "100"))
    loaded = finegrid("load", "facilities", path, "--crs", "wgs84", "--json", DATABASE_URL=url)
    assert json_of(loaded)["added"] == 1
    assert json_of(finegrid("facilities", "list", "--json", DATABASE_URL=url))["rows"][0]["area_name"] == "东街"
    window = ("--from", "2016-05-01", "--to", "2016-06-01", "--by", "month")
    (row,) = json_of(finegrid("facilities", "growth", "--level", "city", *window, "--json", DATABASE_URL=url))["rows"]
    assert (row["count"], row["capacity"], row["added"]) == (1, 100, 0)
    path = write_geojson("m.geojson", measure("M1", point, "2016-05-11"))
    assert json_of(finegrid("load", "measures", path, "--crs", "wgs84", "--json", DATABASE_URL=url))["added"] == 1
    assert json_of(finegrid("measures", "list", "--json", DATABASE_URL=url))["rows"][0]["ref"] == "M1"
    told = finegrid("measures", "effect", "M1", DATABASE_URL=url)
    assert "Too little data" in told.output
    assert finegrid("measures", "effect", "M2", DATABASE_URL=url).exit_code == 1
    assert "0 can be judged" in finegrid("measures", "effects", "--kind", "barrier", DATABASE_URL=url).output
