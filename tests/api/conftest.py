"""The API over a tiny city."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import CONNECTIONS, create_app
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.settings import settings
from gis.store.database import create_database_engine
from tests.api.tiny import Tiny, bad_rows, fill, tiny_facts, write_reports
from tests.standing_city import prepare

KEY = "0123456789abcdef-key"


@pytest.fixture(scope="session")
def facts() -> Tiny:
    """What is in the tiny city."""
    return tiny_facts()


@pytest.fixture(scope="session")
def tiny_url(
    template_url: str, make_database: Callable[..., str], facts: Tiny, tmp_path_factory: pytest.TempPathFactory
) -> str:
    """A database with the tiny city and its reports; cloned, or read and not written."""
    url = make_database(template_url)
    engine = create_database_engine(url)
    path = write_reports(tmp_path_factory.mktemp("tiny") / "reports.csv", [*facts.reports, *bad_rows(facts)])
    with engine.begin() as conn:
        fill(conn, facts)
        order = ImportOrder(ReportFile(path, {"reported_at": "time"}), "patrol", crs="wgs84")
        import_reports(conn, order)
    engine.dispose()
    return url


def open_client(engine: Engine) -> TestClient:
    return TestClient(create_app(engine), raise_server_exceptions=False)


@pytest.fixture(scope="session")
def client(tiny_url: str, make_database: Callable[..., str]) -> Iterator[TestClient]:
    """Asks a tiny city that no test writes to."""
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with open_client(engine) as client:
        yield client
    engine.dispose()


@pytest.fixture
def own_engine(tiny_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A tiny city of the test's own."""
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def standing_url(tiny_url: str, make_database: Callable[..., str]) -> str:
    """A tiny city with all that standings are made of; cloned."""
    url = make_database(tiny_url)
    engine = create_database_engine(url)
    with engine.begin() as conn:
        prepare(conn)
    engine.dispose()
    return url


@pytest.fixture
def standing_engine(standing_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """Such a city of the test's own."""
    engine = create_database_engine(make_database(standing_url), pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture
def own_client(own_engine: Engine) -> Iterator[TestClient]:
    """Asks the test's own tiny city."""
    with open_client(own_engine) as client:
        yield client


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The server has a key; these are the headers that show it."""
    monkeypatch.setenv("FINEGRID_API_KEY", KEY)
    settings.cache_clear()
    return {"X-API-Key": KEY}


@pytest.fixture(scope="module")
def client_of_the_module(tiny_url: str, make_database: Callable[..., str]) -> Iterator[TestClient]:
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with open_client(engine) as client:
        yield client
    engine.dispose()


@pytest.fixture
def own_client_of_the_module(client_of_the_module: TestClient, key: dict[str, str]) -> TestClient:
    """Asks a tiny city that the tests of a module share and may write to, with a key configured."""
    return client_of_the_module
