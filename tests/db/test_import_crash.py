"""Killing an import, or the database under it, and running the same command again: the totals of an undisturbed run."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from sqlalchemy import make_url, text

from gis.errors import ClusterError, Conflict
from gis.store.cluster import Cluster
from gis.store.copying import cursor_of
from gis.store.database import create_database_engine, migrate, transaction
from tests.town import build_town, some_rows, write_csv

ROOT = Path(__file__).parent.parent.parent
ROWS = 300_000
ROUNDS = int(os.environ.get("CRASH_ROUNDS", "1"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some 300,000 rows, of which a few repeat and a few cannot be used."""
    rows = some_rows(ROWS)
    rows[1000::1000] = [(f"bad{at}", "", "", *row[3:]) for at, row in enumerate(rows[1000::1000])]
    rows[777::777] = [rows[0]] * len(rows[777::777])
    return write_csv(tmp_path_factory.mktemp("crash") / "reports.csv", rows)


@pytest.fixture(scope="module")
def own_cluster() -> Iterator[Cluster]:
    """A server of these tests' own that may be killed; with fsync, as in earnest."""
    folder = Path(tempfile.mkdtemp(prefix="fgk_", dir="/tmp"))
    folder.chmod(0o755)
    cluster = Cluster(folder / "c")
    cluster.start()
    yield cluster
    cluster.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def town_url(own_cluster: Cluster) -> str:
    name = f"town{time.monotonic_ns()}"
    own_cluster.create_database(name)
    engine = create_database_engine(own_cluster.url(name))
    migrate(engine)
    with transaction(engine) as conn:
        build_town(conn)
    engine.dispose()
    return own_cluster.url(name)


def command(url: str, *arguments: object, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "gis", *map(str, arguments), "--json"],
        cwd=folder,
        env={**os.environ, "FINEGRID_DATABASE_URL": url, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def import_command(url: str, file: Path, folder: Path) -> subprocess.Popen[str]:
    return command(url, "import", "reports", file, "--source", "patrol", "--crs", "wgs84", folder=folder)


def answer(process: subprocess.Popen[str]) -> dict:
    out, err = process.communicate(timeout=120)
    assert process.returncode == 0, err
    return json.loads(out)


def wait_until_rows_flow(url: str, process: subprocess.Popen[str]) -> None:
    """Until the table grows on disk: rows of the open transaction that nobody sees yet."""
    parts = make_url(url)
    conn = psycopg2.connect(host=parts.query["host"], user=parts.username, dbname=parts.database)
    conn.autocommit = True
    with conn.cursor() as cursor:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            assert process.poll() is None, "the import was over before it could be killed"
            cursor.execute("SELECT pg_relation_size('reports'), (SELECT count(*) FROM reports)")
            size, visible = cursor.fetchone()
            if size > 2_000_000:
                assert visible == 0
                break
            time.sleep(0.005)
        else:
            pytest.fail("no rows came")
    conn.close()


def totals(url: str) -> list:
    """What the database holds, and what verify and reconcile say."""
    engine = create_database_engine(url)
    with transaction(engine) as conn:
        held = conn.execute(
            text(
                "SELECT count(*), count(cell_id), count(segment_id), count(DISTINCT source_ref),"
                " sum(hashtext(source_ref)::bigint + coalesce(cell_id, 0) + coalesce(segment_id, 0)),"
                " (SELECT count(*) FROM import_rejects), (SELECT sum(octet_length(counts)) FROM report_counts),"
                " (SELECT count(*) FROM imports WHERE finished_at IS NOT NULL), (SELECT count(*) FROM imports)"
                " FROM reports"
            )
        ).one()
    engine.dispose()
    return list(held)


@pytest.fixture(scope="module")
def undisturbed(own_cluster: Cluster, file: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict, list]:
    """Summary and totals of a run that nobody disturbs."""
    name = "undisturbed"
    own_cluster.create_database(name)
    url = own_cluster.url(name)
    engine = create_database_engine(url)
    migrate(engine)
    with transaction(engine) as conn:
        build_town(conn)
    engine.dispose()
    summary = answer(import_command(url, file, tmp_path_factory.mktemp("undisturbed")))
    assert summary["read"] == ROWS
    assert summary["accepted"] + summary["duplicate"] + summary["rejected"] == ROWS
    assert min(summary["duplicate"], summary["rejected"], summary["outside"]) > 100
    return summary, totals(url)


def check_again(url: str, file: Path, folder: Path, undisturbed: tuple[dict, list]) -> None:
    """Run the command again; then verify and reconcile."""
    rejects = folder / f"{file.name}.rejects.csv"
    assert not rejects.exists()
    summary = answer(import_command(url, file, folder))
    expected, held = undisturbed
    sizes = ("read", "accepted", "duplicate", "rejected", "in_cells", "outside", "no_position", "shared_positions")
    assert {name: summary[name] for name in sizes} == {name: expected[name] for name in sizes}
    assert totals(url) == held
    assert len(rejects.read_text().splitlines()) == expected["rejected"] + 1
    found = answer(command(url, "verify", folder=folder))
    assert found["differences"] == 0
    assert found["reports"] == expected["accepted"]
    assert answer(command(url, "reconcile", folder=folder))["adds_up"]


def test_errors_that_copy_raises_itself_belong_to_the_tree(town_url: str) -> None:
    """COPY speaks to psycopg2 directly; its errors do not come through SQLAlchemy."""
    engine = create_database_engine(town_url, pool_size=3)
    with pytest.raises(ClusterError, match="nothing was changed"), transaction(engine) as conn:
        cursor_of(conn).execute("SELECT pg_terminate_backend(pg_backend_pid())")
    with pytest.raises(psycopg2.errors.UndefinedTable), transaction(engine) as conn:
        cursor_of(conn).execute("TABLE nowhere")
    with engine.connect() as conn:
        first, second = conn.execute(text("SELECT min(id), max(id) FROM cells")).one()
    lock = "SELECT FROM cells WHERE id = %s FOR UPDATE"
    together, stopped = threading.Barrier(2), []

    def run(one: int, other: int) -> None:
        try:
            with transaction(engine) as conn:
                cursor_of(conn).execute(lock, (one,))
                together.wait()
                cursor_of(conn).execute(lock, (other,))
        except Exception as problem:
            stopped.append(problem)

    threads = [threading.Thread(target=run, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    engine.dispose()
    assert [type(problem) for problem in stopped] == [Conflict]


def test_an_import_killed_in_the_middle(town_url: str, file: Path, tmp_path: Path, undisturbed) -> None:
    for _ in range(ROUNDS):
        process = import_command(town_url, file, tmp_path)
        wait_until_rows_flow(town_url, process)
        process.kill()
        process.communicate()
        assert process.returncode == -signal.SIGKILL
    check_again(town_url, file, tmp_path, undisturbed)


def test_the_database_killed_under_an_import(
    own_cluster: Cluster, town_url: str, file: Path, tmp_path: Path, undisturbed
) -> None:
    for _ in range(ROUNDS):
        process = import_command(town_url, file, tmp_path)
        wait_until_rows_flow(town_url, process)
        os.kill(own_cluster._server_pid(), signal.SIGKILL)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 1, err
        assert json.loads(out)["error"] == "ClusterError"
        assert "nothing was changed" in err
        assert "Traceback" not in err
        own_cluster.start()
        assert own_cluster.status() == "running"
    check_again(town_url, file, tmp_path, undisturbed)
