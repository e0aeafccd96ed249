"""The ground in a server's memory, never stale.

A worker may answer from memory without asking the database only while it holds the ground lock shared. Whoever changes
the ground takes that lock exclusive before the commit, so the change waits until every worker has let go. A writer
rings a bell (NOTIFY); workers then release the lock and, until they have it back, compare the data version before each
answer: one small query, and the old picture still serves while the writer is at work.

A worker whose connection breaks has lost the lock before it knows. So a lease lasts only LEASE_S from the last sign of
life of that connection, and a writer that got the lock waits as long before it goes on.
"""

from __future__ import annotations

import contextlib
import logging
import select
import threading
import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg2.extensions
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from gis.ground import Ground, load_ground
from gis.holders import Holders, load_holders
from gis.locator import Locator, load_locator
from gis.policies import city_policy
from gis.store.database import GROUND_BELL, GROUND_LOCK, LEASE_S, SERVED, versions

LAYERS = ("city", "areas", "cells", "roads", "responsibles", "policy")
RETRY_S = 1.0
# Time for a writer that has rung to queue for the lock; it rings again where this was too short.
LET_PASS_S = 0.1
HEARTBEAT_S = LEASE_S / 3

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Picture:
    """Everything that is answered from memory, of one data version."""

    version: tuple[int, ...]
    ground: Ground
    locator: Locator
    holders: Holders


class LiveGround:
    """Holds the picture and keeps it true; one per worker process.

    Parameters
    ----------
    engine
        The city's database; one connection of its own is kept for the lock and the bell.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._picture: Picture | None = None
        self._leased: Picture | None = None
        self._good_until = 0.0
        self._loading = threading.Lock()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="ground-lease", daemon=True)

    @property
    def leased(self) -> Picture | None:
        """The picture where it is certainly true at this instant; None where `checked` must be asked."""
        return self._leased if time.monotonic() < self._good_until else None

    def start(self) -> None:
        """Begin to hold the lock."""
        self._thread.start()

    def stop(self) -> None:
        """Let go."""
        self._leased = None
        self._stopped.set()

    def checked(self, conn: Connection | None = None) -> Picture:
        """The picture, its version compared with the database's and read anew where it is old.

        Raises
        ------
        CityError
            The database holds no city yet.
        """
        leased = self.leased
        if leased is not None:
            return leased
        if conn is not None:
            return self._read(conn)
        with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as own:
            return self._read(own)

    def _read(self, conn: Connection) -> Picture:
        version = _version(conn)
        picture = self._picture
        if picture is not None and picture.version == version:
            return picture
        with self._loading:
            if self._picture is not None and self._picture.version == version:
                return self._picture
            ground = load_ground(conn)
            policy = city_policy(conn, datetime.now(ground.city.zone).date())
            picture = Picture(version, ground, load_locator(conn, ground, policy), load_holders(conn))
            self._picture = picture
            return picture

    def _keep(self) -> None:
        while not self._stopped.is_set():
            try:
                pooled = self._engine.raw_connection()
                own: Any = pooled.driver_connection
                pooled.detach()  # not the pool's any more: it is kept as long as the server runs
                with contextlib.closing(own):
                    self._hold(own)
            except (psycopg2.Error, SQLAlchemyError) as problem:
                logger.warning(
                    "lost the connection that keeps the ground true, asking the database each time: %s", problem
                )
            finally:
                self._leased = None
            self._stopped.wait(RETRY_S)

    def _hold(self, conn: psycopg2.extensions.connection) -> None:
        """Take the lock, read, wait for the bell, let go, again."""
        conn.set_session(autocommit=True)
        with conn.cursor() as cursor:
            cursor.execute(f"LISTEN {GROUND_BELL}")
            cursor.execute("INSERT INTO data_versions (layer) VALUES (%s) ON CONFLICT DO NOTHING", (SERVED,))
            while not self._stopped.is_set():
                cursor.execute("SELECT pg_advisory_lock_shared(%s)", (GROUND_LOCK,))
                conn.notifies.clear()
                with self._engine.connect().execution_options(isolation_level="REPEATABLE READ") as reading:
                    if reading.execute(text("SELECT count(*) FROM city")).scalar():
                        self._leased = self._read(reading)
                self._wait_for_bell(cursor)
                self._leased = None
                cursor.execute("SELECT pg_advisory_unlock_shared(%s)", (GROUND_LOCK,))
                self._stopped.wait(LET_PASS_S)

    def _wait_for_bell(self, cursor: psycopg2.extensions.cursor) -> None:
        conn = cursor.connection
        while not self._stopped.is_set() and not conn.notifies:
            asked = time.monotonic()
            cursor.execute("SELECT 1")  # alive, so the lock was held at `asked`
            self._good_until = asked + LEASE_S
            if conn.notifies:
                return
            ready, _, _ = select.select([conn], [], [], HEARTBEAT_S)
            if ready:
                conn.poll()
            elif self._leased is None:
                return  # no city yet: look again


def _version(conn: Connection) -> tuple[int, ...]:
    known = versions(conn)
    return tuple(known.get(layer, 0) for layer in LAYERS)
