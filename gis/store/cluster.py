"""The embedded database: a private PostgreSQL + PostGIS cluster that finegrid creates, starts and stops itself.

It listens on a Unix socket only, in a folder that nobody but its owner (and root) can enter, so no port can be taken
and no password is needed. PostgreSQL refuses to run as root: called by root, every server program runs as `postgres`.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import pwd
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from urllib.parse import quote

import psycopg2
from psycopg2 import sql

from gis.errors import ClusterError

SUPERUSER = "finegrid"
INSTALL_HINT = "On Debian or Ubuntu: sudo apt-get install postgresql postgresql-postgis (or run `make setup`)."
START_TIMEOUT_S = 120
SOCKET_PATH_LIMIT = 107
DATABASE_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")

# The server is one tenant of the machine, so a quarter of its memory at most; JIT costs more than our queries.
CONFIGURATION = """
listen_addresses = ''
unix_socket_directories = '{socket}'
unix_socket_permissions = 0700
max_connections = 60
shared_buffers = {buffers_mb}MB
work_mem = 64MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
random_page_cost = 1.1
jit = off
log_min_messages = warning
timezone = 'UTC'
{extra}
"""


def find_bindir(version: str | None = None, chosen: Path | None = None) -> Path:
    """Folder with `initdb` and `pg_ctl`: the chosen one, else the newest that has PostGIS (of `version`, where given).

    Raises
    ------
    ClusterError
        PostgreSQL, that version of it, or PostGIS for it is not installed.
    """
    if chosen is not None:
        if not (chosen / "initdb").exists():
            msg = f"FINEGRID_PG_BINDIR={chosen} holds no initdb"
            raise ClusterError(msg)
        return chosen
    found = [path.parent for path in Path("/usr/lib/postgresql").glob(f"{version or '*'}/bin/initdb")]
    on_path = shutil.which("initdb")
    if on_path:
        real = Path(on_path).resolve().parent
        if version is None or _major_version(real) == version:
            found.append(real)
    if not found:
        wanted = f"PostgreSQL {version}, which made this cluster," if version else "PostgreSQL"
        msg = f"{wanted} is not installed (no initdb found). {INSTALL_HINT}"
        raise ClusterError(msg)
    found.sort(key=lambda path: int(_major_version(path)), reverse=True)
    for bindir in found:
        if _has_postgis(bindir):
            return bindir
    msg = f"PostGIS is not installed for PostgreSQL {_major_version(found[0])}. {INSTALL_HINT}"
    raise ClusterError(msg)


def _major_version(bindir: Path) -> str:
    answer = subprocess.run([bindir / "postgres", "--version"], capture_output=True, text=True, check=True).stdout
    match = re.search(r"\d+", answer)
    return match.group() if match else "0"


def _has_postgis(bindir: Path) -> bool:
    share = Path("/usr/share/postgresql") / bindir.parent.name
    if not share.exists():
        config = bindir / "pg_config"
        if not config.exists():
            return True  # cannot tell; CREATE EXTENSION will
        answer = subprocess.run([config, "--sharedir"], capture_output=True, text=True, check=True).stdout
        share = Path(answer.strip())
    return (share / "extension" / "postgis.control").exists()


@dataclass(frozen=True)
class Cluster:
    """One cluster below `home`: `data/`, `run/` (socket) and `log`.

    Parameters
    ----------
    home
        Folder of the cluster; created where missing.
    bindir
        PostgreSQL's programs; found where not given.
    extra
        More lines for postgresql.conf (tests switch fsync off).
    """

    home: Path
    bindir: Path | None = None
    extra: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """A relative path would mean one thing to us and another to the server."""
        object.__setattr__(self, "home", self.home.absolute())

    @property
    def data(self) -> Path:
        """PostgreSQL's data directory."""
        return self.home / "data"

    @property
    def socket(self) -> Path:
        """Folder of the Unix socket."""
        return self.home / "run"

    @property
    def log(self) -> Path:
        """The server's log file."""
        return self.home / "log"

    @cached_property
    def account(self) -> pwd.struct_passwd | None:
        """Whom the server runs as where that is not the caller: `postgres` for root."""
        if os.geteuid() != 0:
            return None
        try:
            return pwd.getpwnam("postgres")
        except KeyError:
            msg = f"PostgreSQL refuses to run as root and there is no account `postgres` to run it as. {INSTALL_HINT}"
            raise ClusterError(msg) from None

    def url(self, database: str = "postgres") -> str:
        """SQLAlchemy URL of a database of this cluster."""
        return f"postgresql+psycopg2://{SUPERUSER}@/{database}?host={quote(str(self.socket))}"

    def start(self) -> None:
        """Create the cluster where there is none, start it where it does not run, and wait until it answers.

        Heals a half-made cluster, a stale pid file and the recovery after a kill.

        Raises
        ------
        ClusterError
            With the reason, and the end of the server's log where it has one.
        """
        if self.answers():
            return
        with self._only_one():
            if self.answers():
                return
            bindir = self._bindir()
            if not (self.data / "PG_VERSION").exists():
                self._create(bindir)
            self._configure()
            self._drop_stale_pid_file()
            self._run_server(bindir)

    def stop(self) -> bool:
        """Stop the server; False where none ran."""
        if self._server_pid() is None:
            return False
        self._pg_ctl(self._bindir(), "stop", "-m", "fast", "-t", str(START_TIMEOUT_S))
        return True

    def status(self) -> str:
        """`running`, `stopped` or `absent`."""
        if not (self.data / "PG_VERSION").exists():
            return "absent"
        return "running" if self.answers() else "stopped"

    def answers(self) -> bool:
        """Whether the server takes connections now."""
        if not (self.socket / ".s.PGSQL.5432").exists():
            return False
        try:
            self._connect("postgres").close()
        except ClusterError as problem:
            # A server with no room for one more is up all the same.
            return "too many clients" in str(problem)
        return True

    def create_database(self, name: str) -> bool:
        """Create a database with PostGIS where it does not exist yet; True where it was created."""
        if not DATABASE_NAME.fullmatch(name):
            msg = f"a city's short name is lower-case letters, digits and _, beginning with a letter; not {name!r}"
            raise ClusterError(msg)
        with contextlib.closing(self._connect("postgres")) as conn:
            conn.autocommit = True
            with conn.cursor() as cursor:
                cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", (name,))
                if cursor.fetchone():
                    return False
                try:
                    cursor.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
                except (psycopg2.errors.DuplicateDatabase, psycopg2.errors.UniqueViolation):
                    return False  # another command was faster
        return True

    def databases(self) -> list[str]:
        """Names of the databases that finegrid made, in order."""
        with contextlib.closing(self._connect("postgres")) as conn, conn.cursor() as cursor:
            cursor.execute(
                "SELECT datname FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres' ORDER BY 1"
            )
            return [name for (name,) in cursor.fetchall()]

    # -- how ----------------------------------------------------------------------------------------------------------

    def _connect(self, database: str) -> psycopg2.extensions.connection:
        try:
            return psycopg2.connect(host=str(self.socket), user=SUPERUSER, dbname=database, connect_timeout=5)
        except psycopg2.OperationalError as problem:
            msg = f"the database in {self.home} does not take a connection: {str(problem).strip()}"
            raise ClusterError(msg) from problem

    def _bindir(self) -> Path:
        version_file = self.data / "PG_VERSION"
        version = version_file.read_text().strip() if version_file.exists() else None
        return find_bindir(version, self.bindir)

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        """Two commands at once: the second waits and then finds the server running."""
        self._make_folders()
        with (self.home / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_folders(self) -> None:
        path_length = len(str(self.socket / ".s.PGSQL.5432"))
        if path_length > SOCKET_PATH_LIMIT:
            msg = (
                f"the path of the database socket, {self.socket}/.s.PGSQL.5432, has {path_length} characters and a "
                f"Unix socket may have {SOCKET_PATH_LIMIT}: set FINEGRID_HOME to a shorter folder"
            )
            raise ClusterError(msg)
        try:
            for folder in (self.home, self.socket):
                folder.mkdir(parents=True, exist_ok=True)
                if self.account:
                    os.chown(folder, self.account.pw_uid, self.account.pw_gid)
                folder.chmod(0o700)
        except PermissionError as problem:
            msg = (
                f"cannot use {self.home} for the database ({problem.strerror}): set FINEGRID_HOME to a folder of yours"
            )
            raise ClusterError(msg) from problem
        if self.account:
            reachable = subprocess.run(
                ["test", "-w", self.home],
                user=self.account.pw_uid,
                group=self.account.pw_gid,
                extra_groups=[],
                check=False,
            )
            if reachable.returncode != 0:
                msg = (
                    f"the account `{self.account.pw_name}`, which the database must run as, cannot reach {self.home}: "
                    "set FINEGRID_HOME to a folder that is not below root's home"
                )
                raise ClusterError(msg)

    def _create(self, bindir: Path) -> None:
        """Make the cluster beside its place and rename it when whole, so that a half-made one never looks ready."""
        # A name of its own: the initdb of a command that was killed may still be writing.
        partial = self.home / f"data.partial.{os.getpid()}"
        for leftover in (*self.home.glob("data.partial*"), self.data):
            shutil.rmtree(leftover, ignore_errors=True)
        self._run(
            [bindir / "initdb", "-D", partial, "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8"]
        )
        partial.rename(self.data)

    def _configure(self) -> None:
        memory_mb = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
        text = CONFIGURATION.format(socket=self.socket, buffers_mb=max(64, min(1024, memory_mb // 4)), extra=self.extra)
        configuration = self.data / "finegrid.conf"
        if not configuration.exists() or configuration.read_text() != text:
            configuration.write_text(text)
            if self.account:
                os.chown(configuration, self.account.pw_uid, self.account.pw_gid)
        main = self.data / "postgresql.conf"
        include = "include 'finegrid.conf'\n"
        if include not in main.read_text():
            with main.open("a") as stream:
                stream.write(include)

    def _server_pid(self) -> int | None:
        """The server's process where postmaster.pid names one that is truly ours."""
        try:
            pid = int((self.data / "postmaster.pid").read_text().split()[0])
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError, IndexError):
            return None
        # The server may have been started by another name of the same folder.
        ours = any(
            part.startswith(b"/") and Path(os.fsdecode(part)).resolve() == self.data.resolve() for part in command
        )
        return pid if ours else None

    def _drop_stale_pid_file(self) -> None:
        # After a crash the number may belong to a stranger by now, and PostgreSQL would then refuse to start.
        if self._server_pid() is None:
            for leftover in (self.data / "postmaster.pid", self.socket / ".s.PGSQL.5432.lock"):
                leftover.unlink(missing_ok=True)

    def _run_server(self, bindir: Path) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while True:
            try:
                self._pg_ctl(bindir, "start", "-w", "-t", str(START_TIMEOUT_S), "-l", str(self.log))
                return
            except ClusterError as problem:
                # Started by somebody else, it may still have been recovering from a crash.
                if self.answers():
                    return
                # The killed server's children still hold its shared memory for a moment.
                lingering = "shared memory block" in str(problem) or "lock file" in str(problem)
                if not lingering or time.monotonic() > deadline:
                    raise
                time.sleep(0.5)

    def _pg_ctl(self, bindir: Path, *arguments: str) -> None:
        self._run([bindir / "pg_ctl", "-D", self.data, *arguments])

    def _run(self, command: list[str | Path]) -> None:
        """Run a server program as the account that may, with its words in the error where it fails."""
        before = self.log.stat().st_size if self.log.exists() else 0
        # A file and not a pipe: the server that pg_ctl leaves behind would keep a pipe open for ever.
        output = self.home / "last-command"
        with output.open("w") as stream:
            result = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                cwd=self.home,
                env={**os.environ, "LC_ALL": "C.UTF-8"},
                check=False,
                start_new_session=True,
                preexec_fn=_default_signals,
                user=self.account.pw_uid if self.account else None,
                group=self.account.pw_gid if self.account else None,
                extra_groups=[] if self.account else None,
            )
        if result.returncode != 0:
            said = output.read_text(errors="replace").strip()
            if self.log.exists():
                with self.log.open(errors="replace") as log:
                    log.seek(before)
                    said += "\n" + log.read()[-2000:].strip()
            msg = f"{Path(command[0]).name} failed (exit {result.returncode}):\n{said}"
            raise ClusterError(msg)


def _default_signals() -> None:
    # A server started under `nohup` or a test runner must still obey SIGINT, which pg_ctl stop uses.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
