"""The town with its first ten days of June proposed and listed: fixtures and small words for tests of listings."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import Connection, Engine, text

from gis.listing_reads import ListingQuery, list_listings
from gis.listings import propose, publish, record
from gis.rules.periods import parse_period
from gis.store.database import create_database_engine, transaction
from tests.town import build_town, some_rows, take_in, write_csv

ZONE = ZoneInfo("Asia/Shanghai")
PERIOD = parse_period("2016-06-T1")
NOW = datetime(2016, 12, 1, tzinfo=UTC)


def at(day: int, hour: int = 9) -> datetime:
    """A time in June, and so on beyond its end."""
    return datetime(2016, 6, 1, hour, tzinfo=ZONE) + timedelta(days=day - 1)


@pytest.fixture(scope="module")
def listed_url(template_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory) -> str:
    """The town with 4,000 reports, its first ten days of June proposed and listed on 12 June."""
    url = make_database(template_url)
    engine = create_database_engine(url)
    folder = tmp_path_factory.mktemp("listings")
    with transaction(engine) as conn:
        build_town(conn)
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '张三', '13800000000')"))
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id,"
                " '[2016-01-01T00:00Z,)' FROM persons p, cells c"
            )
        )
        take_in(conn, write_csv(folder / "reports.csv", some_rows(4000, seed=1)), source="patrol", source_kind="patrol")
        propose(conn, PERIOD, "office", at(11, 0))
        publish(conn, PERIOD, "office", at(12))
    engine.dispose()
    return url


@pytest.fixture(scope="module")
def watched(listed_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A town that the tests of this module only write to in transactions that are rolled back."""
    engine = create_database_engine(make_database(listed_url))
    yield engine
    engine.dispose()


@pytest.fixture
def listed(listed_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    """A town of the test's own, for many connections."""
    engine = create_database_engine(make_database(listed_url), pool_size=16)
    yield engine
    engine.dispose()


@pytest.fixture
def conn(watched: Engine) -> Iterator[Connection]:
    """One open transaction, rolled back at the end."""
    with watched.connect() as conn:
        yield conn


def rows(conn: Connection, today: date = date(2016, 6, 12), **query: str) -> list[dict]:
    return list_listings(conn, ListingQuery(**query), today)


def first(conn: Connection, kind: str = "segment") -> int:
    return next(row["id"] for row in rows(conn) if row["kind"] == kind)


def walk(conn: Connection, listing_id: int, *steps: tuple) -> None:
    for move, day, actor, *reason in steps:
        record(conn, listing_id, move, actor, NOW, at(day), *reason)


CLEAN = (("rectify", 13, "Li"), ("submit", 15, "Li"), ("verify", 16, "Wang"))


def report_at(conn: Connection, tmp_path: Path, lon: float, lat: float, day: int, code: str = "0501") -> None:
    moment = at(day, 12).replace(tzinfo=None).isoformat()
    line = [(f"new{random.random()}", repr(lon), repr(lat), moment, code)]
    take_in(conn, write_csv(tmp_path / "new.csv", line), source="patrol")
