"""State changes of cases: one at a time in the database, and from sixteen clients over HTTP."""

from __future__ import annotations

import http.client
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from unittest.mock import patch

import numpy as np
import orjson
from sqlalchemy import text

from bench import peers
from bench.measure import Measured
from gis.case_opening import open_cases
from gis.case_reads import replayed, reports_without_case
from gis.cases import Move, record
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

CLIENTS = 16
SECONDS = 5.0
KEY = "key-of-the-benchmark"
WAY = (
    "verify",
    "accept",
    "file",
    "dispatch",
    "handle",
    "rework",
    "handle",
    "check",
    "rework",
    "handle",
    "check",
    "close",
)
BARE = "CREATE TABLE IF NOT EXISTS bare_cases (id int PRIMARY KEY, state text); CREATE TABLE IF NOT EXISTS bare_events (id int, move text)"


def section(bench: Bench) -> list[Measured]:
    """What the issue asks for: under 10 ms in the database, 200 changes a second from 16 clients, none lost."""
    ids = some_cases(bench, bench.rows(3000))
    with transaction(bench.engine) as conn:
        conn.execute(text("INSERT INTO departments (code, name) VALUES ('CG', 'CG') ON CONFLICT DO NOTHING"))
    ours, bare = _alone(bench, ids[:200])
    rate, changes, slow, wrong = _together(bench, ids[200:])
    return [
        Measured(
            "one state change of a case, committed: locked, judged, written into its history",
            ours,
            {"an UPDATE and an INSERT, committed": bare, "asked for": 0.010},
            {"asked for": 1},
        ),
        Measured(
            f"state changes from {CLIENTS} clients over HTTP, one worker",
            rate,
            {"asked for": 200},
            {"asked for": 1},
            rate=True,
            identical=f"of {changes:,} changes {wrong} lost or illegal",
            note=f"95 of 100 answered within {slow * 1000:.0f} ms",
        ),
    ]


def some_cases(bench: Bench, count: int) -> list[int]:
    """So many open cases, far enough apart to be problems of their own."""
    now = datetime.now(UTC)
    with transaction(bench.engine) as conn:
        conn.execute(
            text(
                "INSERT INTO imports (file_name, file_sha256, crs) SELECT 'bench', '', 'wgs84'"
                " WHERE NOT EXISTS (SELECT FROM imports)"
            )
        )
        conn.execute(
            text(
                "INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, geom)"
                " SELECT 1, 'case-' || n, 1 + n % 4, (SELECT min(id) FROM imports), '2015-01-01T08:00Z', '2015-01-01',"
                " ST_SetSRID(ST_MakePoint(113.5 + n % 100 * 0.002, 34.65 + n / 100 * 0.002), 4326)"
                " FROM generate_series(1, :count) n"
            ),
            {"count": count},
        )
        waiting = reports_without_case(conn, datetime(2015, 1, 1).date(), datetime(2015, 1, 2).date())  # noqa: DTZ001
        open_cases(conn, waiting, "bench", now - timedelta(hours=1))
        return list(conn.execute(text("SELECT id FROM cases ORDER BY id")).scalars())


def _alone(bench: Bench, ids: list[int]) -> tuple[float, float]:
    """Median seconds of a change, and of the least that a database does for one, in turn."""
    spent: dict[str, list[float]] = {"ours": [], "bare": []}
    with transaction(bench.engine) as conn:
        conn.execute(text(BARE))
        conn.execute(text("INSERT INTO bare_cases SELECT n, '' FROM generate_series(1, 10000) n"))
    for case_id in ids:
        for move in WAY[:5]:
            start = time.perf_counter()
            with transaction(bench.engine) as conn:
                record(conn, case_id, Move(move, "bench", reason="r", **more(move)), datetime.now(UTC))
            spent["ours"].append(time.perf_counter() - start)
            start = time.perf_counter()
            with transaction(bench.engine) as conn:
                conn.execute(text("UPDATE bare_cases SET state = :move WHERE id = :id"), {"move": move, "id": case_id})
                conn.execute(text("INSERT INTO bare_events VALUES (:id, :move)"), {"move": move, "id": case_id})
            spent["bare"].append(time.perf_counter() - start)
    return float(np.median(spent["ours"])), float(np.median(spent["bare"]))


def _together(bench: Bench, ids: list[int]) -> tuple[float, int, float, int]:
    """Changes a second from clients that share some cases, how many, how slow the slowest, and how many went wrong."""
    done: list[tuple[int, int]] = []
    times: list[float] = []
    lock = threading.Lock()

    def client(number: int, port: int, end: float) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        # Every tenth case is one of twenty that all have, so that moves meet.
        own = ids[20 + number :: CLIENTS]
        for case_id in (ids[at // 10 % 20] if at % 10 == 9 else own[at] for at in range(len(own))):
            for move in WAY:
                start = time.perf_counter()
                if start >= end:
                    return
                body = orjson.dumps({"move": move, "actor": f"client {number}", "reason": "r"} | more(move))
                connection.request("POST", f"/cases/{case_id}/events", body, {"X-API-Key": KEY})
                answer = connection.getresponse()
                content = orjson.loads(answer.read())
                with lock:
                    times.append(time.perf_counter() - start)
                    if answer.status == 201:
                        done.append((case_id, content["events"]))
                    elif answer.status != 409:
                        msg = f"{answer.status} {content}"
                        raise RuntimeError(msg)

    with patch.dict(os.environ, {"FINEGRID_API_KEY": KEY}), peers.finegrid(bench) as server:
        began = time.perf_counter()
        arguments = [(number, server.port, began + SECONDS) for number in range(CLIENTS)]
        threads = [threading.Thread(target=client, args=one) for one in arguments]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        spent = time.perf_counter() - began
    touched = sorted({case_id for case_id, _ in done})
    with transaction(bench.engine) as conn:
        wrong = sum(stored != again for stored, again in (replayed(conn, case_id) for case_id in touched))
        kept = conn.execute(
            text("SELECT count(*) FROM case_events WHERE case_id = ANY (:ids) AND number > 1"), {"ids": touched}
        ).scalar_one()
    wrong += abs(int(kept) - len(set(done))) + len(done) - len(set(done))
    return len(done) / spent, len(done), float(np.quantile(times, 0.95)), wrong


def more(move: str) -> dict[str, str]:
    """What a move needs besides actor and reason."""
    return {"department": "CG"} if move == "dispatch" else {}
