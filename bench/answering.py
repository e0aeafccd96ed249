"""Density out of ten million reports, and requests to /grid/locate."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
from sqlalchemy import text

from bench import importing
from bench.city import METRIC, clustered_points, extent_of
from bench.measure import Measured, in_turn, seconds
from gis.density import DensityQuery, DensityTable, density
from gis.ground import load_ground
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

TEN_DAYS = DensityQuery(date(2016, 6, 1), date(2016, 6, 11))
YEAR = DensityQuery(date(2016, 1, 1), date(2017, 1, 1))
SECONDS_A_ROUND = 3.0


def density_section(bench: Bench) -> list[Measured]:
    """All cells, ten days and a year."""
    held = importing.filled(bench, bench.rows(10_000_000))
    with transaction(bench.engine) as conn:
        conn.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
        ground = load_ground(conn)

        def ours(query: DensityQuery) -> DensityTable:
            return density(conn, ground, "cell", query)

        def by_sql(statement: str, query: DensityQuery) -> list[Any]:
            return conn.execute(text(statement), {"a": query.from_day, "b": query.to_day}).all()

        join = "SELECT c.id, count(*) FROM reports r JOIN cells c ON ST_Covers(c.geom, r.geom) WHERE day >= :a AND day < :b GROUP BY 1"
        group = "SELECT cell_id, count(*) FROM reports WHERE day >= :a AND day < :b GROUP BY 1"
        ten, answers = in_turn({"ours": lambda: ours(TEN_DAYS), "group": lambda: by_sql(group, TEN_DAYS)}, 5)
        join_s, joined = seconds(lambda: by_sql(join, TEN_DAYS))
        year, year_answers = in_turn({"ours": lambda: ours(YEAR), "group": lambda: by_sql(group, YEAR)}, 3)
        same_ten = _differences(answers["ours"], joined)
        same_year = _differences(year_answers["ours"], year_answers["group"])
    return [
        Measured(
            f"density of all {len(bench.cells):,} cells out of {held:,} reports, ten days",
            ten["ours"],
            {"PostGIS join at query time": join_s, "GROUP BY on cell_id": ten["group"]},
            {"PostGIS join at query time": 50},
            identical=f"{same_ten} cells differ",
        ),
        Measured(
            "the same, a year",
            year["ours"],
            {"GROUP BY on cell_id, serial": year["group"]},
            {"GROUP BY on cell_id, serial": 10},
            identical=f"{same_year} cells differ",
        ),
    ]


def _differences(table: Any, rows: list[Any]) -> int:
    ours = dict(zip(table.ids.tolist(), table.columns["count"].tolist(), strict=True))
    theirs = {cell: count for cell, count in rows if cell is not None}
    return sum(ours.get(cell, 0) != theirs.get(cell, 0) for cell in ours.keys() | theirs.keys())


def locate_section(bench: Bench) -> list[Measured]:
    """One coordinate a request, beside a route that does nothing; and 10,000 in one request, beside one SQL statement."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "FINEGRID_DATABASE_URL": bench.url, "XDG_CACHE_HOME": str(bench.home / "cache")}
    command = [
        sys.executable,
        "-m",
        "uvicorn",
        "bench.server:app",
        "--port",
        str(port),
        "--log-level",
        "error",
        "--no-access-log",
    ]
    server = subprocess.Popen(command, env=environment)
    try:
        _wait_until_ready(port)
        lon, lat = clustered_points(20_000, extent_of(bench.cells), seed=5)
        paths = [f"/grid/locate?lon={x:.6f}&lat={y:.6f}" for x, y in zip(lon[:2000], lat[:2000], strict=True)]
        rates: dict[str, list[float]] = {"locate": [], "no-op": []}
        for _ in range(5):
            rates["no-op"].append(_requests_per_second(port, ["/noop"]))
            rates["locate"].append(_requests_per_second(port, paths))
        many, batch_s, sql_s, same = _batch(bench, port, lon[:10_000], lat[:10_000])
    finally:
        server.terminate()
        server.wait()
    ours, floor = (float(np.median(rates[name])) for name in ("locate", "no-op"))
    return [
        Measured("GET /grid/locate, requests", ours, {"no-op route of the same server": floor}, {"no-op route of the same server": 0.85}, rate=True),
        Measured(
            f"POST /grid/locate of {many:,} points, over HTTP",
            batch_s,
            {"the one SQL statement that answers them": sql_s},
            {"the one SQL statement that answers them": 20},
            identical=same,
        ),
    ]  # fmt: skip


def _wait_until_ready(port: int) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/grid/locate?lon=0&lat=0") as answer:
                answer.read()
        except urllib.error.HTTPError as problem:
            if problem.code == 404:
                time.sleep(2)  # the lease
                return
        except OSError:
            time.sleep(0.2)
    msg = "the server did not come up"
    raise RuntimeError(msg)


def _requests_per_second(port: int, paths: list[str], clients: int = 2) -> float:
    """Keep-alive clients on bare sockets: the server is the bottleneck, not they."""
    counts = [0] * clients
    end = time.perf_counter() + SECONDS_A_ROUND

    def client(number: int) -> None:
        requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() for path in paths]
        with socket.create_connection(("127.0.0.1", port)) as connection:
            at = number
            while time.perf_counter() < end:
                connection.sendall(requests[at % len(requests)])
                _read_answer(connection)
                at += 1
                counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / SECONDS_A_ROUND


def _read_answer(connection: socket.socket) -> None:
    received = connection.recv(65536)
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n", 1)[0])
    while len(body) < length:
        body += connection.recv(65536)


SQL_BATCH = """
SELECT p.n, c.code, c.tier, c.area_km2, a.code, a.name, near.code, near.name, near.distance_m
FROM unnest(CAST(:lon AS float8[]), CAST(:lat AS float8[])) WITH ORDINALITY AS p(lon, lat, n)
CROSS JOIN LATERAL (SELECT ST_SetSRID(ST_MakePoint(p.lon, p.lat), 4326) AS geom) AS at
LEFT JOIN LATERAL (SELECT * FROM cells WHERE ST_Covers(cells.geom, at.geom) ORDER BY cells.code LIMIT 1) AS c ON true
LEFT JOIN areas AS a ON a.id = c.area_id
LEFT JOIN LATERAL (
    SELECT s.code, s.name, ST_Distance(s.geom_m, m.geom) AS distance_m
    FROM road_segments AS s, (SELECT ST_SetSRID(ST_Transform(at.geom, CAST(:srid AS int)), 0) AS geom OFFSET 0) AS m
    WHERE ST_DWithin(s.geom_m, m.geom, 30)
    ORDER BY distance_m, s.code
    LIMIT 1
) AS near ON true
ORDER BY p.n
"""


def _batch(bench: Bench, port: int, lon: Any, lat: Any) -> tuple[int, float, float, str]:
    body = orjson.dumps({"points": np.column_stack([lon, lat]).tolist()})

    def post() -> bytes:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}/grid/locate", data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request) as answer:
            return bytes(answer.read())

    with bench.engine.connect() as conn:

        def statement() -> Any:
            return conn.execute(
                text(SQL_BATCH), {"lon": lon.tolist(), "lat": lat.tolist(), "srid": int(METRIC[5:])}
            ).all()

        post()
        spent, answers = in_turn({"post": post, "sql": statement}, 5)
    ours = [answer and answer["code"] for answer in orjson.loads(answers["post"])["answers"]]
    wrong = sum(mine != row[1] for mine, row in zip(ours, answers["sql"], strict=True))
    return len(lon), spent["post"], spent["sql"], f"{wrong} of {len(lon):,} cells differ"
