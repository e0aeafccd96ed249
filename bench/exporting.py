"""All cells as GeoJSON in one request, beside GeoPandas: how long, how soon, and in how much memory."""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import geopandas
import orjson

from bench.asking import Served
from bench.measure import Measured
from bench.peers import finegrid, tipg

if TYPE_CHECKING:
    from bench.__main__ import Bench

OURS = "/collections/cells/export?f=geojson"
ROUNDS = 3
MEMORY_MB = 100
QUESTION = (
    "SELECT c.code, a.code AS area_code, a.name AS area_name, c.tier, c.surveyed, c.area_km2::float8 AS area_km2, c.geom"
    " FROM cells c JOIN areas a ON a.id = c.area_id WHERE c.retired_at IS NULL ORDER BY c.code"
)
NEAR = 6e-8
"""Degrees by which coordinates of 7 decimals may differ from those of GeoPandas, which writes them all."""


@dataclass(frozen=True)
class Download:
    """One answer that was taken as fast as it came."""

    first_s: float
    whole_s: float
    memory_mb: float
    body: bytes


def section(bench: Bench) -> list[Measured]:
    """The whole collection, in turn with GeoPandas, tipg and a bare route."""
    ours: list[Download] = []
    beside: dict[str, list[Download]] = {"one SQL statement": [], "tipg, limit=200,000": []}
    frames: list[tuple[float, str]] = []
    with finegrid(bench) as server, tipg(bench) as peer:
        for _ in range(ROUNDS):
            frames.append(_by_geopandas(bench))
            ours.append(_download(server, OURS))
            beside["one SQL statement"].append(_download(server, "/bare/all"))
            beside["tipg, limit=200,000"].append(_download(peer, "/collections/public.cells/items?limit=200000"))
    # GeoPandas in the bench's own process, spared HTTP; its text is ready at once and not before.
    pandas = "GeoPandas, read_postgis + to_json"
    frame_s = median(spent for spent, _ in frames)
    whole = {pandas: frame_s, **{name: median(one.whole_s for one in got) for name, got in beside.items()}}
    first = {pandas: frame_s, **{name: median(one.first_s for one in got) for name, got in beside.items()}}
    memory = max(one.memory_mb for one in ours)
    others = ", ".join(f"{name} {max(one.memory_mb for one in got):,.0f} MB" for name, got in beside.items())
    verdict = "met" if memory < MEMORY_MB else "MISSED"
    return [
        Measured(
            f"GeoJSON of all {len(bench.cells):,} cells, {len(ours[0].body) / 1e6:,.0f} MB",
            median(one.whole_s for one in ours),
            whole,
            {pandas: 20},
            identical=_compare(ours[-1].body, frames[-1][1]),
            note=f"the server's memory grew by {memory:,.0f} MB at most (target: below {MEMORY_MB}: {verdict}); {others}",
        ),
        Measured("its first byte", median(one.first_s for one in ours), first, {pandas: 100}),
    ]


def _by_geopandas(bench: Bench) -> tuple[float, str]:
    start = time.perf_counter()
    with bench.engine.connect() as conn:
        frame = geopandas.read_postgis(QUESTION, conn, geom_col="geom")
    answer = frame.to_json()
    return time.perf_counter() - start, answer


def _download(server: Served, path: str) -> Download:
    """Take an answer while watching the memory of the process that gives it."""
    before = _memory(server.pid, "VmRSS")
    # 5 sets the mark of the highest resident size back to the present one.
    Path(f"/proc/{server.pid}/clear_refs").write_text("5")
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=300)
    start = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    if answer.status != 200:
        msg = f"{path} was answered {answer.status}: {answer.read(300)!r}"
        raise RuntimeError(msg)
    parts = [answer.read1(1)]
    first = time.perf_counter() - start
    while part := answer.read1(1 << 18):
        parts.append(part)
    whole = time.perf_counter() - start
    connection.close()
    return Download(first, whole, (_memory(server.pid, "VmHWM") - before) / 1e6, b"".join(parts))


def _memory(pid: int, which: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(which)) * 1024


# -- the same answers --------------------------------------------------------------------------------------------------


def _compare(ours: bytes, theirs: str) -> str:
    """Properties equal, coordinates within the seventh decimal."""
    mine, wanted = (_by_code(body) for body in (ours, theirs))
    codes = mine.keys() & wanted.keys()
    differ = sum(not _alike(mine[code], wanted[code]) for code in codes)
    return (
        f"{len(mine):,} features, {len(mine.keys() ^ wanted.keys())} codes and {differ} contents differ from GeoPandas'"
    )


def _by_code(body: bytes | str) -> dict[str, dict[str, Any]]:
    return {one["properties"]["code"]: one for one in orjson.loads(body)["features"]}


def _alike(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return one["properties"] == other["properties"] and _near(
        one["geometry"]["coordinates"], other["geometry"]["coordinates"]
    )


def _near(one: Any, other: Any) -> bool:
    if isinstance(one, list):
        return len(one) == len(other) and all(_near(a, b) for a, b in zip(one, other, strict=True))
    return bool(abs(one - other) <= NEAR)
