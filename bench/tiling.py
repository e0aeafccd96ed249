"""Vector tiles of all cells with their density, beside tipg and beside the bare statement; then the same tiles again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from math import ceil
from statistics import median
from typing import TYPE_CHECKING, Any

import mapbox_vector_tile  # type: ignore[import-untyped]
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Transformer
from sqlalchemy import text

from bench import importing
from bench.asking import Served, request_of, rotated
from bench.city import SIDE_LAT, SIDE_LON, extent_of
from bench.measure import Measured
from bench.peers import finegrid, tipg

if TYPE_CHECKING:
    from bench.__main__ import Bench

REPORTS = 1_000_000
ROUNDS = 3
WARM_S = 1.5
BROWSERS = 12
"""Connections of two browsers: warm tiles are asked for by the screenful."""
HALF = 20_037_508.342789244
MARGIN = 256 / 4096  # the wider of both buffers, tipg's


@dataclass(frozen=True)
class Zoom:
    """How a zoom is measured.

    Parameters
    ----------
    tiles
        Asked in a round; below z13 there are hardly more.
    windows
        Counting windows in which ours is asked for them, so that a round takes long enough to be timed.
    target
        Times tipg's tiles per second.
    """

    z: int
    tiles: int
    windows: int
    target: float


ZOOMS = (
    Zoom(10, 4, 6, 50),
    Zoom(12, 16, 4, 12),
    Zoom(13, 27, 4, 4),
    Zoom(14, 80, 2, 1.4),
    Zoom(16, 300, 1, 2),
)
Tile = tuple[int, int, int]
Window = tuple[date, date]
JUNE: Window = (date(2016, 6, 1), date(2016, 7, 1))

# What tipg's users would have to keep beside the reports, for one window: the strongest that there is.
HEAT = """
DROP TABLE IF EXISTS cells_heat;
CREATE TABLE cells_heat AS
    SELECT c.code, coalesce(r.count, 0)::int AS count, coalesce(r.count, 0) / c.area_km2::float8 AS per_km2, c.geom
    FROM cells AS c
    LEFT JOIN (
        SELECT cell_id, count(*) FROM reports WHERE day >= '{0}' AND day < '{1}' GROUP BY 1
    ) AS r ON r.cell_id = c.id
    WHERE c.retired_at IS NULL
    ORDER BY c.code;
ALTER TABLE cells_heat ADD PRIMARY KEY (code);
CREATE INDEX ON cells_heat USING gist (geom);
"""


def section(bench: Bench) -> list[Measured]:
    """Cold tiles by zoom, then warm ones."""
    truth = _prepare(bench)
    with finegrid(bench) as ours, tipg(bench) as peer:
        windows = _windows()
        cold = [_cold(zoom, bench, truth, windows, ours, peer) for zoom in ZOOMS]
        return [*cold, _first(bench, windows, ours, peer), *_warm(bench, ours)]


def _ours(tile: Tile, window: Window = JUNE) -> str:
    z, x, y = tile
    return f"/tiles/density-cells/{z}/{x}/{y}.mvt?from={window[0]}&to={window[1]}"


def _tipg(tile: Tile) -> str:
    z, x, y = tile
    return f"/collections/public.cells_heat/tiles/WebMercatorQuad/{z}/{x}/{y}"


def _bare(tile: Tile) -> str:
    z, x, y = tile
    return f"/bare/tile/{z}/{x}/{y}"


def _windows() -> list[Window]:
    """About a month each, no two alike, none like June."""
    starts = np.random.default_rng(43).permutation(330).tolist()
    months = [
        (date(2016, 1, 1) + timedelta(start), date(2016, 1, 1) + timedelta(start + days))
        for days in (28, 29, 31)
        for start in starts
    ]
    return [month for month in months if month != JUNE]


def _tiles(bench: Bench, z: int, seed: int = 44) -> list[Tile]:
    """All tiles of a zoom that hold cells, in any order."""
    west, south, east, north = extent_of(bench.cells)
    columns, rows = (
        range(*_span(ends, z, axis))
        for ends, axis in (
            ((west + 2 * SIDE_LON, east - 2 * SIDE_LON), 0),
            ((north - 2 * SIDE_LAT, south + 2 * SIDE_LAT), 1),
        )
    )
    tiles = [(z, x, y) for x in columns for y in rows]
    return [tiles[at] for at in np.random.default_rng(seed).permutation(len(tiles))]


def _span(degrees: tuple[float, float], z: int, axis: int) -> tuple[int, int]:
    places = []
    for value in degrees:
        part = (value + 180) / 360 if axis == 0 else (1 - float(np.arcsinh(np.tan(np.radians(value)))) / np.pi) / 2
        places.append(int(part * 2**z))
    return places[0], places[1] + 1


# -- speed -------------------------------------------------------------------------------------------------------------


def _cold(zoom: Zoom, bench: Bench, truth: _Truth, windows: list[Window], ours: Served, peer: Served) -> Measured:
    """Every tile once in each window; a window's counts are read by a tile of another zoom before."""
    tiles = _tiles(bench, zoom.z)
    same = _compare(tiles[:3], truth, ours, peer)
    rates: dict[str, list[float]] = {"tipg": [], "one SQL statement": [], "ours": []}
    for turn in range(ROUNDS):
        first = turn * zoom.tiles % len(tiles)
        chosen = (tiles * ceil(1 + zoom.tiles / len(tiles)))[first : first + min(zoom.tiles, len(tiles))]
        asked = [windows.pop() for _ in range(zoom.windows)]
        works = {
            "tipg": (peer, [request_of(_tipg(tile)) for tile in chosen]),
            "one SQL statement": (ours, [request_of(_bare(tile)) for tile in chosen]),
            "ours": (ours, [request_of(_ours(tile, window)) for window in asked for tile in chosen]),
        }
        for window in asked:
            ours.ask(_ours((0, 0, 0), window))
        for name in rotated(works, turn):
            server, requests = works[name]
            rates[name].append(server.rate(requests))
    per_second = {name: median(values) for name, values in rates.items()}
    mine = per_second.pop("ours")
    work = f"cold tiles at z{zoom.z} of {len(bench.cells):,} cells with counts"
    return Measured(work, mine, per_second, {"tipg": zoom.target}, rate=True, identical=same)


def _first(bench: Bench, windows: list[Window], ours: Served, peer: Served) -> Measured:
    """The first tile of a window, which has to count it; tipg's table was counted before."""
    tile = _tiles(bench, 12)[0]
    mine = ours.rate([request_of(_ours(tile, windows.pop())) for _ in range(30)])
    theirs = peer.rate([request_of(_tipg(tile))] * 30)
    with bench.engine.connect() as conn:
        held = conn.execute(text("SELECT count(*) FROM reports")).scalar_one()
    work = f"the first tile of a window that nobody asked for (z12, {held:,} reports in a year)"
    return Measured(work, mine, {"tipg, from a table counted before": theirs}, rate=True)


def _warm(bench: Bench, ours: Served) -> list[Measured]:
    """Tiles that were asked before: with the validator that the client got, and without."""
    paths = [_ours(tile) for tile in _tiles(bench, 14)[:60]]
    tags = {path: ours.ask(path).headers["etag"] for path in paths}
    known = [request_of(path, {"If-None-Match": tag}) for path, tag in tags.items()] * 1000
    again = [request_of(path) for path in paths] * 1000
    nothing = [request_of("/noop")] * len(known)
    rates: dict[str, list[float]] = {"no-op": [], "304": [], "200": []}
    for _ in range(ROUNDS):
        rates["no-op"].append(ours.rate(nothing, WARM_S, connections=BROWSERS))
        rates["304"].append(ours.rate(known, WARM_S, b"304", BROWSERS))
        rates["200"].append(ours.rate(again, WARM_S, connections=BROWSERS))
    floor = median(rates["no-op"])
    # 4,000 a second, or four fifths of what this machine can do at all.
    target = min(0.8, 4000 / floor)
    beside = "no-op route of the same server"
    return [
        Measured(work, median(rates[status]), {beside: floor}, {beside: round(target, 2)}, rate=True)
        for work, status in (("warm tiles at z14, not modified", "304"), ("warm tiles at z14, sent again", "200"))
    ]


# -- the same answers --------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Truth:
    """What a tile must show in June: cells in EPSG:3857 in the order of their codes."""

    codes: list[str]
    counts: NDArray[np.int64]
    shapes: NDArray[np.object_]
    points: NDArray[np.object_]

    def meeting(self, tile: Tile, units: float) -> set[str]:
        """Cells that meet a tile that is so many units larger on each side."""
        box = _box(tile, units)
        return {self.codes[at] for at in np.flatnonzero(shapely.intersects(self.shapes, box))}

    def within(self, tile: Tile) -> int:
        """Reports of the cells whose point lies in a tile."""
        return int(self.counts[shapely.intersects(self.points, _box(tile, 0))].sum())


def _box(tile: Tile, units: float) -> Any:
    z, x, y = tile
    side = 2 * HALF / 2**z
    more = side * units / 4096
    west, north = x * side - HALF, HALF - y * side
    return shapely.box(west - more, north - side - more, west + side + more, north + more)


def _prepare(bench: Bench) -> _Truth:
    """Reports, and tipg's table of June."""
    with bench.engine.connect() as conn:
        held = conn.execute(text("SELECT count(*) FROM reports")).scalar_one()
    if held < bench.rows(REPORTS):
        importing.forget_reports(bench)
        importing.fill(bench, bench.rows(REPORTS))
    with bench.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text(HEAT.format(*JUNE).replace("::", "\\:\\:")))
        conn.execute(text("VACUUM ANALYZE cells_heat, reports, report_counts"))
        rows = conn.execute(text("SELECT code, count FROM cells_heat ORDER BY code")).all()
    transform = Transformer.from_crs(4326, 3857, always_xy=True).transform

    def mercator(shapes: NDArray[np.object_]) -> NDArray[np.object_]:
        return shapely.transform(shapes, lambda at: np.column_stack(transform(at[:, 0], at[:, 1])))

    return _Truth(
        [row.code for row in rows],
        np.array([row.count for row in rows]),
        mercator(bench.cells),
        mercator(shapely.point_on_surface(bench.cells)),
    )


def _compare(tiles: Sequence[Tile], truth: _Truth, ours: Served, peer: Served) -> str:
    """Cells and counts where both show cells; sums where ours shows squares."""
    counts = dict(zip(truth.codes, truth.counts.tolist(), strict=True))
    problems: list[str] = []
    features = 0
    for tile in tiles:
        mine = _properties(ours.ask(_ours(tile)).body)
        features += len(mine)
        if mine and "code" not in mine[0]:
            summed, wanted = sum(one["count"] for one in mine), truth.within(tile)
            if summed != wanted:
                problems.append(f"{tile}: sum {summed}, not {wanted}")
            continue
        must, may = truth.meeting(tile, -1), truth.meeting(tile, 4096 * MARGIN + 1)
        for whose, shown in (("ours", mine), ("tipg", _properties(peer.ask(_tipg(tile)).body))):
            codes = {one["code"] for one in shown}
            wrong = sum(counts.get(one["code"]) != one["count"] for one in shown)
            if wrong or must - codes or codes - may or len(codes) != len(shown):
                problems.append(
                    f"{tile} {whose}: {wrong} counts differ, {len(must - codes)} missing, {len(codes - may)} too many"
                )
    if problems:
        return "; ".join(problems)
    return f"{len(tiles)} tiles as PostGIS and GEOS say, {features / len(tiles):,.0f} features each in ours"


def _properties(tile: bytes) -> list[dict[str, Any]]:
    layers = mapbox_vector_tile.decode(tile)
    return [feature["properties"] for layer in layers.values() for feature in layer["features"]]
