"""The embedded cluster: made, started, stopped, healed; and what it says where it cannot."""

from __future__ import annotations

import contextlib
import os
import pwd
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

from gis.errors import ClusterError
from gis.store import cluster as cluster_module
from gis.store.cluster import Cluster, find_bindir
from gis.store.database import create_database_engine, current_revision, migrate, newest_revision

ROOT = Path(__file__).parent.parent.parent
QUICK = "fsync = off\nfull_page_writes = off\nmax_connections = 12"
AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="concerns root only")


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """A folder that the `postgres` account can enter."""
    path = Path(tempfile.mkdtemp(prefix="fgc_", dir="/tmp"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(scope="module")
def shared(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder / "shared home", extra=QUICK)
    cluster.start()
    cluster.create_database("town")
    yield cluster
    cluster.stop()


@pytest.fixture
def running(shared: Cluster) -> Cluster:
    shared.start()
    return shared


def say(cluster: Cluster, question: str = "SELECT 1", database: str = "town") -> object:
    conn = psycopg2.connect(host=str(cluster.socket), user="finegrid", dbname=database)
    with conn, conn.cursor() as cursor:
        cursor.execute(question)
        found = cursor.fetchone() if cursor.description else None
    conn.close()
    return found and found[0]


def server_pid(cluster: Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def kill(cluster: Cluster) -> int:
    """Kill the server as the kernel would, its children left behind."""
    pid = server_pid(cluster)
    os.kill(pid, signal.SIGKILL)
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
        time.sleep(0.01)
    return pid


def own(path: Path, cluster: Cluster) -> None:
    if cluster.account:
        os.chown(path, cluster.account.pw_uid, cluster.account.pw_gid)


def test_starting_twice_is_starting_once(running: Cluster) -> None:
    pid = server_pid(running)
    running.start()
    assert (server_pid(running), running.status()) == (pid, "running")


def test_it_listens_on_a_private_socket_only(running: Cluster) -> None:
    assert say(running, "SHOW listen_addresses") == ""
    assert running.socket.stat().st_mode & 0o777 == 0o700
    assert running.home.stat().st_mode & 0o777 == 0o700
    assert say(running, "SHOW max_connections") == "12"


def test_stopping_and_starting_keeps_what_is_stored(running: Cluster) -> None:
    say(running, "CREATE TABLE IF NOT EXISTS kept AS SELECT 7 AS n")
    assert running.stop()
    assert running.status() == "stopped"
    assert not running.stop()
    running.start()
    assert say(running, "SELECT n FROM kept") == 7


def test_a_killed_server_starts_again(running: Cluster) -> None:
    say(running, "CREATE TABLE IF NOT EXISTS crash (n int)")
    say(running, "INSERT INTO crash VALUES (1)")
    before = kill(running)
    assert running.status() == "stopped"
    running.start()
    assert server_pid(running) != before
    assert say(running, "SELECT count(*) > 0 FROM crash")


def test_a_stale_pid_file_with_the_number_of_a_living_stranger(running: Cluster) -> None:
    """After a crash and a reboot the numbers in both lock files may belong to any process of the same account."""
    kill(running)
    running.start()
    running.stop()
    identity = {"user": running.account.pw_uid} if running.account else {}
    stranger = subprocess.Popen(["sleep", "600"], **identity)
    try:
        socket = running.socket / ".s.PGSQL.5432"
        for name in (running.data / "postmaster.pid", Path(f"{socket}.lock")):
            name.write_text(f"{stranger.pid}\n{running.data}\n1\n5432\n{running.socket}\n\n   1 1\n")
            own(name, running)
        began = time.monotonic()
        running.start()
        assert time.monotonic() - began < 30
        assert say(running)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_stopping_never_touches_a_stranger(running: Cluster) -> None:
    running.stop()
    with subprocess.Popen(["sleep", "600"]) as stranger:
        (running.data / "postmaster.pid").write_text(f"{stranger.pid}\n")
        assert running.stop() is False
        assert stranger.poll() is None
        stranger.kill()
    running.start()
    assert say(running)


def test_many_commands_at_once_start_one_server(running: Cluster) -> None:
    running.stop()
    program = (
        "import sys; from pathlib import Path; from gis.store.cluster import Cluster\n"
        "c = Cluster(Path(sys.argv[1]), extra=sys.argv[2]); c.start(); print(c.status(), c.create_database('at_once'))"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", program, running.home, QUICK], cwd=ROOT, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    answers = [process.communicate(timeout=60)[0].split() for process in started]
    assert [state for state, _ in answers] == ["running"] * 4
    assert sorted(made for _, made in answers) == ["False", "False", "False", "True"]
    assert "at_once" in running.databases()


def test_a_database_migrated_by_many_at_once_is_migrated_once(running: Cluster) -> None:
    running.create_database("fresh")
    results: list[object] = []

    def run() -> None:
        engine = create_database_engine(running.url("fresh"))
        try:
            results.append(migrate(engine))
        except Exception as problem:
            results.append(problem)
        engine.dispose()

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results, key=str) == [False, False, True]
    engine = create_database_engine(running.url("fresh"))
    assert current_revision(engine) == newest_revision()
    engine.dispose()


def test_a_server_without_room_for_one_more_is_running(running: Cluster) -> None:
    held = []
    try:
        with contextlib.suppress(psycopg2.OperationalError):
            while len(held) < 20:
                held.append(psycopg2.connect(host=str(running.socket), user="finegrid", dbname="town"))
        assert len(held) < 20
        began = time.monotonic()
        running.start()
        assert running.status() == "running"
        assert time.monotonic() - began < 5
        with pytest.raises(ClusterError, match="too many clients"):
            running.create_database("one_more")
    finally:
        for conn in held:
            conn.close()


def test_the_same_folder_by_another_name_is_the_same_server(running: Cluster, folder: Path) -> None:
    link = folder / "link"
    link.symlink_to(running.home)
    pid = server_pid(running)
    other = Cluster(link, extra=QUICK)
    assert other.status() == "running"
    assert other._server_pid() == pid
    other.start()
    assert server_pid(running) == pid
    link.unlink()


def test_names_of_databases_are_checked(running: Cluster) -> None:
    for name in ("", "Town", "1town", 'town"; DROP DATABASE town; --', "a" * 64):
        with pytest.raises(ClusterError, match="short name"):
            running.create_database(name)
    assert running.create_database("town") is False


def test_a_half_made_cluster_is_made_anew(folder: Path) -> None:
    cluster = Cluster(folder / "half", extra=QUICK)
    for leftover in ("data.partial", "data"):
        (cluster.home / leftover / "base").mkdir(parents=True)
    assert cluster.status() == "absent"
    cluster.start()
    try:
        assert cluster.status() == "running"
        assert not list(cluster.home.glob("data.partial*"))
        assert not (cluster.data / "base" / "base").exists()
        cluster.start()
    finally:
        cluster.stop()


def test_a_command_killed_while_it_makes_the_cluster(folder: Path) -> None:
    home = folder / "killed"
    program = (
        "import sys; from pathlib import Path; from gis.store.cluster import Cluster\n"
        "Cluster(Path(sys.argv[1])).start()"
    )
    maker = subprocess.Popen([sys.executable, "-c", program, home], cwd=ROOT, start_new_session=True)
    deadline = time.monotonic() + 30
    while not list(home.glob("data.partial*/PG_VERSION")) and time.monotonic() < deadline:
        time.sleep(0.002)
    maker.kill()
    maker.wait()
    cluster = Cluster(home, extra=QUICK)
    assert cluster.status() == "absent"
    cluster.start()
    try:
        assert say(cluster, database="postgres") == 1
    finally:
        cluster.stop()


# -- what it says where it cannot --------------------------------------------------------------------------------------


def test_a_relative_home_is_below_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Cluster(Path("home")).socket == tmp_path / "home" / "run"


def test_a_socket_path_that_is_too_long(folder: Path) -> None:
    home = folder / ("long" * 30)
    with pytest.raises(ClusterError, match=r"has \d+ characters and a Unix socket may have 107: set FINEGRID_HOME"):
        Cluster(home).start()
    assert not home.exists()


@AS_ROOT
def test_a_home_that_the_account_cannot_reach() -> None:
    closed = Path(tempfile.mkdtemp(prefix="fgx_", dir="/tmp"))  # mode 0700, root's
    try:
        with pytest.raises(ClusterError, match=r"account `postgres`.* cannot reach .*set FINEGRID_HOME"):
            Cluster(closed / "it's home").start()
    finally:
        shutil.rmtree(closed)


@AS_ROOT
def test_an_account_that_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pwd, "getpwnam", {}.__getitem__)
    with pytest.raises(ClusterError, match="no account `postgres`"):
        Cluster(folder / "nobody").start()


def test_programs_that_are_missing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ClusterError, match=r"FINEGRID_PG_BINDIR=.* holds no initdb"):
        Cluster(folder / "empty", tmp_path).start()
    with pytest.raises(
        ClusterError, match=r"PostgreSQL 99, which made this cluster, is not installed .*apt-get install"
    ):
        find_bindir("99")
    monkeypatch.setattr(cluster_module, "_has_postgis", lambda _: False)
    with pytest.raises(ClusterError, match=r"PostGIS is not installed for PostgreSQL \d+\. .*apt-get install"):
        find_bindir()


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    cluster = Cluster(folder / "wrong", extra="no_such_setting = 1")
    with pytest.raises(ClusterError, match="no_such_setting"):
        cluster.start()
    assert cluster.status() == "stopped"
    healed = Cluster(folder / "wrong", extra=QUICK)
    healed.start()
    assert healed.stop()


def test_an_ordinary_user_without_right_to_the_folder(folder: Path) -> None:
    closed = folder / "closed"
    closed.mkdir(mode=0o755)
    if os.geteuid() != 0:
        closed.chmod(0o500)
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setuid(pwd.getpwnam("nobody").pw_uid)
            Cluster(closed / "home").start()
        except BaseException as problem:
            os.write(writing, f"{type(problem).__name__} {problem}".encode())
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading) as stream:
        said = stream.read()
    assert said.startswith("ClusterError cannot use")
    assert said.endswith("set FINEGRID_HOME to a folder of yours")
