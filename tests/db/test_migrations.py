"""The schema: up, down, up again, nothing forgotten, and every rule refuses what it is there to refuse."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import shapely
from alembic import command
from pyproj import Geod
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import IntegrityError

from gis.errors import ClusterError
from gis.store.database import create_database_engine, current_revision, migrate, migration_config, newest_revision
from gis.store.schema import metadata


@pytest.fixture
def empty(make_database: Callable[..., str]) -> Iterator[Engine]:
    engine = create_database_engine(make_database())
    yield engine
    engine.dispose()


def test_up_down_up(empty: Engine) -> None:
    assert current_revision(empty) is None
    assert migrate(empty) is True
    assert current_revision(empty) == newest_revision()
    made = set(inspect(empty).get_table_names())
    assert set(metadata.tables) <= made
    assert migrate(empty) is False
    command.downgrade(migration_config(empty), "base")
    assert current_revision(empty) is None
    assert set(inspect(empty).get_table_names()) & set(metadata.tables) == set()
    assert migrate(empty) is True
    assert set(inspect(empty).get_table_names()) == made


def test_models_and_migrations_agree(engine: Engine) -> None:
    command.check(migration_config(engine))


def test_alembic_check_notices_a_difference(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("ALTER TABLE persons ADD COLUMN stray integer"))
    with pytest.raises(Exception, match="stray"):
        command.check(migration_config(engine))


def test_a_newer_database_is_left_alone(engine: Engine) -> None:
    with engine.begin() as conn:
        conn.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ClusterError, match="at revision 9999, which this finegrid does not know"):
        migrate(engine)


SQUARE = "ST_Multi(ST_MakeEnvelope(113.6, 34.7, 113.7, 34.8, 4326))"
BOWTIE = "ST_GeomFromText('MULTIPOLYGON(((0 0, 1 1, 1 0, 0 1, 0 0)))', 4326)"
LINE = "ST_GeomFromText('MULTILINESTRING((0 0, 1 1))', 4326)"


@pytest.fixture
def ground(conn: Connection) -> Connection:
    """A district 1 with a cell 1 and a person 1."""
    conn.execute(text(f"INSERT INTO areas (level, code, name, geom) VALUES ('district', '01', 'a', {SQUARE})"))
    conn.execute(text(f"INSERT INTO cells (code, area_id, surveyed, geom) VALUES ('01001', 1, true, {SQUARE})"))
    conn.execute(text("INSERT INTO persons (ref, name) VALUES ('P', 'p')"))
    conn.execute(
        text("INSERT INTO responsibilities (person_id, cell_id, valid) VALUES (1, 1, '[2016-01-01,2017-01-01)')")
    )
    conn.execute(
        text("INSERT INTO responsibilities (person_id, area_id, valid) VALUES (1, 1, '[2016-01-01,2017-01-01)')")
    )
    return conn


AREA = "INSERT INTO areas (level, code, name, parent_id, parent_level, geom) VALUES"
CELL = "INSERT INTO cells (code, area_id, tier, surveyed, geom) VALUES"
HELD = "INSERT INTO responsibilities (person_id, cell_id, area_id, valid) VALUES"
POST = "INSERT INTO coordinators (ref, name, area_id, tier, on_post) VALUES"
ROAD = "INSERT INTO road_segments (code, class, geom, geom_m) VALUES"
KIND = "INSERT INTO categories (standard_ref, kind, code, name, name_en, chaos) VALUES"
CITY = "INSERT INTO city (id, slug, code, name, name_en, time_zone, metric_crs, levels) VALUES"


@pytest.mark.parametrize(
    ("constraint", "statement"),
    [
        ("ck_areas_level_known", f"{AREA} ('ward', '02', 'b', NULL, NULL, {SQUARE})"),
        ("uq_areas_code", f"{AREA} ('district', '01', 'b', NULL, NULL, {SQUARE})"),
        ("ck_areas_parent_is_higher", f"{AREA} ('district', '02', 'b', 1, 'district', {SQUARE})"),
        ("ck_areas_parent_is_higher", f"{AREA} ('street', '02', 'b', 1, NULL, {SQUARE})"),
        ("fk_areas_parent_id_parent_level", f"{AREA} ('community', '02', 'b', 1, 'street', {SQUARE})"),
        ("ck_areas_geom_valid", f"{AREA} ('district', '02', 'b', NULL, NULL, {BOWTIE})"),
        ("uq_cells_code", f"{CELL} ('01001', 1, 'key', true, {SQUARE})"),
        ("ck_cells_tier_known", f"{CELL} ('01002', 1, 'low', true, {SQUARE})"),
        ("ck_cells_geom_valid", f"{CELL} ('01002', 1, 'key', true, {BOWTIE})"),
        ("fk_cells_area_id", f"{CELL} ('01002', 9, 'key', true, {SQUARE})"),
        ("ex_responsibilities_cell", f"{HELD} (1, 1, NULL, '[2016-12-31,2018-01-01)')"),
        ("ex_responsibilities_area", f"{HELD} (1, NULL, 1, '[2016-12-31,)')"),
        ("ck_responsibilities_one_place", f"{HELD} (1, 1, 1, '[2018-01-01,)')"),
        ("ck_responsibilities_one_place", f"{HELD} (1, NULL, NULL, '[2018-01-01,)')"),
        ("ck_responsibilities_valid_not_empty", f"{HELD} (1, 1, NULL, 'empty')"),
        ("ck_coordinators_on_post_not_empty", f"{POST} ('A', 'a', 1, 'key', 'empty')"),
        ("ck_coordinators_tier_known", f"{POST} ('A', 'a', 1, 'low', '(,)')"),
        ("ck_road_segments_class_known", f"{ROAD} ('R', 'alley', {LINE}, ST_SetSRID({LINE}, 0))"),
        ("ck_categories_kind_known", f"{KIND} ('s', 'thing', '1', 'a', 'a', NULL)"),
        ("ck_categories_chaos_known", f"{KIND} ('s', 'event', '1', 'a', 'a', 'noise')"),
        ("ck_city_single", f"{CITY} (2, 's', '', 'a', 'a', 'UTC', 'EPSG:4547', '[]')"),
    ],
)
def test_constraints_refuse(ground: Connection, constraint: str, statement: str) -> None:
    with pytest.raises(IntegrityError, match=f'"{constraint}"'):
        ground.execute(text(statement))


@pytest.mark.parametrize(
    "statement",
    [
        f"{HELD} (1, 1, NULL, '[2017-01-01,)')",
        f"{AREA} ('community', '0101', 'b', 1, 'district', {SQUARE})",
        f"{POST} ('A', 'a', 1, 'key', '[2016-01-01,)')",
    ],
)
def test_constraints_let_through_what_is_right(ground: Connection, statement: str) -> None:
    assert ground.execute(text(statement)).rowcount == 1


def test_area_and_length_are_geodesic_and_computed(ground: Connection) -> None:
    square = ground.execute(text("SELECT area_km2 FROM areas WHERE id = 1")).scalar_one()
    box = shapely.box(113.6, 34.7, 113.7, 34.8)
    assert float(square) == pytest.approx(abs(Geod(ellps="WGS84").geometry_area_perimeter(box)[0]) / 1e6, abs=1e-6)
    ground.execute(text(f"UPDATE areas SET geom = ST_Multi(ST_Scale({SQUARE}, 1, 1.0001)) WHERE id = 1"))
    assert ground.execute(text("SELECT area_km2 FROM areas WHERE id = 1")).scalar_one() != square


def test_codes_sort_by_code_point(conn: Connection) -> None:
    conn.execute(text("INSERT INTO persons (ref, name) VALUES ('a', 'x'), ('B', 'x'), ('é', 'x'), ('Z', 'x')"))
    assert list(conn.execute(text("SELECT ref FROM persons ORDER BY ref")).scalars()) == ["B", "Z", "a", "é"]


@pytest.mark.parametrize("scheme", ["postgres://", "postgresql://", "postgresql+psycopg2://"])
def test_urls_as_people_write_them(database_url: str, scheme: str) -> None:
    engine = create_database_engine(scheme + database_url.partition("://")[2])
    with engine.connect() as conn:
        assert conn.execute(text("SELECT 1")).scalar() == 1
    engine.dispose()
