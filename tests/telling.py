"""A town whose cases are told to a receiver: what tests of webhooks share."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from gis.case_opening import open_case
from gis.cases import Move, record
from gis.store.database import transaction
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.courier import Courier
from gis.webhooks.retrying import RetryPlan
from gis.webhooks.subscriptions import NewWebhook, add_webhook
from tests.receiving import Receiver, receiver
from tests.town import build_town, slanted, take_in, write_csv

NOW = datetime(2016, 6, 30, tzinfo=UTC)
FOUND = datetime(2016, 6, 1, 0, 30, tzinfo=UTC)
HERE = AllowedHosts(("127.0.0.1",))
FAST = RetryPlan(first_s=0.03, factor=1.5, longest_s=0.2, attempts=6, longest_pause_s=0.05)
STEPS = ("verify", "accept", "file", "extend", "suspend", "resume")
CASES = 12


@pytest.fixture(name="town")
def town_(conn: Connection, engine: Engine, tmp_path: Path) -> Engine:
    """Reports r0, r1, ... far enough apart to be a case each; committed."""
    build_town(conn)
    rows = []
    for number in range(CASES):
        lon, lat = slanted(0.5 + number % 9, 0.5 + number // 9)
        rows.append(
            (f"r{number}", repr(float(lon)), repr(float(lat)), "2016-06-01T08:30:00", ("0505", "0501")[number % 2])
        )
    take_in(conn, write_csv(tmp_path / "r.csv", rows))
    conn.commit()
    return engine


@pytest.fixture(name="told")
def told_() -> Iterator[Receiver]:
    with receiver() as one:
        yield one


def subscribe(engine: Engine, url: str, **wanted: tuple[str, ...]) -> dict:
    with transaction(engine) as conn:
        return add_webhook(conn, NewWebhook(url, **wanted), HERE)


def begin(engine: Engine, number: int) -> int:
    with transaction(engine) as conn:
        return open_case(conn, "patrol", f"r{number}", "centre", NOW, FOUND + timedelta(minutes=1))[0]


def move(engine: Engine, case_id: int, name: str, minutes: float = 2) -> None:
    sent = Move(name, "centre", FOUND + timedelta(minutes=minutes), reason="雨", amount=1)
    with transaction(engine) as conn:
        record(conn, case_id, sent, NOW)


def history(engine: Engine, number: int, moves: tuple[str, ...] = STEPS) -> int:
    case_id = begin(engine, number)
    for step, name in enumerate(moves):
        move(engine, case_id, name, 2 + step)
    return case_id


def courier(engine: Engine, plan: RetryPlan = FAST, **more: object) -> Courier:
    return Courier(engine, HERE, plan, chance=random.Random(1), **{"timeout_s": 15.0, "poll_s": 0.02, **more})


def deliver(engine: Engine, plan: RetryPlan = FAST) -> Courier:
    """Tell what is due now."""
    one = courier(engine, plan)
    asyncio.run(one.once())
    return one


class Running:
    """A courier in a thread, as a server has it."""

    def __init__(self, one: Courier) -> None:
        self._ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run(one)))
        self._thread.start()
        self._ready.wait()

    async def _run(self, one: Courier) -> None:
        self._loop, self._stopped = asyncio.get_running_loop(), asyncio.Event()
        self._ready.set()
        await one.run(self._stopped)

    def stop(self) -> None:
        if self._thread.is_alive():
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(10)
        assert not self._thread.is_alive()


@pytest.fixture(name="run")
def run_() -> Iterator[Callable[[Courier], Running]]:
    started: list[Running] = []

    def start(one: Courier) -> Running:
        started.append(Running(one))
        return started[-1]

    yield start
    for one in started:
        one.stop()


def rows(engine: Engine, table: str) -> int:
    with engine.connect() as conn:
        return conn.execute(text(f"SELECT count(*) FROM {table}")).scalar_one()


def end_leases(engine: Engine) -> None:
    with transaction(engine) as conn:
        conn.execute(text("UPDATE delivery_lines SET next_at = now()"))
