"""Effects of measures over a city in PostGIS: which cells, which days, which counts, what is said."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from click.testing import Result
from fastapi.testclient import TestClient
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from api.app import CONNECTIONS
from gis.city import City, define_city
from gis.counts import add_counts, pack
from gis.geometry.datum import metric_transformer
from gis.measures import load_measures
from gis.rules.periods import ten_day_period
from gis.store.database import bump_version, create_database_engine
from tests.api.conftest import open_client
from tests.conftest import json_of

SIDE, STEP, WEST, SOUTH = 26, 0.001, 113.6, 34.7
FIRST, LAST = date(2016, 1, 1), date(2016, 7, 31)
IN_PLACE = date(2016, 6, 1)
TREATED = [(10, 10), (11, 10), (10, 11), (11, 11)]  # column, row
CODE = "990101"


def code_of(column: int, row: int) -> str:
    return f"{CODE}{row * SIDE + column + 1:03d}"


def box_of(column: float, row: float, width: float = 1) -> shapely.Polygon:
    west, south = WEST + STEP * column, SOUTH + STEP * row
    return shapely.box(west, south, west + STEP * width, south + STEP * width)


@dataclass(frozen=True)
class Made:
    """What was stored: reports of two categories by day and cell (row x SIDE + column)."""

    parking: NDArray[np.int64]
    rubbish: NDArray[np.int64]


def days() -> list[date]:
    return [FIRST + timedelta(number) for number in range((LAST - FIRST).days + 1)]


@pytest.fixture(scope="module")
def made() -> Made:
    """Many reports; from June on a third of the parking in the four cells, and half as much again around them."""
    rng = np.random.default_rng(5)
    level = 0.5 * np.exp(0.5 * rng.standard_normal(SIDE * SIDE))
    level[[row * SIDE + column for column, row in TREATED]] = 1.2
    when = np.array([day >= IN_PLACE for day in days()])
    season = 1 + 0.4 * np.sin(np.arange(len(when)) / 60)
    rate = np.outer(season, level)
    parking = rate.copy()
    for row in range(SIDE):
        for column in range(SIDE):
            if (column, row) in TREATED:
                parking[when, row * SIDE + column] *= 1 / 3
            elif 8 <= column <= 13 and 8 <= row <= 13:
                parking[when, row * SIDE + column] *= 1.5
    return Made(rng.poisson(parking), rng.poisson(0.4 * rate))


@pytest.fixture(scope="module")
def built_url(template_url: str, make_database: Callable[..., str], made: Made) -> str:
    url = make_database(template_url)
    engine = create_database_engine(url)
    with engine.begin() as conn:
        levels = (("district", 2), ("cell", 3))
        define_city(conn, City("flat", "9901", "平城", "Flat", "Asia/Shanghai", "EPSG:4547", levels))
        conn.execute(
            text(
                "INSERT INTO areas (level, code, name, geom) VALUES ('district', :code, '一区',"
                " ST_Multi(ST_GeomFromText(:wkt, 4326)))"
            ),
            {"code": CODE, "wkt": box_of(0, 0, SIDE).wkt},
        )
        cells = [
            {"code": code_of(column, row), "wkt": box_of(column, row).wkt, "tier": "key" if row < 13 else "general"}
            for row in range(SIDE)
            for column in range(SIDE)
        ]
        conn.execute(
            text(
                "INSERT INTO cells (code, area_id, tier, surveyed, geom) SELECT :code, id, :tier, true,"
                " ST_Multi(ST_GeomFromText(:wkt, 4326)) FROM areas"
            ),
            cells,
        )
        conn.execute(
            text(
                "INSERT INTO categories (standard_ref, kind, code, name, name_en, chaos) VALUES"
                " ('flat', 'event', '0505', '停车', 'Parking', 'parking'),"
                " ('flat', 'event', '0102', '垃圾', 'Rubbish', 'rubbish')"
            )
        )
        conn.execute(text("INSERT INTO sources (name, kind) VALUES ('patrol', 'patrol')"))
        ids = dict(conn.execute(text("SELECT code, id FROM cells")).all())
        of_cell = np.array([ids[code_of(at % SIDE, at // SIDE)] for at in range(SIDE * SIDE)], np.int32)
        epoch = (FIRST - date(1970, 1, 1)).days
        for category, counts in ((1, made.parking), (2, made.rubbish)):
            day, cell = (np.repeat(at, counts.ravel()) for at in map(np.ravel, np.indices(counts.shape)))
            each = np.full(len(day), category, np.int16)
            packed = pack((epoch + day).astype(np.int32), each, np.ones(len(day), np.int16), of_cell[cell])
            add_counts(conn, {"cell": packed})
        bump_version(conn, "areas", "cells", "categories", "reports")
    engine.dispose()
    return url


@pytest.fixture
def engine(built_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    engine = create_database_engine(make_database(built_url), pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def asked(engine: Engine) -> Iterator[TestClient]:
    with open_client(engine) as client:
        yield client


@pytest.fixture
def put(engine: Engine, write_geojson: Callable[..., Path]) -> Callable[..., None]:
    """Stores measures of (ref, shape, other fields)."""

    def store(*rows: tuple[str, shapely.Geometry, dict[str, str]]) -> None:
        usual = {"kind": "barrier", "valid_from": IN_PLACE.isoformat()}
        features = [(shape, {"ref": ref, "name": ref, **usual, **fields}) for ref, shape, fields in rows]
        with engine.begin() as conn:
            load_measures(conn, write_geojson("m.geojson", *features), "wgs84")

    return store


LINE = shapely.LineString([box_of(10, 10).centroid, box_of(11, 11).centroid])


def summed(counts: NDArray[np.int64], cells: list[str], first: str, after: str) -> int:
    rows = [date.fromisoformat(first) <= day < date.fromisoformat(after) for day in days()]
    at = [int(code[-3:]) - 1 if len(code) == 9 else int(code[6:]) - 1 for code in cells]
    return int(counts[rows][:, at].sum())


def test_a_planted_effect_and_what_moved_are_found(asked: TestClient, put: Callable[..., None], made: Made) -> None:
    put(("M1", LINE, {}))
    answer = asked.get("/measures/M1/effect", params={"category": "chaos:parking"}).json()
    # Those that shapely says it touches, two of them at a corner only.
    touched = {
        code_of(column, row) for column in range(SIDE) for row in range(SIDE) if box_of(column, row).intersects(LINE)
    }
    assert set(answer["cells"]) == touched
    assert answer["verdict"] == "fewer"
    assert answer["low"] < 1 / 3 < answer["high"]
    assert answer["p"] < 0.02
    assert "减少" in answer["text_zh"]
    window = answer["window"]
    assert [window[part]["periods"] for part in ("matching", "baseline", "choice", "after")] == [6, 6, 3, 6]
    for part in ("matching", "baseline", "choice", "after"):
        first, after = window[part]["from"], window[part]["to"]
        assert answer["counts"][part] == summed(made.parking, answer["cells"], first, after)
        places = [code for place in answer["controls"]["places"] for code in place]
        assert answer["controls"]["counts"][part] == summed(made.parking, places, first, after)
    half = 0.5
    own, others = answer["counts"], answer["controls"]["counts"]
    by_hand = (own["after"] + half) * (others["baseline"] + half) / (own["baseline"] + half) / (others["after"] + half)
    assert answer["ratio"] == pytest.approx(by_hand)
    # Problems moved into the ring of 200 m.
    ring = answer["ring"]
    metric = metric_transformer("EPSG:4547")
    line = shapely.transform(LINE, metric.transform, interleaved=False)
    near = {
        code_of(column, row)
        for column in range(SIDE)
        for row in range(SIDE)
        if shapely.transform(box_of(column, row), metric.transform, interleaved=False).distance(line) <= 200
    }
    assert set(ring["cells"]) == near - touched
    assert not set(places) & near


def test_all_problems_together_hide_it_and_rubbish_has_none(asked: TestClient, put: Callable[..., None]) -> None:
    put(("M1", LINE, {}))
    rubbish = asked.get("/measures/M1/effect", params={"category": "chaos:rubbish"}).json()
    assert rubbish["verdict"] in ("cannot_be_told", "too_little_data")
    both = asked.get("/measures/M1/effect").json()
    parking = asked.get("/measures/M1/effect", params={"category": "chaos:parking"}).json()
    assert parking["ratio"] < both["ratio"] < 1


def _places(asked: TestClient, put: Callable[..., None]) -> set[str]:
    put(("M1", LINE, {}))
    answer = asked.get("/measures/M1/effect", params={"category": "chaos:parking"}).json()
    return {code for place in answer["controls"]["places"] for code in place}


def test_no_place_with_a_measure_is_compared(asked: TestClient, put: Callable[..., None]) -> None:
    far = box_of(20, 20)
    # Four rows of the same tier: without them the nearest places are others.
    before = _places(asked, put)
    south = shapely.box(WEST, SOUTH, WEST + SIDE * STEP, SOUTH + 4 * STEP)
    assert before & {code_of(column, row) for column in range(SIDE) for row in range(6)}
    put(
        ("M1", LINE, {}),
        ("M2", far, {"valid_from": "2016-03-01"}),
        ("M5", south, {"valid_from": "2014-03-01"}),
        ("M3", box_of(2.2, 20.2, 0.5), {"valid_from": "2015-01-01", "valid_to": "2015-06-01"}),
        ("M4", box_of(10.2, 10.2, 0.5), {"valid_from": "2016-07-11", "begun": "2016-07-01"}),
    )
    answer = asked.get("/measures/M1/effect", params={"category": "chaos:parking"}).json()
    places = {code for place in answer["controls"]["places"] for code in place}
    reached = {code_of(column, row) for column in range(18, 23) for row in range(18, 23)}
    southern = {code_of(column, row) for column in range(SIDE) for row in range(6)}
    assert not places & (reached | southern)
    assert answer["beside"] == ["M4"]
    second = asked.get("/measures/M2/effect").json()
    assert (second["verdict"], second["reason"]) == ("too_little_data", "before")


def test_periods_without_reports_are_not_known(asked: TestClient, put: Callable[..., None]) -> None:
    put(("LATE", LINE, {"valid_from": "2016-07-11"}), ("GONE", LINE, {"valid_to": "2016-06-25"}))
    late = asked.get("/measures/LATE/effect").json()
    # After 31 July nothing is known: two whole periods of at least three.
    assert (late["verdict"], late["reason"]) == ("too_little_data", "after")
    assert late["window"]["after"]["periods"] == 2
    assert asked.get("/measures/GONE/effect").json()["reason"] == "after"
    outside = shapely.Point(WEST - 0.01, SOUTH)
    put(("AWAY", outside, {}))
    assert asked.get("/measures/AWAY/effect").json()["reason"] == "cells"


def test_a_kind_together(
    asked: TestClient, put: Callable[..., None], finegrid: Callable[..., Result], engine: Engine
) -> None:
    put(
        ("M1", LINE, {"cost_yuan": "1000"}),
        ("M2", box_of(3.2, 3.2, 0.5), {"cost_yuan": "500"}),
        ("M3", box_of(20.2, 5.2, 0.5), {}),
        ("M4", box_of(20.2, 20.2, 0.5), {"kind": "park"}),
    )
    params = {"kind": "barrier", "category": "chaos:parking"}
    answer = asked.get("/measures/effects", params=params).json()
    assert (answer["measures"], answer["cost_yuan"], answer["seed"]) == (3, 1500, 20150101)
    rows = answer["rows"]
    told = [row for row in rows if row["ratio"] is not None]
    assert answer["judged"] == len(told) >= 2
    used: set[str] = set()
    for row in told:
        places = {code for place in row["controls"]["places"] for code in place}
        assert not used & places
        used |= places
    ratios = [row["ratio"] for row in told]
    assert min(ratios) < answer["ratio"] < max(ratios)
    assert asked.get("/measures/effects", params=params).json() == answer
    url = engine.url.render_as_string(hide_password=False)
    shown = finegrid("measures", "effects", "--kind", "barrier", "--category", "chaos:parking", DATABASE_URL=url)
    assert f"3 measures, {len(told)} can be judged" in shown.output
    one: dict[str, Any] = json_of(finegrid("measures", "effect", "M1", "--json", DATABASE_URL=url))
    assert one["ratio"] == asked.get("/measures/M1/effect").json()["ratio"]
    text_of = finegrid("measures", "effect", "M1", "--category", "chaos:parking", DATABASE_URL=url).output
    assert "Fewer problems" in text_of
    assert "问题减少" in text_of


def test_too_many_measures_for_one_request(
    asked: TestClient, put: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    put(*((f"M{number}", box_of(number, 3.2, 0.5), {}) for number in range(3)))
    monkeypatch.setattr("api.measures.MOST_MEASURES", 2)
    answer = asked.get("/measures/effects", params={"kind": "barrier"})
    assert answer.status_code == 400
    assert "3 measures are of the kind barrier, more than 2" in answer.json()["detail"]


def test_an_answer_is_not_kept_longer_than_its_facts(
    asked: TestClient, put: Callable[..., None], engine: Engine
) -> None:
    put(("M1", LINE, {}))
    tag = asked.get("/measures/M1/effect").headers["ETag"]
    assert asked.get("/measures/M1/effect", headers={"If-None-Match": tag}).status_code == 304
    put(("M2", box_of(3, 3), {}))
    assert asked.get("/measures/M1/effect", headers={"If-None-Match": tag}).status_code == 200
    assert ten_day_period(IN_PLACE).first == IN_PLACE
