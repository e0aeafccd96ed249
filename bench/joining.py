"""Points to cells and to the nearest road segment, beside PostGIS and geopandas."""

from __future__ import annotations

import geopandas
import numpy as np
import pyarrow as pa
import shapely
from numpy.typing import NDArray
from sqlalchemy import Connection, text

from bench.city import METRIC, clustered_points, extent_of
from bench.measure import Measured, in_turn, seconds
from gis.geometry.cell_index import CellIndex
from gis.geometry.datum import metric_transformer
from gis.geometry.segment_index import SegmentIndex
from gis.store.copying import CopyColumn, copy_in, copy_out_array

REACH_M, TIE_M = 30.0, 0.001


def points_to_cells(conn: Connection, cells: NDArray[np.object_], count: int, rounds: int) -> list[Measured]:
    """`count` points to all cells; the cells are stored in the order of the array, which is code order."""
    lon, lat = clustered_points(count, extent_of(cells), seed=77)
    _store_points(conn, "points", lon, lat, 4326)
    build_s, index = seconds(lambda: CellIndex.build(cells), rounds=rounds)
    frame = geopandas.GeoDataFrame(geometry=cells, crs=4326)
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(lon, lat), crs=4326)

    def sjoin() -> NDArray[np.int64]:
        joined = points.sjoin(frame, predicate="intersects")
        return joined.groupby(level=0)["index_right"].min().reindex(range(count), fill_value=-1).to_numpy()

    west, south, east, _ = extent_of(cells)
    scale = np.sqrt(len(cells)) / (east - west)
    spent, answers = in_turn(
        {
            "finegrid": lambda: index.locate(lon, lat),
            "geopandas.sjoin": sjoin,
            "floor arithmetic": lambda: (
                np.floor((lat - south) * scale).astype(np.int32) * 400 + np.floor((lon - west) * scale).astype(np.int32)
            ),
        },
        rounds,
    )
    conn.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
    conn.execute(text("CREATE TEMP TABLE joined (point int, cell int)"))
    postgis_s, _ = seconds(
        lambda: conn.execute(
            text("INSERT INTO joined SELECT p.n, c.id FROM points p JOIN cells c ON ST_Covers(c.geom, p.geom)")
        )
    )
    rows = copy_out_array(
        conn,
        text("SELECT j.point, min(c.rank)::int4 FROM joined j JOIN cell_ranks c ON c.id = j.cell GROUP BY 1"),
        {},
        {"point": "int4", "cell": "int4"},
    )
    judged = np.full(count, -1)
    judged[rows["point"]] = rows["cell"]
    ours = answers["finegrid"]
    same = f"{int((ours != judged).sum())} of {count:,} differ from PostGIS, {int((ours != answers['geopandas.sjoin']).sum())} from sjoin"
    return [
        Measured(
            f"{count:,} points to {len(cells):,} irregular cells",
            spent["finegrid"],
            {"PostGIS ST_Covers join, serial": postgis_s, "geopandas.sjoin": spent["geopandas.sjoin"], "floor arithmetic (limit)": spent["floor arithmetic"]},
            {"PostGIS ST_Covers join, serial": 30, "geopandas.sjoin": 5},
            identical=same,
            note=f"building the index: {build_s:.2f} s, {index.nbytes / 1e6:.0f} MB; kept on disk by content afterwards",
        )
    ]  # fmt: skip


def points_to_segments(
    conn: Connection, roads: NDArray[np.object_], extent: tuple[float, float, float, float], count: int, rounds: int
) -> list[Measured]:
    """`count` points to the nearest segment within 30 m, all in the metric CRS."""
    lon, lat = clustered_points(count, extent, seed=78)
    to_metric = metric_transformer(METRIC)
    x, y = (np.asarray(axis) for axis in to_metric.transform(lon, lat))
    lines = shapely.transform(roads, lambda at: np.column_stack(to_metric.transform(at[:, 0], at[:, 1])))
    _store_points(conn, "metric_points", x, y, 0)
    build_s, index = seconds(lambda: SegmentIndex.build(lines, REACH_M, TIE_M), rounds=rounds)
    frame = geopandas.GeoDataFrame(geometry=lines, crs=METRIC)
    points = geopandas.GeoDataFrame(geometry=geopandas.points_from_xy(x, y), crs=METRIC)

    def sjoin_nearest() -> NDArray[np.int64]:
        joined = points.sjoin_nearest(frame, max_distance=REACH_M)
        return joined.groupby(level=0)["index_right"].min().reindex(range(count), fill_value=-1).to_numpy()

    spent, answers = in_turn({"finegrid": lambda: index.nearest(x, y), "sjoin_nearest": sjoin_nearest}, rounds)
    conn.execute(text("SET LOCAL max_parallel_workers_per_gather = 0"))
    within = """INSERT INTO nearest SELECT DISTINCT ON (p.n) p.n, s.rank FROM metric_points p
        JOIN segment_lines s ON ST_DWithin(s.geom, p.geom, :reach) ORDER BY p.n, ST_Distance(s.geom, p.geom), s.rank"""
    knn = """INSERT INTO nearest SELECT p.n, s.rank FROM metric_points p CROSS JOIN LATERAL (
        SELECT rank, ST_Distance(geom, p.geom) AS d FROM segment_lines ORDER BY geom <-> p.geom LIMIT 1) s
        WHERE p.n < :some AND s.d <= :reach"""
    conn.execute(text("CREATE TEMP TABLE nearest (point int, rank int)"))
    some = count // 10
    knn_s, _ = seconds(lambda: conn.execute(text(knn), {"reach": REACH_M, "some": some}))
    conn.execute(text("TRUNCATE nearest"))
    within_s, _ = seconds(lambda: conn.execute(text(within), {"reach": REACH_M}))
    rows = copy_out_array(conn, text("SELECT point, rank FROM nearest"), {}, {"point": "int4", "rank": "int4"})
    judged = np.full(count, -1)
    judged[rows["point"]] = rows["rank"]
    ours, distance_m = answers["finegrid"]
    same = ", ".join(
        f"{_truly_other(ours, distance_m, other, lines, x, y)} from {name}"
        for name, other in (("PostGIS", judged), ("sjoin_nearest", answers["sjoin_nearest"]))
    )
    best = "PostGIS ST_DWithin, serial"
    return [
        Measured(
            f"{count:,} points to the nearest of {len(roads):,} segments within 30 m",
            spent["finegrid"],
            {best: within_s, f"PostGIS KNN, serial ({some:,} points, times ten)": knn_s * count / some, "geopandas.sjoin_nearest": spent["sjoin_nearest"]},
            {best: 40, "geopandas.sjoin_nearest": 15},
            identical=f"of {count:,} differ by more than a 1 mm tie: {same}",
            note=f"building the index: {build_s:.2f} s, {index.nbytes / 1e6:.0f} MB; kept on disk by content afterwards",
        )
    ]  # fmt: skip


def _truly_other(
    ours: NDArray[np.int32],
    distance_m: NDArray[np.float64],
    other: NDArray[np.int64],
    lines: NDArray[np.object_],
    x: NDArray[np.float64],
    y: NDArray[np.float64],
) -> int:
    """Answers that differ and are no tie within a millimetre (peers break ties by the last bit)."""
    wrong = np.flatnonzero(ours != other)
    if not len(wrong):
        return 0
    both = (ours[wrong] >= 0) & (other[wrong] >= 0)
    theirs = shapely.distance(lines[np.maximum(other[wrong], 0)], shapely.points(x[wrong], y[wrong]))
    tie = both & (np.abs(theirs - distance_m[wrong]) <= TIE_M)
    return int((~tie).sum())


def _store_points(conn: Connection, name: str, x: NDArray[np.float64], y: NDArray[np.float64], srid: int) -> None:
    conn.execute(text(f"CREATE TEMP TABLE {name} (n int, geom geometry)"))
    points = shapely.set_srid(shapely.points(x, y), srid)
    copy_in(
        conn,
        name,
        [
            CopyColumn("n", "int4", np.arange(len(x))),
            CopyColumn("geom", "bytea", pa.array(shapely.to_wkb(points, include_srid=srid > 0), pa.binary())),
        ],
    )
    conn.execute(text(f"ANALYZE {name}"))
