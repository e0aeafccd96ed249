"""A client over the tiny city, made a little harder: missing values, awkward texts, a report far away."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from api.app import CONNECTIONS
from gis.store.database import bump_version, create_database_engine
from tests.api.conftest import facts, open_client, tiny_url  # noqa: F401 - fixtures
from tests.under_way import AWKWARD, put_under_way

UNPACKED = {"Accept-Encoding": "identity"}
"""Packing takes longer than answering; it has tests of its own."""
MORE_REPORTS = text(
    "INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, geom, description)"
    " SELECT source_id, :ref, category_id, import_id, reported_at, day, ST_GeomFromText(:wkt, 4326), :description"
    " FROM reports ORDER BY source_id, source_ref LIMIT 1"
)


def make_harder(conn: Connection) -> None:
    """What the tiny city lacks: nulls where a property may be null, and texts that need escaping."""
    for ref, wkt, description in (
        ("H1", None, AWKWARD),
        ("H2", "POINT(120.1 30.2)", "far away"),
        ("H 3/4?&# 5%:ü", "POINT(113.6005 34.7005)", "a reference that addresses must escape"),
    ):
        conn.execute(MORE_REPORTS, {"ref": ref, "wkt": wkt, "description": description})
    conn.execute(text("UPDATE road_segments SET name = '' WHERE code = 'R2'"))
    conn.execute(text("UPDATE road_segments SET class = 'main', groups = '{a,b}' WHERE code = 'R3'"))
    conn.execute(text("UPDATE areas SET name_en = 'East Street' WHERE code = '990101001'"))
    conn.execute(text("UPDATE cells SET surveyed = false WHERE code LIKE '%7'"))
    conn.execute(text("UPDATE coordinators SET on_post = '(,2016-07-01)' WHERE ref = 'A4'"))
    put_under_way(conn)
    bump_version(conn, "areas", "cells", "roads", "reports", "coordinators")
    # As if all that had been yesterday: what changed just now is not yet dated.
    conn.execute(text("UPDATE data_versions SET changed_at = changed_at - interval '1 day'"))


@pytest.fixture(scope="session")
def city_url(tiny_url: str, make_database: Callable[..., str]) -> str:  # noqa: F811 - the fixture
    """A database with that city; cloned, or read and not written."""
    url = make_database(tiny_url)
    engine = create_database_engine(url)
    with engine.begin() as conn:
        make_harder(conn)
    engine.dispose()
    return url


@pytest.fixture(scope="session")
def engine_of_all(city_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """The city that no test writes to."""
    engine = create_database_engine(make_database(city_url), pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def client(engine_of_all: Engine) -> Iterator[TestClient]:
    """Asks the city that no test writes to."""
    with open_client(engine_of_all) as client:
        client.headers.update(UNPACKED)
        yield client


@pytest.fixture(scope="module")
def own_engine(city_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A city that the tests of one module write to."""
    engine = create_database_engine(make_database(city_url), pool_size=CONNECTIONS)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def own_client(own_engine: Engine) -> Iterator[TestClient]:
    """Asks that city."""
    with open_client(own_engine) as client:
        client.headers.update(UNPACKED)
        yield client
