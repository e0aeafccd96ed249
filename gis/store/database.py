"""Engine, transaction, SQL files and the few locks that every command shares."""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator
from functools import cache
from importlib.resources import files

import psycopg2
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.sql.elements import TextClause

from gis.errors import ClusterError, Conflict, TooCostly

# Advisory locks. GROUND: shared by whoever counts on cells, roads and areas to stay as they are (imports, a server's
# in-process index), exclusive for whoever changes them.
GROUND_LOCK = 7_094_001
# MIGRATION: one at a time.
MIGRATION_LOCK = 7_094_002
# SOURCE, with the id of a source: one import of it at a time.
SOURCE_LOCK = 7_094
# SURVEYS: one import of patrol passes at a time.
SURVEYS_LOCK = 7_094_003
GROUND_BELL = "finegrid_ground"
RING_AGAIN_MS = 2000
SERVED = "served"
"""Layer whose row says that servers have answered from memory here."""
LEASE_S = 0.25
"""How long a server may answer from memory after the last sign of life of the connection that holds its lock."""
LOCK_NOT_AVAILABLE = "55P03"
QUERY_CANCELED = "57014"
CHANGED_AT_ONCE = {"40001", "40P01"}  # serialization failure, deadlock
MINIMUM_SERVER = 150000


def create_database_engine(url: str, *, pool_size: int = 2) -> Engine:
    """Engine over psycopg2; few connections, because more database threads per process are slower, not faster."""
    # Users write the driver-less form, for which SQLAlchemy would look for another driver.
    url = re.sub(r"^postgres(ql)?://", "postgresql+psycopg2://", url)
    return create_engine(
        url,
        pool_size=pool_size,
        max_overflow=0,
        pool_pre_ping=True,
        connect_args={"application_name": "finegrid", "options": "-c jit=off -c timezone=UTC"},
    )


@contextlib.contextmanager
def transaction(
    engine: Engine, *, read_only: bool = False, snapshot: bool = False, statement_s: float | None = None
) -> Iterator[Connection]:
    """One transaction: committed at the end of the block, rolled back where it raises.

    Parameters
    ----------
    read_only
        Over one snapshot.
    snapshot
        Write what was read at one moment; another command that changes the same rows meanwhile is a Conflict.
    statement_s
        Longest time of one statement in seconds; None: as long as it takes.

    Raises
    ------
    TooCostly
        A statement took longer.
    ClusterError
        The server cannot be reached or went away; nothing was changed.
    """
    with translated(statement_s), engine.connect() as conn:
        if read_only:
            conn = conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif snapshot:
            conn = conn.execution_options(isolation_level="REPEATABLE READ")
        with conn.begin():
            if statement_s is not None:
                conn.execute(text(f"SET LOCAL statement_timeout = {round(statement_s * 1000)}"))
            yield conn


@contextlib.contextmanager
def translated(statement_s: float | None) -> Iterator[None]:
    """What the database says about itself, in our own words.

    Parameters
    ----------
    statement_s
        The time that a statement was given, where it was.
    """
    try:
        yield
    except (DBAPIError, psycopg2.Error) as problem:
        # COPY speaks to psycopg2 directly, so its errors come without SQLAlchemy's wrapping.
        cause = problem.orig if isinstance(problem, DBAPIError) else problem
        if getattr(cause, "pgcode", None) in CHANGED_AT_ONCE:
            msg = "another command changed the same rows at the same moment; nothing was changed, run it again"
            raise Conflict(msg) from problem
        if getattr(cause, "pgcode", None) == QUERY_CANCELED and statement_s is not None:
            msg = f"the answer takes longer than {statement_s:g} s; narrow it by bbox, datetime or a simpler filter"
            raise TooCostly(msg) from problem
        if isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError):
            msg = f"the database does not answer or went away; nothing was changed: {str(cause).strip()}"
            raise ClusterError(msg) from problem
        raise


@cache
def sql(name: str) -> TextClause:
    """The statement in gis/sql/<name>.sql."""
    return text(files("gis.sql").joinpath(f"{name}.sql").read_text(encoding="utf-8"))


def share_ground(conn: Connection) -> None:
    """Keep cells, roads and areas as they are until this transaction ends."""
    conn.execute(text("SELECT pg_advisory_xact_lock_shared(:key)"), {"key": GROUND_LOCK})


def own_source(conn: Connection, source_id: int) -> None:
    """Be the only import of a source until this transaction ends.

    Two imports that meet each other's reports in different order would otherwise stop each other. Reports and roll-up
    of different sources never meet, because the source is part of both keys.
    """
    conn.execute(text("SELECT pg_advisory_xact_lock(:key, :source)"), {"key": SOURCE_LOCK, "source": source_id})


def own_surveys(conn: Connection) -> None:
    """Be the only one who takes patrol passes in until this transaction ends: they meet on the same days."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": SURVEYS_LOCK})


def own_ground(conn: Connection) -> None:
    """Be the only one who counts on cells, roads and areas until this transaction ends.

    Servers that answer from memory hold the lock shared; the bell asks them to let go. It is rung again as long as the
    lock is not free, because a server may have taken the lock back before this transaction stood in the queue.
    """
    while True:
        with conn.engine.connect() as bell:
            bell.execute(text(f"NOTIFY {GROUND_BELL}"))
            bell.commit()
        try:
            with conn.begin_nested():
                conn.execute(text(f"SET LOCAL lock_timeout = {RING_AGAIN_MS}"))
                conn.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": GROUND_LOCK})
                conn.execute(text("SET LOCAL lock_timeout = 0"))
        except OperationalError as problem:
            if getattr(problem.orig, "pgcode", None) != LOCK_NOT_AVAILABLE:
                raise
        else:
            break
    if conn.execute(text("SELECT count(*) FROM data_versions WHERE layer = :layer"), {"layer": SERVED}).scalar():
        # A server that lost its connection lost the lock too and may not know it yet; by then it does.
        time.sleep(LEASE_S)


def bump_version(conn: Connection, *layers: str) -> None:
    """Mark layers as changed by this transaction, in one order for all so that two writers cannot deadlock."""
    for layer in sorted(layers):
        conn.execute(
            text(
                "INSERT INTO data_versions (layer, version) VALUES (:layer, 1) ON CONFLICT (layer)"
                " DO UPDATE SET version = data_versions.version + 1, changed_at = clock_timestamp()"
            ),
            {"layer": layer},
        )


def versions(conn: Connection) -> dict[str, int]:
    """Version of every layer that was ever written."""
    return dict(conn.execute(text("SELECT layer, version FROM data_versions")).all())


# -- migrations --------------------------------------------------------------------------------------------------------


def migration_config(engine: Engine) -> Config:
    """Alembic's configuration, bound to this engine."""
    config = Config()
    config.set_main_option("script_location", "gis.store:migrations")
    config.attributes["engine"] = engine
    return config


def newest_revision() -> str:
    """The revision that this code was written for."""
    config = Config()
    config.set_main_option("script_location", "gis.store:migrations")
    head = ScriptDirectory.from_config(config).get_current_head()
    return head or ""


def current_revision(engine: Engine) -> str | None:
    """The revision the database is at; None where it was never migrated."""
    with engine.connect() as conn:
        if conn.execute(text("SELECT to_regclass('alembic_version')")).scalar() is None:
            return None
        return conn.execute(text("SELECT version_num FROM alembic_version")).scalar()


def migrate(engine: Engine) -> bool:
    """Bring the database to the newest revision; True where that changed anything.

    Raises
    ------
    ClusterError
        The server is older than PostgreSQL 15, has no PostGIS, or the database belongs to a newer finegrid.
    """
    try:
        with engine.connect() as conn:
            version = int(conn.execute(text("SHOW server_version_num")).scalar_one())
            available = conn.execute(
                text("SELECT count(*) FROM pg_available_extensions WHERE name IN ('postgis', 'btree_gist')")
            ).scalar_one()
    except OperationalError as problem:
        msg = f"cannot reach the database: {str(problem.orig).strip()}"
        raise ClusterError(msg) from problem
    if version < MINIMUM_SERVER:
        msg = f"PostgreSQL 15 or newer is needed; this server is {version // 10000}"
        raise ClusterError(msg)
    if available < 2:
        msg = "the server lacks PostGIS or btree_gist. On Debian: sudo apt-get install postgresql-postgis"
        raise ClusterError(msg)
    before = current_revision(engine)
    if before == newest_revision():
        return False
    known = {script.revision for script in ScriptDirectory.from_config(migration_config(engine)).walk_revisions()}
    if before is not None and before not in known:
        msg = f"the database is at revision {before}, which this finegrid does not know: it belongs to a newer one"
        raise ClusterError(msg)
    with engine.begin() as guard:
        guard.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        if current_revision(engine) == newest_revision():
            return False  # another command was faster
        command.upgrade(migration_config(engine), "head")
    return True
