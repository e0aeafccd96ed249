"""Density: sums at every level, rates, what can be asked for, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from itertools import pairwise

import numpy as np
import pyproj
import pytest
import shapely
from sqlalchemy import Connection, Engine, text

from gis.density import NO_CELLS, DensityQuery, DensityTable, density, road_density
from gis.errors import ParameterError
from gis.ground import Ground, load_ground
from gis.store.database import create_database_engine, transaction
from tests.town import EAST_STEP, NORTH_STEP, SOUTH, WEST, build_town, some_rows, take_in, write_csv

FIRST, LAST = date(2016, 5, 1), date(2016, 8, 1)
EVERYTHING = DensityQuery(FIRST, LAST)
SHARED = (113.604, 34.705)


@pytest.fixture(scope="module")
def filled_engine(
    template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Engine]:
    """The town, a street without cells, 1200 reports of two sources, 150 more on one coordinate."""
    folder = tmp_path_factory.mktemp("density")
    engine = create_database_engine(make_database(template_url))
    with transaction(engine) as conn:
        build_town(conn)
        conn.execute(
            text(
                "INSERT INTO areas (level, code, name, parent_id, parent_level, geom)"
                " SELECT 'street', '410101003', 'bare', id, level, geom FROM areas WHERE level = 'district'"
            )
        )
        rows = some_rows(1200)
        take_in(conn, write_csv(folder / "a.csv", rows[:700]), "patrol")
        take_in(conn, write_csv(folder / "b.csv", rows[700:]), "hotline", source_kind="citizen")
        shared = [(f"s{n}", *map(repr, SHARED), "2016-06-01 12:00", "0102") for n in range(150)]
        assert take_in(conn, write_csv(folder / "c.csv", shared), "patrol").shared_positions
    yield engine
    engine.dispose()


@pytest.fixture
def filled(filled_engine: Engine) -> Iterator[Connection]:
    with filled_engine.connect() as conn:
        yield conn


@pytest.fixture(scope="module")
def ground(filled_engine: Engine) -> Ground:
    with transaction(filled_engine, read_only=True) as conn:
        return load_ground(conn)


def query(**changes: object) -> DensityQuery:
    return DensityQuery(**{"from_day": FIRST, "to_day": LAST, **changes})


def counted(table: DensityTable) -> dict[str, int]:
    counts = dict(zip(table.columns["code"], table.columns["count"].tolist(), strict=True))
    return {code: count for code, count in counts.items() if count}


def by_sql(conn: Connection, condition: str = "true") -> dict[str, int]:
    return dict(
        conn.execute(
            text(
                "SELECT c.code, count(*) FROM reports r JOIN cells c ON c.id = r.cell_id"
                " JOIN categories k ON k.id = r.category_id JOIN sources s ON s.id = r.source_id"
                f" WHERE {condition} GROUP BY 1"
            )
        ).all()
    )


def test_cells_streets_and_districts_add_up(filled: Connection, ground: Ground) -> None:
    expected = by_sql(filled)
    cells, streets, districts = (density(filled, ground, level, EVERYTHING) for level in ("cell", "street", "district"))
    assert counted(cells) == expected
    assert cells.columns["code"] == sorted(cells.columns["code"])
    for table, digits in ((streets, 9), (districts, 6)):
        sums: dict[str, int] = {}
        for code, count in expected.items():
            sums[code[:digits]] = sums.get(code[:digits], 0) + count
        assert counted(table) == sums
        assert np.isclose(table.columns["area_km2"].sum(), cells.columns["area_km2"].sum())
    assert sum(expected.values()) > 700


def test_rates_are_counts_over_geodesic_area_and_days(filled: Connection, ground: Ground) -> None:
    geod = pyproj.Geod(ellps="WGS84")
    table = density(filled, ground, "cell", EVERYTHING)
    shapes = filled.execute(text("SELECT ST_AsBinary(geom) FROM cells ORDER BY code")).scalars().all()
    km2 = np.array([abs(geod.geometry_area_perimeter(shapely.from_wkb(bytes(wkb)))[0]) / 1e6 for wkb in shapes])
    assert np.allclose(table.columns["area_km2"], km2, rtol=1e-6)
    assert np.allclose(table.columns["per_km2"], table.columns["count"] / table.columns["area_km2"])
    assert table.days == 92
    assert np.allclose(table.columns["per_km2_per_day"], table.columns["per_km2"] / 92)
    assert table.columns["note"] == [None] * len(table)


def test_a_street_without_cells_has_no_density_and_says_so(filled: Connection, ground: Ground) -> None:
    rows = {row["code"]: row for row in density(filled, ground, "street", EVERYTHING).rows()}
    bare = rows["410101003"]
    assert (bare["count"], bare["area_km2"], bare["per_km2"], bare["per_km2_per_day"]) == (0, 0.0, None, None)
    assert bare["note"] == NO_CELLS
    assert rows["410101001"]["note"] is None
    assert rows["410101001"]["per_km2"] > 0


@pytest.mark.parametrize(
    ("categories", "condition"),
    [
        (("0501",), "k.code = '0501'"),
        (("占道经营",), "k.code = '0501'"),
        (("street vendors", "cars"), "k.code IN ('0501', '0505')"),
        (("event:0101",), "k.code = '0101' AND k.kind = 'event'"),
        (("component:0101",), "false"),
        (("chaos:parking",), "k.chaos = 'parking'"),
        (("chaos:any",), "k.chaos IS NOT NULL"),
        (("chaos:rubbish", "0501", "chaos:rubbish"), "k.chaos = 'rubbish' OR k.code = '0501'"),
    ],
)
def test_categories(categories: tuple[str, ...], condition: str, filled: Connection, ground: Ground) -> None:
    assert counted(density(filled, ground, "cell", query(categories=categories))) == by_sql(filled, condition)


@pytest.mark.parametrize(
    ("names", "condition"),
    [
        (("patrol",), "s.name = 'patrol'"),
        (("kind:citizen",), "s.kind = 'citizen'"),
        (("kind:media",), "false"),
        (("patrol", "hotline"), "true"),
    ],
)
def test_sources(names: tuple[str, ...], condition: str, filled: Connection, ground: Ground) -> None:
    assert counted(density(filled, ground, "cell", query(sources=names))) == by_sql(filled, condition)


def test_windows_are_half_open(filled: Connection, ground: Ground) -> None:
    days = [date(2016, 5, 20), date(2016, 6, 1), date(2016, 6, 11), date(2016, 6, 29)]
    for first, last in pairwise(days):
        found = counted(density(filled, ground, "cell", DensityQuery(first, last)))
        assert found == by_sql(filled, f"r.day >= '{first}' AND r.day < '{last}'")


def test_a_shared_coordinate_can_be_left_out(filled: Connection, ground: Ground) -> None:
    for changes, condition in (({}, "true"), ({"categories": ("0102",)}, "k.code = '0102'")):
        with_it, without = (
            counted(density(filled, ground, "cell", query(without_shared=left_out, **changes)))
            for left_out in (False, True)
        )
        assert sum(with_it.values()) - sum(without.values()) == 150
        there = f"r.geom = ST_SetSRID(ST_MakePoint({SHARED[0]}, {SHARED[1]}), 4326)"
        assert without == by_sql(filled, f"{condition} AND NOT {there}")
    roads = [int(road_density(filled, ground, query(without_shared=out)).columns["count"].sum()) for out in (0, 1)]
    near = filled.execute(text("SELECT count(*) FROM reports WHERE source_ref LIKE 's%' AND segment_id IS NOT NULL"))
    assert roads[0] - roads[1] == near.scalar_one()


def test_a_box_leaves_what_it_meets(filled: Connection, ground: Ground) -> None:
    box = (WEST + 2.2 * EAST_STEP, SOUTH + 2.2 * NORTH_STEP, WEST + 4.2 * EAST_STEP, SOUTH + 4.2 * NORTH_STEP)
    inside = query(bbox=box)
    table = density(filled, ground, "cell", inside)
    shapes = filled.execute(text("SELECT code, ST_AsBinary(geom) FROM cells ORDER BY code")).all()
    met = [code for code, wkb in shapes if shapely.from_wkb(bytes(wkb)).intersects(shapely.box(*box))]
    assert table.columns["code"] == met
    assert 5 < len(met) < 20
    whole = density(filled, ground, "cell", EVERYTHING)
    expected = dict(zip(whole.columns["code"], whole.columns["per_km2"].tolist(), strict=True))
    assert table.columns["per_km2"].tolist() == [expected[code] for code in met]
    assert len(density(filled, ground, "street", query(bbox=(0, 0, 1, 1)))) == 0
    assert len(road_density(filled, ground, query(bbox=(0, 0, 1, 1)))) == 0


def test_roads_per_km(filled: Connection, ground: Ground) -> None:
    table = road_density(filled, ground, EVERYTHING)
    stored = dict(
        filled.execute(
            text("SELECT g.code, count(*) FROM reports r JOIN road_segments g ON g.id = r.segment_id GROUP BY 1")
        ).all()
    )
    assert counted(table) == stored
    geod = pyproj.Geod(ellps="WGS84")
    shapes = filled.execute(text("SELECT ST_AsBinary(geom) FROM road_segments ORDER BY code")).scalars().all()
    km = np.array([geod.geometry_length(shapely.from_wkb(bytes(wkb))) / 1000 for wkb in shapes])
    assert np.allclose(table.columns["length_m"] / 1000, km, atol=1e-6)
    assert np.allclose(table.columns["per_km"], table.columns["count"] / km, rtol=1e-5)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"to_day": FIRST}, "to: must be after"),
        ({"bbox": (2, 0, 1, 1)}, "bbox"),
        ({"bbox": (0, 0, 1, 91)}, "bbox"),
        ({"bbox": (float("nan"), 0, 1, 1)}, "bbox"),
        ({"categories": ("0599",)}, "the dictionary has no '0599'"),
        ({"categories": ("0101",)}, "stands for several entries: write kind:code"),
        ({"categories": ("chaos:noise",)}, "no category belongs to 'chaos:noise'"),
        ({"sources": ("nobody",)}, "there is no source 'nobody'; there are"),
        ({"sources": ("kind:king",)}, "there is no source 'kind:king'"),
    ],
)
def test_what_cannot_be_is_refused_by_name(changes: dict, said: str, filled: Connection, ground: Ground) -> None:
    with pytest.raises(ParameterError) as refused:
        density(filled, ground, "cell", query(**changes))
    assert said in str(refused.value)


def test_a_level_that_the_city_lacks(filled: Connection, ground: Ground) -> None:
    with pytest.raises(ParameterError, match="Town has the levels district, street, cell, not 'community'"):
        density(filled, ground, "community", EVERYTHING)


def test_retired_cells_are_not_listed(filled: Connection) -> None:
    filled.execute(text("UPDATE cells SET retired_at = now() WHERE code = (SELECT max(code) FROM cells)"))
    table = density(filled, load_ground(filled), "cell", EVERYTHING)
    assert len(table) == 94
    assert counted(table).items() <= by_sql(filled).items()
