"""Webhooks: what they add to a state change, finding what is due behind a backlog (procrastinate), messages a second."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import procrastinate
from procrastinate.schema import SchemaManager
from sqlalchemy import Connection, text

from bench import changing
from bench.measure import Measured
from gis.store.database import transaction
from gis.webhooks.addresses import AllowedHosts
from gis.webhooks.announcing import announce
from gis.webhooks.courier import Courier
from gis.webhooks.lines import take
from gis.webhooks.subscriptions import NewWebhook, add_webhook

if TYPE_CHECKING:
    from bench.__main__ import Bench

HERE = AllowedHosts(("127.0.0.1",))
ANYWHERE = AllowedHosts()
CASES = 5000
EACH = 10
ROUNDS = 9
FETCH = "SELECT id FROM queue.procrastinate_fetch_job_v2(NULL, NULL)"
EMPTY = "TRUNCATE webhooks, outbox, deliveries, delivery_lines"
WAITING = (
    "INSERT INTO outbox (message, subject, subject_id, number, at, body)"
    " SELECT 'm' || c || '-' || n, 'case', c, n, now(), '{{}}' FROM generate_series({first}, {last}) c,"
    " generate_series(1, {each}) n ORDER BY n, c"
)
TO_TELL = "INSERT INTO deliveries (webhook_id, outbox_id) SELECT :webhook, id FROM outbox WHERE subject_id BETWEEN :first AND :last"
LINES = (
    "INSERT INTO delivery_lines (webhook_id, subject, subject_id, front, next_at, away)"
    " SELECT :webhook, subject, subject_id, min(id), now() + :wait * interval '1 second', :wait > 0 FROM outbox"
    " WHERE subject_id BETWEEN :first AND :last GROUP BY subject, subject_id"
)
JOBS = (
    "INSERT INTO queue.procrastinate_jobs (queue_name, task_name, lock, scheduled_at) SELECT 'w', 't', '1:' || c,"
    " CASE WHEN n = 1 THEN now() + interval '1 hour' END FROM generate_series(1, :cases) c, generate_series(1, :each) n"
    " ORDER BY n, c"
)
OTHERS = (
    "INSERT INTO queue.procrastinate_jobs (queue_name, task_name, lock) SELECT 'w', 't', '2:' || c FROM"
    " generate_series(1, :count) c"
)


def section(bench: Bench) -> list[Measured]:
    """A receiver that is away must cost the others nothing, and no state change much."""
    ours, theirs = _behind_a_backlog(bench)
    with_hooks, without = _announcing(bench)
    rate, count, right = _messages(bench)
    return [
        Measured(
            f"what is due for one receiver while {CASES * EACH:,} events of {CASES:,} cases wait for another",
            ours,
            {"procrastinate, a job per event": theirs},
            {"procrastinate, a job per event": 10},
        ),
        Measured(
            "what a state change does more with two webhooks, of 10 ms that it may take",
            with_hooks,
            {"asked for": 0.010, "without any webhook": without},
            {"asked for": 1},
        ),
        Measured(
            "messages told to one receiver, one courier",
            rate,
            {"state changes asked for": 200},
            rate=True,
            identical=f"of {count:,} messages {count - right} lost or out of order",
        ),
    ]


def _behind_a_backlog(bench: Bench) -> tuple[float, float]:
    """Median seconds of one look for work, in turn: through SQLAlchemy and committed; the bare function."""
    url = bench.engine.url
    address = {"host": url.query["host"], "user": url.username, "dbname": url.database}
    connector = procrastinate.SyncPsycopgConnector(kwargs={**address, "options": "-c search_path=queue"})
    with transaction(bench.engine) as conn:
        conn.execute(text("DROP SCHEMA IF EXISTS queue CASCADE"))
        conn.execute(text("CREATE SCHEMA queue"))
        conn.execute(text(EMPTY))
        webhooks = [add_webhook(conn, NewWebhook("http://10.0.0.1/"), ANYWHERE)["id"] for _ in range(2)]
    connector.open()
    SchemaManager(connector).apply_schema()
    connector.close()
    with transaction(bench.engine) as conn:
        _wait(conn, webhooks[0], 1, CASES, EACH, 3600)
        _wait(conn, webhooks[1], CASES + 1, CASES + 100, 1, 0)
        conn.execute(text("SET LOCAL search_path = queue"))
        conn.execute(text(JOBS), {"cases": CASES, "each": EACH})
        conn.execute(text(OTHERS), {"count": 100})
    with bench.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE"))
    spent: dict[str, list[float]] = {"ours": [], "theirs": []}
    for _ in range(ROUNDS):
        start = time.perf_counter()
        with transaction(bench.engine) as conn:
            assert len(take(conn, 1, {}, 60)) == 1
        spent["ours"].append(time.perf_counter() - start)
        with bench.engine.connect() as conn:
            conn.execute(text("SET search_path = queue"))
            start = time.perf_counter()
            assert conn.execute(text(FETCH)).scalar() is not None
            spent["theirs"].append(time.perf_counter() - start)
            conn.execute(text("RESET search_path"))
            conn.commit()
    with transaction(bench.engine) as conn:
        conn.execute(text("DROP SCHEMA queue CASCADE"))
    return float(np.median(spent["ours"])), float(np.median(spent["theirs"]))


def _wait(conn: Connection, webhook: int, first: int, last: int, each: int, wait: int) -> None:
    """Events of cases that wait for a webhook."""
    conn.execute(text(WAITING.format(first=first, last=last, each=each)))
    chosen = {"webhook": webhook, "first": first, "last": last}
    conn.execute(text(TO_TELL), chosen)
    conn.execute(text(LINES), {**chosen, "wait": wait})


def _announcing(bench: Bench) -> tuple[float, float]:
    """Median seconds of `announce`, with two webhooks that want everything and with none."""
    found = []
    with transaction(bench.engine) as conn:
        some = conn.execute(text("SELECT count(*) FROM cases")).scalar()
    if not some:
        changing.some_cases(bench, 1000)
    with transaction(bench.engine) as conn:
        events = conn.execute(text("SELECT case_id, number FROM case_events ORDER BY 1, 2 LIMIT 300")).all()
    for hooks in (2, 0):
        with transaction(bench.engine) as conn:
            conn.execute(text(EMPTY))
            for _ in range(hooks):
                add_webhook(conn, NewWebhook("http://10.0.0.1/"), ANYWHERE)
        times = []
        for case_id, number in events:
            with transaction(bench.engine) as conn:
                start = time.perf_counter()
                announce(conn, case_id, number)
                times.append(time.perf_counter() - start)
        found.append(float(np.median(times)))
    return found[0], found[1]


def _messages(bench: Bench) -> tuple[float, int, int]:
    """Messages a second of one courier, how many, and how many of them came in the order of their case."""
    cases, each = max(100, int(500 * bench.scale)), 4
    with receiving() as (url, heard), transaction(bench.engine) as conn:
        conn.execute(text(EMPTY))
        webhook = add_webhook(conn, NewWebhook(url), HERE)["id"]
        _wait(conn, webhook, 1, cases, each, 0)
        conn.commit()
        start = time.perf_counter()
        asyncio.run(Courier(bench.engine, HERE).once())
        spent = time.perf_counter() - start
    in_order = 0
    reached: dict[str, int] = {}
    for name in heard:
        case, _, number = name.partition("-")
        in_order += reached.get(case, 0) + 1 == int(number)
        reached[case] = int(number)
    return len(heard) / spent, cases * each, in_order


@contextmanager
def receiving() -> Iterator[tuple[str, list[str]]]:
    """The least that a receiver can be: a thread for each connection, reads a message and answers 204."""
    heard: list[str] = []
    listening = socket.create_server(("127.0.0.1", 0), backlog=64)

    def hear(connection: socket.socket) -> None:
        held = b""
        with connection:
            while piece := connection.recv(65_536):
                held += piece
                while (end := held.find(b"\r\n\r\n")) >= 0 and len(held) >= end + 6:  # the body is {}
                    head, held = held[:end], held[end + 6 :]
                    heard.append(head.partition(b"webhook-id: m")[2].partition(b"\r\n")[0].decode())
                    connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            threading.Thread(target=hear, args=(connection,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", heard
    finally:
        listening.close()
