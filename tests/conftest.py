"""A real PostGIS for the tests: one cluster and one migrated template per run, one database per test cloned from it."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import orjson
import pytest
import shapely
from click.testing import CliRunner, Result
from sqlalchemy import Connection, Engine, NullPool, create_engine, make_url, text

from gis.areas import load_areas
from gis.city import City, city_from_toml, define_city
from gis.cli import frame
from gis.settings import settings
from gis.store.cluster import Cluster
from gis.store.database import create_database_engine, migrate

ROOT = Path(__file__).parent.parent
SERVER_GIVEN = os.environ.get("FINEGRID_DATABASE_URL")
NUMBERS = itertools.count(1)


@pytest.fixture(autouse=True)
def _own_settings(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No test sees the developer's city, key or server, nor what another test set."""
    for name in [name for name in os.environ if name.startswith("FINEGRID_")]:
        monkeypatch.delenv(name)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.fixture(scope="session", autouse=True)
def _own_index_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Indexes built by tests do not end in the developer's own cache folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture(scope="session")
def cluster_home() -> Iterator[Path]:
    """A folder that the `postgres` account can enter; pytest's own temporary folders are closed to it."""
    folder = Path(tempfile.mkdtemp(prefix="fgt_", dir="/tmp"))
    folder.chmod(0o755)
    yield folder / "c"
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def cluster(cluster_home: Path) -> Iterator[Cluster]:
    """The run's own embedded cluster."""
    cluster = Cluster(cluster_home, extra="fsync = off\nfull_page_writes = off\nsynchronous_commit = off")
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture(scope="session")
def server_url(request: pytest.FixtureRequest) -> str:
    """URL of a maintenance database: on FINEGRID_DATABASE_URL's server where that is set, else on the run's cluster."""
    return SERVER_GIVEN or request.getfixturevalue("cluster").url("postgres")


def _maintain(server_url: str, statement: str) -> None:
    engine = create_engine(server_url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    with engine.connect() as conn:
        conn.execute(text(statement))


def _drop(server_url: str, url: str) -> None:
    _maintain(server_url, f'DROP DATABASE IF EXISTS "{make_url(url).database}" WITH (FORCE)')


@pytest.fixture(scope="session")
def make_database(server_url: str) -> Iterator[Callable[..., str]]:
    """Makes a database, empty or cloned from the one at `template_url`, and answers its URL; dropped with the run."""
    made: list[str] = []

    def make(template_url: str | None = None) -> str:
        name = f"finegrid_test_{os.getpid()}_{next(NUMBERS)}"
        template = make_url(template_url).database if template_url else "template0"
        _maintain(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        made.append(make_url(server_url).set(database=name).render_as_string(hide_password=False))
        return made[-1]

    yield make
    for url in reversed(made):
        _drop(server_url, url)


@pytest.fixture(scope="session")
def template_url(make_database: Callable[..., str]) -> str:
    """A migrated database without a city; nobody may stay connected to it."""
    url = make_database()
    engine = create_database_engine(url)
    migrate(engine)
    engine.dispose()
    return url


@pytest.fixture
def database_url(template_url: str, make_database: Callable[..., str], server_url: str) -> Iterator[str]:
    """A migrated database of the test's own."""
    url = make_database(template_url)
    yield url
    _drop(server_url, url)


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    """Engine of the test's own migrated database."""
    engine = create_database_engine(database_url, pool_size=4)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(engine: Engine) -> Iterator[Connection]:
    """One open transaction in the test's own database, rolled back at the end unless the test commits."""
    with engine.connect() as conn:
        yield conn


@pytest.fixture
def boston(conn: Connection) -> City:
    """The test's database holds Boston's description, nothing else."""
    city = city_from_toml(ROOT / "fixtures/boston/city.toml")
    define_city(conn, city)
    return city


@pytest.fixture
def zhengzhou(conn: Connection) -> City:
    """The test's database holds a city with all levels and 15-digit codes, nothing else."""
    city = City(
        slug="zhengzhou",
        code="4101",
        name="郑州市",
        name_en="Zhengzhou",
        time_zone="Asia/Shanghai",
        metric_crs="EPSG:4547",
        levels=(("district", 2), ("street", 3), ("community", 3), ("cell", 3)),
    )
    define_city(conn, city)
    return city


@pytest.fixture
def write_geojson(tmp_path: Path) -> Callable[..., Path]:
    """Writes a GeoJSON file of (geometry, properties) pairs, coordinates as given."""

    def write(name: str, *rows: tuple[shapely.Geometry | None, dict]) -> Path:
        features = [
            {
                "type": "Feature",
                "properties": properties,
                "geometry": shapely.geometry.mapping(geometry) if geometry else None,
            }
            for geometry, properties in rows
        ]
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return path

    return write


@pytest.fixture
def write_csv(tmp_path: Path) -> Callable[..., Path]:
    """Writes a CSV file of lines."""

    def write(name: str, *lines: str) -> Path:
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return write


# A small Zhengzhou: one district of two streets, west and east, of two communities each, side by side.
SMALL_AREAS = [
    ("district", "410102", "中原区", "", shapely.box(113.60, 34.70, 113.64, 34.71)),
    ("street", "410102001", "林山寨街道", "410102", shapely.box(113.60, 34.70, 113.62, 34.71)),
    ("street", "410102002", "建设路街道", "410102", shapely.box(113.62, 34.70, 113.64, 34.71)),
    ("community", "410102001001", "一社区", "410102001", shapely.box(113.60, 34.70, 113.61, 34.71)),
    ("community", "410102001002", "二社区", "410102001", shapely.box(113.61, 34.70, 113.62, 34.71)),
    ("community", "410102002001", "三社区", "410102002", shapely.box(113.62, 34.70, 113.63, 34.71)),
    ("community", "410102002002", "四社区", "410102002", shapely.box(113.63, 34.70, 113.64, 34.71)),
]


@pytest.fixture
def small_city(conn: Connection, zhengzhou: City, write_geojson: Callable[..., Path]) -> City:
    """`zhengzhou` with SMALL_AREAS loaded, no cells."""
    rows = [
        (geometry, {"level": level, "code": code, "name": name, "parent_code": parent})
        for level, code, name, parent, geometry in SMALL_AREAS
    ]
    load_areas(conn, write_geojson("small_areas.geojson", *rows), "wgs84")
    return zhengzhou


@pytest.fixture
def finegrid(database_url: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Result]]:
    """Runs a command line against the test's own database, as a user would; settings by keyword, e.g. API_KEY=..."""

    def run(*arguments: str | Path, **environment: str) -> Result:
        for name, value in {"DATABASE_URL": database_url, **environment}.items():
            monkeypatch.setenv(f"FINEGRID_{name}", value)
        return run_command(monkeypatch, *arguments)

    yield run
    frame.open_engine.cache_clear()


def run_command(monkeypatch: pytest.MonkeyPatch, *arguments: str | Path) -> Result:
    """Run a command line in this process with the settings of the moment."""
    from gis.cli.root import main

    words = [str(argument) for argument in arguments]
    monkeypatch.setattr(sys, "argv", ["finegrid", *words])
    settings.cache_clear()
    frame.open_engine.cache_clear()
    return CliRunner().invoke(main, words, catch_exceptions=False)


def json_of(result: Result) -> dict:
    """The one JSON object that --json printed on stdout."""
    return orjson.loads(result.stdout)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests in a browser come last: their driver leaves an event loop running, beside which none can be begun."""
    items.sort(key=lambda item: any(part in item.nodeid for part in ("tests/browser/", "test_maplibre")))
