"""The real city: Boston's 121,145 reports of 2015, loaded as the demo loads them, counted again by other means."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterator
from datetime import date

import geopandas
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from fixtures import demo, folder
from gis.cli import frame
from gis.density import DensityQuery, DensityTable, density, road_density
from gis.ground import Ground, load_ground
from gis.locator import load_locator
from gis.reconciliation import reconciliation
from gis.reports import import_reports
from gis.rules.policy import policy_on
from gis.settings import settings
from gis.store.database import create_database_engine, transaction
from gis.verify import verify

YEAR = DensityQuery(date(2015, 1, 1), date(2016, 1, 1))
JUNE = DensityQuery(date(2015, 6, 1), date(2015, 7, 1))
REPORTS, IN_CELLS = 121_145, 121_120


@pytest.fixture(scope="module")
def boston_engine(template_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """Boston, loaded by the functions of `make demo`."""
    url = make_database(template_url)
    before = dict(os.environ)
    os.environ["FINEGRID_DATABASE_URL"] = url
    settings.cache_clear()
    frame.open_engine.cache_clear()
    try:
        demo.load_city("boston")
    finally:
        frame.open_engine().dispose()
        frame.open_engine.cache_clear()
        os.environ.clear()
        os.environ.update(before)
        settings.cache_clear()
    engine = create_database_engine(url)
    yield engine
    engine.dispose()


@pytest.fixture
def city(boston_engine: Engine) -> Iterator[Connection]:
    """Boston; what a test changes is rolled back."""
    with boston_engine.connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def ground(boston_engine: Engine) -> Ground:
    with transaction(boston_engine, read_only=True) as conn:
        return load_ground(conn)


@pytest.fixture(scope="module")
def frames(boston_engine: Engine) -> tuple[geopandas.GeoDataFrame, geopandas.GeoDataFrame]:
    """The report file as pandas reads it, and the cells as geopandas does: nothing of finegrid's on the way."""
    facts = tomllib.loads((folder("boston") / "city.toml").read_text(encoding="utf-8"))["reports"][0]
    columns = facts["map"]
    table = pd.read_csv(folder("boston") / facts["file"], dtype=str)
    table["day"] = pd.to_datetime(table[columns["reported_at"]]).dt.date
    table["type"] = table[columns["category"]]
    at = geopandas.points_from_xy(table[columns["lon"]].astype(float), table[columns["lat"]].astype(float))
    points = geopandas.GeoDataFrame(table[["day", "type"]], geometry=at, crs="EPSG:4326")
    with boston_engine.connect() as conn:
        cells = geopandas.read_postgis(
            text(
                "SELECT c.code, a.code AS area, c.geom FROM cells c JOIN areas a ON a.id = c.area_id"
                " WHERE c.retired_at IS NULL"
            ),
            conn,
        )
    return points, cells


@pytest.fixture(scope="module")
def joined(frames: tuple[geopandas.GeoDataFrame, geopandas.GeoDataFrame]) -> pd.DataFrame:
    """One row per report: day, type, and the lowest code among the cells that geopandas finds."""
    points, cells = frames
    pairs = geopandas.sjoin(points, cells, how="left", predicate="intersects")
    return pairs.sort_values("code").groupby(level=0).first()


def test_the_sums_of_the_whole_year(city: Connection) -> None:
    answer = reconciliation(city)
    assert (answer["read"], answer["accepted"], answer["in_cells"], answer["outside"]) == (
        REPORTS, REPORTS, IN_CELLS, REPORTS - IN_CELLS,
    )  # fmt: skip
    assert (answer["duplicate"], answer["rejected"], answer["no_position"], answer["adds_up"]) == (0, 0, 0, True)
    months = [reconciliation(city, date(2015, m, 1), date(2015 + m // 12, m % 12 + 1, 1)) for m in range(1, 13)]
    assert sum(month["accepted"] for month in months) == REPORTS
    assert all(month["adds_up"] for month in months)


def test_geopandas_finds_the_same_number_outside(joined: pd.DataFrame) -> None:
    assert len(joined) == REPORTS
    assert int(joined["code"].notna().sum()) == IN_CELLS


def counts_of(table: DensityTable, codes: list[str]) -> dict[str, int]:
    assert table.columns["code"] == codes
    counts = dict(zip(codes, table.columns["count"].tolist(), strict=True))
    return {code: count for code, count in counts.items() if count}


@pytest.mark.parametrize("query", [YEAR, JUNE], ids=["year", "june"])
def test_density_counts_what_geopandas_counts(
    query: DensityQuery, city: Connection, ground: Ground, joined: pd.DataFrame
) -> None:
    chosen = joined[(joined["day"] >= query.from_day) & (joined["day"] < query.to_day)]
    by_cell = density(city, ground, "cell", query)
    assert counts_of(by_cell, ground.cell_codes) == chosen["code"].value_counts().to_dict()
    by_district = density(city, ground, "district", query)
    assert counts_of(by_district, by_district.columns["code"]) == chosen["area"].value_counts().to_dict()
    assert by_cell.columns["count"].sum() == by_district.columns["count"].sum() == chosen["code"].notna().sum()


def test_one_category_is_what_pandas_filters(city: Connection, ground: Ground, joined: pd.DataFrame) -> None:
    (name,) = joined["type"].value_counts().index[:1]
    query = DensityQuery(YEAR.from_day, YEAR.to_day, (name,))
    expected = joined[joined["type"] == name]["area"].value_counts().to_dict()
    assert counts_of(density(city, ground, "district", query), sorted(ground_codes(ground))) == expected


def ground_codes(ground: Ground) -> list[str]:
    return [area.code for area in ground.areas.values()]


def test_the_four_chaoses_are_the_sum_of_their_categories(city: Connection, ground: Ground) -> None:
    members = dict(city.execute(text("SELECT code, chaos FROM categories WHERE chaos IS NOT NULL")).all())
    chaoses = sorted(set(members.values()))
    assert len(chaoses) > 1

    def total(*categories: str) -> int:
        table = density(city, ground, "district", DensityQuery(YEAR.from_day, YEAR.to_day, categories))
        return int(table.columns["count"].sum())

    for chaos in chaoses:
        codes = [f"event:{code}" for code, its in members.items() if its == chaos]
        assert total(f"chaos:{chaos}") == total(*codes) > 0
    assert total("chaos:any") == sum(total(f"chaos:{chaos}") for chaos in chaoses)


def test_area_is_geodesic_and_density_is_count_over_area(city: Connection, ground: Ground, frames) -> None:
    _, cells = frames
    geod = pyproj.Geod(ellps="WGS84")
    m2 = {
        code: abs(geod.geometry_area_perimeter(shape)[0]) for code, shape in zip(cells["code"], cells.geom, strict=True)
    }
    table = density(city, ground, "cell", YEAR)
    km2 = table.columns["area_km2"]
    assert np.allclose(km2, [m2[code] / 1e6 for code in table.columns["code"]], rtol=1e-6, atol=2e-8)
    assert km2.min() > 0
    assert table.columns["note"] == [None] * len(table)
    assert np.allclose(table.columns["per_km2"], table.columns["count"] / km2)
    assert np.allclose(table.columns["per_km2_per_day"] * 365, table.columns["per_km2"])
    districts = density(city, ground, "district", YEAR)
    assert np.isclose(districts.columns["area_km2"].sum(), km2.sum())


def test_cells_tile_the_areas_as_published(city: Connection, ground: Ground) -> None:
    whole = float(city.execute(text("SELECT ST_Area(ST_Union(geom)::geography) / 1e6 FROM areas")).scalar_one())
    assert abs(float(ground.cell_dm2.sum()) / 1e8 / whole - 1) < 1e-4


def test_postgis_derives_the_same(city: Connection) -> None:
    found = verify(city)
    assert (found.reports, found.differences, found.adds_up) == (REPORTS, 0, True)


def test_locate_agrees_with_what_was_stored(city: Connection, ground: Ground) -> None:
    locator = load_locator(city, ground, policy_on(date(2015, 6, 1)))
    rows = city.execute(
        text(
            "SELECT ST_X(geom), ST_Y(geom), coalesce(cell_id, 0), coalesce(segment_id, 0)"
            " FROM reports TABLESAMPLE SYSTEM (20) REPEATABLE (1)"
        )
    ).all()
    assert len(rows) > 10_000
    lon, lat, cell, segment = (np.array(column) for column in zip(*rows, strict=True))
    place = locator.place(lon, lat)
    assert np.array_equal(np.where(place.cell >= 0, ground.cell_ids[place.cell], 0), cell)
    assert np.array_equal(np.where(place.segment >= 0, ground.segment_ids[place.segment], 0), segment)
    for at in range(0, 2000, 7):
        assert locator.cell_index.locate_one(lon[at], lat[at]) == place.cell[at]


def test_roads_per_km(city: Connection, ground: Ground) -> None:
    table = road_density(city, ground, YEAR)
    stored = dict(
        city.execute(text("SELECT segment_id, count(*) FROM reports WHERE segment_id IS NOT NULL GROUP BY 1")).all()
    )
    counted = dict(zip(table.ids.tolist(), table.columns["count"].tolist(), strict=True))
    assert {place: count for place, count in counted.items() if count} == stored
    geod = pyproj.Geod(ellps="WGS84")
    rows = city.execute(text("SELECT id, ST_AsBinary(geom) FROM road_segments ORDER BY code LIMIT 300")).all()
    length = dict(zip(table.ids.tolist(), table.columns["length_m"].tolist(), strict=True))
    for place, wkb in rows:
        assert abs(geod.geometry_length(shapely.from_wkb(bytes(wkb))) - length[place]) < 0.002
    assert np.allclose(table.columns["per_km"] * table.columns["length_m"] / 1000, table.columns["count"])


def test_days_are_bostons(city: Connection) -> None:
    wrong = city.execute(
        text("SELECT count(*) FROM reports WHERE day <> (reported_at AT TIME ZONE 'America/New_York')::date")
    ).scalar_one()
    assert wrong == 0


def test_importing_the_year_again_changes_nothing(city: Connection, ground: Ground) -> None:
    (order,) = demo.report_orders(
        folder("boston"), tomllib.loads((folder("boston") / "city.toml").read_text(encoding="utf-8"))
    )
    before = density(city, ground, "cell", YEAR).columns["count"]
    again = import_reports(city, order)
    assert (again.accepted, again.duplicate) == (0, REPORTS)
    assert np.array_equal(density(city, ground, "cell", YEAR).columns["count"], before)
    assert reconciliation(city)["adds_up"]
