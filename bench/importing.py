"""Importing a million reports, and another million into ten, beside COPY, geopandas.to_postgis and plain SQL."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas
import numpy as np
import pandas as pd
import psycopg2
import pyarrow as pa
import pyarrow.csv as pa_csv
from sqlalchemy import text

from bench.city import METRIC, clustered_points, extent_of
from bench.measure import Measured, seconds
from gis.geometry.datum import gcj02_to_wgs84, wgs84_to_gcj02
from gis.report_files import ReportFile
from gis.reports import ImportOrder, import_reports
from gis.store.database import transaction

if TYPE_CHECKING:
    from bench.__main__ import Bench

CODES = np.array(["0501", "0505", "0102", "0201"])
YEAR_START = 1_451_577_600  # 2016-01-01 in Asia/Shanghai
DAY_S = 86_400

ASSIGN = """
    SELECT r.source_ref, r.category_id, r.reported_at, (r.reported_at AT TIME ZONE 'Asia/Shanghai')::date AS day, r.geom,
           (SELECT c.id FROM cells c WHERE ST_Covers(c.geom, r.geom) ORDER BY c.code LIMIT 1) AS cell_id,
           (SELECT s.id FROM road_segments s
             WHERE ST_DWithin(s.geom_m, ST_SetSRID(ST_Transform(r.geom, {srid}), 0), 30)
             ORDER BY ST_Distance(s.geom_m, ST_SetSRID(ST_Transform(r.geom, {srid}), 0)), s.code LIMIT 1) AS segment_id
    FROM {staged} r
"""


def write_csv(bench: Bench, name: str, count: int, seed: int, blocks: int = 1) -> Path:
    """A file of reports of the year 2016 in GCJ-02, in order of time."""
    path = bench.home / f"{name}.csv"
    if path.exists():
        return path
    rng = np.random.default_rng(seed)
    moments = np.sort(rng.integers(0, 366 * DAY_S, count)) + YEAR_START + 8 * 3600
    each = count // blocks
    with path.open("wb") as stream:
        for block in range(blocks):
            part = slice(block * each, (block + 1) * each if block < blocks - 1 else count)
            number = np.arange(part.start, part.stop)
            lon, lat = wgs84_to_gcj02(*clustered_points(len(number), extent_of(bench.cells), seed=seed * 100 + block))
            rows = pa.table(
                {
                    "id": pa.array([f"{name}-{at:09d}" for at in number]),
                    "lon": np.round(lon, 6),
                    "lat": np.round(lat, 6),
                    "time": pa.array(moments[part], pa.timestamp("s")),
                    "category": CODES[rng.integers(0, 4, len(number))],
                }
            )
            pa_csv.write_csv(rows, stream, pa_csv.WriteOptions(include_header=block == 0))
    return path


def take_in(bench: Bench, path: Path) -> float:
    """Import a file in this process; seconds from opening it to the commit."""

    def work() -> None:
        with transaction(bench.engine) as conn:
            import_reports(conn, ImportOrder(ReportFile(path), "patrol", crs="gcj02"))

    return seconds(work)[0]


def forget_reports(bench: Bench) -> None:
    """Empty what imports fill."""
    with transaction(bench.engine) as conn:
        # Cases hang on reports, and their history lets nobody empty it while the trigger is on.
        conn.execute(text("ALTER TABLE case_events DISABLE TRIGGER append_only"))
        emptied = "reports, report_counts, import_days, import_rejects, imports, shared_positions"
        conn.execute(text(f"TRUNCATE {emptied} CASCADE"))
        conn.execute(text("ALTER TABLE case_events ENABLE ALWAYS TRIGGER append_only"))


def fill(bench: Bench, count: int) -> tuple[float, float]:
    """Import `count` reports in a process of its own; seconds and peak memory in MiB."""
    path = write_csv(bench, f"full{count}", count, 10, blocks=10)
    environment = {**os.environ, "FINEGRID_DATABASE_URL": bench.url}
    command = [
        sys.executable,
        "-m",
        "gis",
        "import",
        "reports",
        str(path),
        "--source",
        "patrol",
        "--crs",
        "gcj02",
        "--json",
    ]
    start = time.perf_counter()
    child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL)
    peak_kib = 0
    # Asked of the process itself: what wait4 answers begins with the memory of whoever started it.
    while child.poll() is None:
        peak_kib = max(peak_kib, _peak_kib(child.pid))
        time.sleep(0.05)
    if child.returncode:
        msg = f"the import of {path} failed"
        raise RuntimeError(msg)
    return time.perf_counter() - start, peak_kib / 1024


def filled(bench: Bench, least: int) -> int:
    """See to it that there are at least so many reports, and that the planner knows; how many there are."""
    count = text("SELECT count(*) FROM reports")
    with bench.engine.connect() as conn:
        held = conn.execute(count).scalar_one()
    if held < least:
        forget_reports(bench)
        fill(bench, least)
    with bench.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.execute(text("VACUUM ANALYZE reports, report_counts"))
        return int(conn.execute(count).scalar_one())


def _peak_kib(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")), 0)


def copy_bare(bench: Bench) -> float:
    """COPY BINARY of the stored rows into a table without indexes: the floor, from a buffer that is ready."""
    raw = psycopg2.connect(bench.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    rows = bench.home / "rows.bin"
    with raw, raw.cursor() as cursor, rows.open("wb") as stream:
        cursor.copy_expert("COPY reports TO STDOUT (FORMAT BINARY)", stream)
        cursor.execute("CREATE TABLE bare AS SELECT * FROM reports LIMIT 0")

    def work() -> None:
        with raw, raw.cursor() as cursor, rows.open("rb") as stream:
            cursor.copy_expert("COPY bare FROM STDIN (FORMAT BINARY)", stream, size=1 << 20)

    spent = seconds(work)[0]
    with raw, raw.cursor() as cursor:
        cursor.execute("DROP TABLE bare")
    raw.close()
    return spent


def by_geopandas(bench: Bench, path: Path) -> float:
    """pandas, the datum shift, to_postgis, then SQL for cells, segments, keys and counts."""

    def work() -> None:
        frame = pd.read_csv(path, dtype={"id": str, "category": str}, parse_dates=["time"])
        lon, lat = gcj02_to_wgs84(frame["lon"].to_numpy(), frame["lat"].to_numpy())
        shapes = geopandas.GeoDataFrame(
            {
                "source_ref": frame["id"],
                "category_id": frame["category"].map({code: at + 1 for at, code in enumerate(CODES)}).astype("int16"),
                "reported_at": frame["time"].dt.tz_localize("Asia/Shanghai"),
            },
            geometry=geopandas.points_from_xy(lon, lat),
            crs=4326,
        ).rename_geometry("geom")
        with bench.engine.begin() as conn:
            shapes.to_postgis("staged", conn, if_exists="replace", index=False)
        with bench.engine.begin() as conn:
            conn.execute(text("CREATE TABLE by_sql AS" + ASSIGN.format(staged="staged", srid=METRIC[5:])))
            conn.execute(text("ALTER TABLE by_sql ADD PRIMARY KEY (source_ref)"))
            conn.execute(
                text(
                    "CREATE TABLE counts_by_sql AS SELECT day, category_id, cell_id, count(*) AS n FROM by_sql GROUP BY 1, 2, 3"
                )
            )

    spent = seconds(work)[0]
    with bench.engine.begin() as conn:
        conn.execute(text("DROP TABLE staged, by_sql, counts_by_sql"))
    return spent


def all_in_sql(bench: Bench, path: Path) -> float:
    """COPY of the CSV, assignment, ON CONFLICT and the upsert of counts in SQL, into the table of ten million.

    The datum is left as it is, which spares SQL work that it could hardly do.
    """
    raw = psycopg2.connect(bench.engine.url.set(drivername="postgresql").render_as_string(hide_password=False))
    with raw.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE counts_by_sql AS SELECT day, category_id, source_id, cell_id, count(*) AS n"
            " FROM reports WHERE cell_id IS NOT NULL GROUP BY 1, 2, 3, 4"
        )
        cursor.execute("ALTER TABLE counts_by_sql ADD PRIMARY KEY (day, category_id, source_id, cell_id)")
        cursor.execute("SELECT max(id) FROM imports")
        (import_id,) = cursor.fetchone()

    def work() -> None:
        with raw.cursor() as cursor, path.open("rb") as stream:
            cursor.execute("CREATE TEMP TABLE lines (id text, lon float8, lat float8, time timestamp, category text)")
            cursor.copy_expert("COPY lines FROM STDIN (FORMAT CSV, HEADER)", stream, size=1 << 20)
            cursor.execute(
                "CREATE TEMP TABLE staged AS SELECT l.id AS source_ref, k.id AS category_id, l.time AT TIME ZONE 'Asia/Shanghai'"
                " AS reported_at, ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom FROM lines l JOIN categories k ON k.code = l.category"
            )
            cursor.execute(
                "WITH added AS (INSERT INTO reports (source_id, source_ref, category_id, import_id, reported_at, day, geom, cell_id,"
                f" segment_id) SELECT 2, source_ref, category_id, {import_id}, reported_at, day, geom, cell_id, segment_id FROM ("
                + ASSIGN.format(staged="staged", srid=METRIC[5:])
                + ") a ON CONFLICT DO NOTHING RETURNING day, category_id, source_id, cell_id)"
                " INSERT INTO counts_by_sql AS c SELECT day, category_id, source_id, cell_id, count(*) FROM added"
                " WHERE cell_id IS NOT NULL GROUP BY 1, 2, 3, 4"
                " ON CONFLICT (day, category_id, source_id, cell_id) DO UPDATE SET n = c.n + excluded.n"
            )

    spent = seconds(work)[0]
    raw.rollback()
    raw.close()
    return spent


def section(bench: Bench) -> list[Measured]:
    """All of it; leaves the table full for the sections that follow."""
    os.environ["XDG_CACHE_HOME"] = str(bench.home / "cache")
    million, ten = bench.rows(1_000_000), bench.rows(10_000_000)
    first = write_csv(bench, "first", million, 1)
    forget_reports(bench)
    cold = take_in(bench, first)
    bare = [copy_bare(bench)]
    warm = []
    for _ in range(3):
        forget_reports(bench)
        warm.append(take_in(bench, first))
        bare.append(copy_bare(bench))
    again = take_in(bench, first)
    ours, floor = float(np.median(warm)), float(np.median(bare))
    geopandas_s = by_geopandas(bench, first)
    forget_reports(bench)
    full_s, peak_mib = fill(bench, ten)
    more = take_in(bench, write_csv(bench, "more", million, 2))
    sql_s = all_in_sql(bench, write_csv(bench, "sql", million, 3))
    shutil.rmtree(bench.home / "none", ignore_errors=True)
    return [
        Measured(
            f"import {million:,} reports from CSV: parse, GCJ-02, cell, segment, key, roll-up, commit",
            ours,
            {"bare COPY BINARY of the same rows": floor, "geopandas.to_postgis + SQL": geopandas_s},
            {"bare COPY BINARY of the same rows": 0.25, "geopandas.to_postgis + SQL": 8},
            note=f"the very first import, which builds the indexes, takes {cold:.2f} s; the same file again {again:.2f} s, all duplicates",
        ),
        Measured(
            f"another {million:,} into a table that holds {ten:,}",
            more,
            {"all in SQL": sql_s},
            {"all in SQL": 10},
            note=f"{ten:,} rows in one import: {full_s:.0f} s, peak memory {peak_mib:.0f} MiB (target: below 1,024)",
        ),
    ]
