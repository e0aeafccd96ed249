"""The tiny city with standings: two published periods, one of them corrected, and a draft."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from api.app import CONNECTIONS
from gis.ground import load_ground
from gis.rules.periods import parse_period
from gis.standings import draft
from gis.store.database import create_database_engine
from tests.api.bulletins.asking import DRAFT, NOW
from tests.api.conftest import open_client
from tests.under_way import put_under_way


@pytest.fixture(scope="module")
def town_engine(tiny_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """The tiny city with two published periods, one of them corrected, and a draft."""
    engine = create_database_engine(make_database(tiny_url), pool_size=CONNECTIONS)
    with engine.begin() as conn:
        put_under_way(conn)
        draft(conn, load_ground(conn), parse_period(DRAFT), "office", NOW)
    yield engine
    engine.dispose()


@pytest.fixture(scope="module")
def town(town_engine: Engine) -> Iterator[TestClient]:
    with open_client(town_engine) as client:
        yield client
