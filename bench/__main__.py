"""`make bench`: measure everything in one run and write bench/RESULTS.md."""

from __future__ import annotations

import contextlib
import importlib.metadata
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import click
import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Engine, text

from bench import (
    answering,
    changing,
    exporting,
    importing,
    joining,
    judging,
    peers,
    planning,
    serving,
    standing,
    surveying,
    telling,
    tiling,
    worst,
)
from bench.city import extent_of, fill_ground, irregular_cells, road_lines
from bench.measure import Measured, machine, table
from gis.store.cluster import Cluster
from gis.store.database import create_database_engine, migrate, transaction

RESULTS = Path(__file__).parent / "RESULTS.md"
PACKAGES = ("numpy", "shapely", "geopandas", "pyproj", "pyarrow", "psycopg2-binary", "fastapi", "uvicorn")


@dataclass(frozen=True)
class Bench:
    """What every measurement works on."""

    home: Path
    engine: Engine
    url: str
    cells: NDArray[np.object_]
    roads: NDArray[np.object_]
    scale: float

    def rows(self, full: int) -> int:
        """A number of rows at this scale."""
        return max(1000, int(full * self.scale))


def join_section(bench: Bench) -> list[Measured]:
    """Points to cells and segments."""
    count, rounds = bench.rows(1_000_000), 3
    with transaction(bench.engine) as conn:
        conn.execute(
            text(
                "CREATE TEMP TABLE cell_ranks AS SELECT id, (row_number() OVER (ORDER BY code) - 1)::int rank FROM cells"
            )
        )
        conn.execute(
            text(
                "CREATE TEMP TABLE segment_lines AS"
                " SELECT (row_number() OVER (ORDER BY code) - 1)::int AS rank, ST_GeometryN(geom_m, 1) AS geom FROM road_segments"
            )
        )
        conn.execute(text("CREATE INDEX ON segment_lines USING gist (geom)"))
        conn.execute(text("ANALYZE segment_lines"))
        return [
            *joining.points_to_cells(conn, bench.cells, count, rounds),
            *joining.points_to_segments(conn, bench.roads, extent_of(bench.cells), count, rounds),
        ]


SECTIONS: dict[str, Callable[[Bench], list[Measured]]] = {
    "join": join_section,
    "import": importing.section,
    "density": answering.density_section,
    "locate": answering.locate_section,
    "items": serving.section,
    "tiles": tiling.section,
    "export": exporting.section,
    "changes": changing.section,
    "webhooks": telling.section,
    "cases": judging.section,
    "survey": surveying.section,
    "worst": worst.section,
    "planning": planning.section,
    "standings": standing.section,
}


@contextlib.contextmanager
def bench_city(scale: float) -> Iterator[Bench]:
    """A cluster of its own, with the product's own settings, filled with the bench city."""
    home = Path(tempfile.mkdtemp(prefix="fgb_", dir="/var/tmp"))
    home.chmod(0o755)
    cluster = Cluster(home / "c")
    try:
        cluster.start()
        cluster.create_database("bench")
        engine = create_database_engine(cluster.url("bench"))
        migrate(engine)
        cells = irregular_cells(max(1000, int(100_000 * scale)))
        roads = road_lines(max(500, int(50_000 * scale)), extent_of(cells))
        with transaction(engine) as conn:
            fill_ground(conn, cells, roads)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("VACUUM ANALYZE"))
        yield Bench(home, engine, cluster.url("bench"), cells, roads, scale)
        engine.dispose()
    finally:
        cluster.stop()
        shutil.rmtree(home, ignore_errors=True)


@click.command()
@click.option("--only", type=click.Choice(list(SECTIONS)), multiple=True, help="Measure these sections alone.")
@click.option(
    "--scale", type=click.FloatRange(0.001, 1), default=1.0, show_default=True, help="Share of the full size."
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=RESULTS, show_default=False, help="Where the results go."
)
def main(*, only: tuple[str, ...], scale: float, out: Path) -> None:
    """Measure side by side with the peers and write the ratios down."""
    parts = []
    with bench_city(scale) as bench:
        with bench.engine.connect() as conn:
            postgis = conn.execute(
                text("SELECT split_part(version(), ' ', 2) || ', PostGIS ' || postgis_lib_version()")
            ).scalar()
        for name in only or SECTIONS:
            click.echo(f"{name} ...", err=True)
            results = SECTIONS[name](bench)
            parts.append(f"## {name}\n\n{table(results)}\n")
            click.echo(parts[-1], err=True)
    versions = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in PACKAGES)
    head = (
        "# Results\n\nWritten by `make bench`; every line is one run, side by side. A ratio says how many times better finegrid is.\n\n"
        f"- {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, scale {scale:g}\n- {machine()}\n- PostgreSQL {postgis}; {versions}; beside {peers.version()}\n"
    )
    out.write_text(head + "\n" + "\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    main()
