"""Webhooks while everything around them breaks: killed workers, lost connections, a restart, many at once."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, text

from gis.cases import Move, record
from gis.errors import Conflict
from gis.settings import Settings
from gis.store.cluster import Cluster
from gis.store.database import create_database_engine, migrate, transaction
from gis.webhooks.background import BackgroundCourier
from gis.webhooks.lines import forget
from gis.webhooks.subscriptions import list_webhooks
from tests.receiving import Answer, Received, Receiver, receiver, wait_until
from tests.telling import (  # noqa: F401 - fixtures
    CASES,
    FAST,
    FOUND,
    NOW,
    begin,
    courier,
    deliver,
    end_leases,
    history,
    rows,
    run_,
    subscribe,
    told_,
    town_,
)


def first_taken(one: Receiver) -> dict[int, list[int]]:
    """Per case, the numbers of its events in the order in which each was taken for the first time."""
    seen: set[str] = set()
    found: dict[int, list[int]] = {}
    for got in one.taken():
        if got.message not in seen:
            seen.add(got.message)
            found.setdefault(got.data["case"], []).append(got.data["number"])
    return found


def all_events(engine: Engine) -> dict[int, list[int]]:
    with engine.connect() as conn:
        found: dict[int, list[int]] = {}
        for case_id, number in conn.execute(text("SELECT case_id, number FROM case_events ORDER BY 1, 2")):
            found.setdefault(case_id, []).append(number)
        return found


def test_a_worker_killed_between_sending_and_marking(town: Engine, told: Receiver) -> None:
    subscribe(town, told.url)
    case_id = history(town, 0, ("verify", "accept"))
    url = town.url.render_as_string(hide_password=False)
    environment = {
        **os.environ,
        "FINEGRID_DATABASE_URL": url,
        "FINEGRID_WEBHOOK_HOSTS": "127.0.0.1",
    }
    worker = subprocess.Popen([sys.executable, "-m", "gis", "webhooks", "deliver"], env=environment)

    def decide(one: Received) -> Answer:
        if one.data["number"] == 2 and worker.poll() is None:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
        return 204

    told.decide = decide
    told.wait_for(2, 60)
    assert worker.wait() == -signal.SIGKILL
    deliver(town)
    assert len(told.requests) == 2  # the lease of the dead worker holds
    end_leases(town)
    deliver(town)
    assert [one.data["number"] for one in told.requests] == [1, 2, 2, 3]
    assert told.requests[1].message == told.requests[2].message
    assert told.requests[1].body == told.requests[2].body
    assert told.numbers() == {case_id: [1, 2, 2, 3]}
    assert rows(town, "delivery_lines") == 0


def test_a_worker_that_is_stopped_gives_back_what_it_holds(town: Engine, told: Receiver, run: Callable) -> None:
    subscribe(town, told.url)
    case_id = begin(town, 0)
    hold = threading.Event()
    told.decide = lambda _: hold.wait(20) and 204
    running = run(courier(town, timeout_s=60.0))
    wait_until(lambda: rows(town, "delivery_lines WHERE claim = 1") == 1)
    time.sleep(0.3)
    started = time.monotonic()
    running.stop()
    assert time.monotonic() - started < 6
    hold.set()
    told.decide = lambda _: 204
    deliver(town)
    assert told.numbers()[case_id][-1] == 1
    assert rows(town, "deliveries WHERE state = 'delivered'") == 1


def test_an_event_that_is_being_added_is_not_left_behind(town: Engine, told: Receiver) -> None:
    """The line cannot end while a transaction adds to it; what it adds is told next."""
    subscribe(town, told.url)
    case_id = begin(town, 0)
    asked, answer = threading.Event(), threading.Event()
    told.decide = lambda one: (asked.set(), answer.wait(10), 204)[2]
    telling = threading.Thread(target=lambda: asyncio.run(courier(town, timeout_s=20.0).once()))
    telling.start()
    assert asked.wait(10)
    with town.connect() as conn:
        record(conn, case_id, Move("verify", "centre", FOUND + timedelta(minutes=2)), NOW)
        answer.set()
        told.wait_for(1)
        time.sleep(0.3)
        assert telling.is_alive()
        assert rows(town, "deliveries WHERE state = 'delivered'") == 0
        conn.commit()
    telling.join(10)
    assert told.numbers() == {case_id: [1, 2]}
    assert rows(town, "delivery_lines") == 0


def change_at_random(engine: Engine, ids: list[int], seed: int, count: int) -> None:
    """Moves on random cases, each a transaction; some rolled back, some refused by the rule."""
    chance = random.Random(seed)
    for step in range(count):
        case_id = chance.choice(ids)
        name = chance.choice(("verify", "accept", "file", "suspend", "resume", "extend", "arrive"))
        sent = Move(name, f"client {seed}", None, reason="r", amount=1)
        try:
            with engine.begin() as conn:
                record(conn, case_id, sent, datetime.now(UTC))
                if step % 10 == 9:
                    conn.rollback()
        except Conflict:
            continue


def hammer(engine: Engine, ids: list[int], clients: int = 6, count: int = 40) -> None:
    own = create_database_engine(engine.url.render_as_string(hide_password=False), pool_size=clients)
    threads = [threading.Thread(target=change_at_random, args=(own, ids, seed, count)) for seed in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    own.dispose()


def test_many_cases_at_once_through_failures_lose_nothing_and_keep_their_order(
    town: Engine,
    told: Receiver,
    run: Callable,
) -> None:
    """Two couriers, two webhooks, clients that change, a receiver that fails at random, one that is away at first."""
    chance = random.Random(3)
    told.decide = lambda _: chance.choice((204, 204, 204, 500, 400, None, 503))
    away = threading.Event()
    away.set()
    with receiver() as other:
        other.decide = lambda _: 503 if away.is_set() else 204
        subscribe(town, told.url)
        subscribe(town, other.url)
        engines = [
            create_database_engine(town.url.render_as_string(hide_password=False), pool_size=1) for _ in range(2)
        ]
        patient = FAST.__class__(first_s=0.01, factor=1.3, longest_s=0.1, attempts=10_000, longest_pause_s=0.02)
        for engine in engines:
            run(courier(engine, patient))
        ids = [begin(town, number) for number in range(CASES)]
        hammer(town, ids)
        expected = all_events(town)
        total = sum(map(len, expected.values()))
        assert total > CASES * 3
        wait_until(lambda: len(told.taken()) >= total, 60)
        away.clear()
        wait_until(lambda: rows(town, "delivery_lines") == 0, 60)
        for one in (told, other):
            assert one.numbers() == expected  # each once, in order
    for engine in engines:
        engine.dispose()


def test_lost_connections_lose_nothing(town: Engine, told: Receiver, run: Callable) -> None:
    """Every connection of the courier is cut again and again while clients change cases."""
    subscribe(town, told.url)
    own = create_database_engine(town.url.render_as_string(hide_password=False), pool_size=1)
    cut = text("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'the courier'")
    with own.connect() as conn:
        conn.execute(text("SET application_name = 'the courier'"))
        conn.commit()
    quick = courier(own, timeout_s=1.0)
    quick.__class__ = type("Quick", (quick.__class__,), {"lease_s": 0.3})
    run(quick)
    ids = [begin(town, number) for number in range(6)]
    clients = threading.Thread(target=hammer, args=(town, ids, 3, 40))
    clients.start()
    cuts = 0
    while clients.is_alive():
        with town.connect() as conn:
            cuts += conn.execute(cut).scalar_one()
        time.sleep(0.05)
    clients.join()
    wait_until(lambda: rows(town, "delivery_lines") == 0, 30)
    assert cuts > 0
    assert first_taken(told) == all_events(town)
    own.dispose()


def test_a_server_goes_on_after_the_database_was_restarted(told: Receiver) -> None:
    with tempfile.TemporaryDirectory(prefix="fgw_", dir="/tmp") as folder:
        Path(folder).chmod(0o755)
        cluster = Cluster(Path(folder) / "c", extra="fsync = off")
        cluster.start()
        try:
            cluster.create_database("city")
            engine = create_database_engine(cluster.url("city"))
            migrate(engine)
            subscribe(engine, told.url)
            server = BackgroundCourier(engine, Settings(webhook_hosts="127.0.0.1"))
            server.start()
            announce_something(engine, 1)
            told.wait_for(1)
            cluster.stop()
            time.sleep(1)
            assert server._thread.is_alive()
            cluster.start()
            engine.dispose()
            announce_something(engine, 2)
            told.wait_for(2, 20)
            server.stop()
            assert not server._thread.is_alive()
            engine.dispose()
        finally:
            cluster.stop()


def announce_something(engine: Engine, number: int) -> None:
    """A line without a case behind it."""
    with transaction(engine) as conn:
        add = text(
            "INSERT INTO outbox (message, subject, subject_id, number, at, body) VALUES"
            " ('msg_' || :number, 'case', 1, :number, now(), :body) RETURNING id"
        )
        body = f'{{"data": {{"case": 1, "number": {number}}}}}'
        outbox_id = conn.execute(add, {"number": number, "body": body}).scalar_one()
        conn.execute(text("INSERT INTO deliveries (webhook_id, outbox_id) VALUES (1, :id)"), {"id": outbox_id})
        conn.execute(
            text("INSERT INTO delivery_lines (webhook_id, subject, subject_id, front) VALUES (1, 'case', 1, :id)"),
            {"id": outbox_id},
        )


def test_what_is_done_with_is_forgotten_and_what_is_pending_never(town: Engine, told: Receiver) -> None:
    subscribe(town, told.url, moves=("open", "verify"))
    with receiver() as other:
        subscribe(town, other.url, moves=("verify",))
        other.decide = lambda _: 500
        history(town, 0, ("verify",))
        deliver(town)
        with transaction(town) as conn:
            assert forget(conn, datetime.now(UTC) - timedelta(days=1)) == 0
            assert forget(conn, datetime.now(UTC) + timedelta(minutes=1)) == 1  # the other has still to hear of verify
            assert [one["pending"] for one in list_webhooks(conn)] == [0, 1]
        assert (rows(town, "outbox"), rows(town, "deliveries")) == (1, 2)
        one = courier(town)
        one.keep = timedelta(minutes=-1)
        one.plan = FAST
        other.decide = lambda _: 204
        end_leases(town)
        asyncio.run(one.once())
        one._forget_old()
        assert (rows(town, "outbox"), rows(town, "deliveries")) == (0, 0)
