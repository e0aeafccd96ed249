"""Data versions for an event loop: true at a moment after they were asked for, at the cost of one query for many.

Whoever asks while a query is under way waits for the next one, which begins after the question: so an answer is never
older than the question, with any number of workers and writers, and a thousand requests a second share a few hundred
small queries. psycopg2's asynchronous mode lets the loop itself wait for the socket; no thread is woken.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import psycopg2
import psycopg2.extensions
from sqlalchemy import Engine

from gis.errors import ClusterError
from gis.store.database import sql

ANSWER_WITHIN_S = 10.0


@dataclass(frozen=True)
class Versions:
    """What was true at one moment.

    Parameters
    ----------
    of
        Layer -> its version and when it changed (microseconds since 1970 UTC).
    now_us
        The moment, on the database's clock.
    """

    of: dict[str, tuple[int, int]]
    now_us: int

    def key(self, layers: Iterable[str]) -> tuple[tuple[int, int], ...]:
        """What identifies the state of some layers, also after a database was put in another's place."""
        return tuple(self.of.get(layer, (0, 0)) for layer in layers)

    def changed_us(self, layers: Iterable[str]) -> int:
        """When the newest of some layers changed; 0: never."""
        return max((self.of.get(layer, (0, 0))[1] for layer in layers), default=0)


class VersionWatch:
    """Asks for data versions over one connection of its own; belongs to one event loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._conn: psycopg2.extensions.connection | None = None
        self._next: asyncio.Future[Versions] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def now(self) -> Versions:
        """Versions as they are at some moment between this call and its answer.

        Raises
        ------
        ClusterError
            The database does not answer.
        """
        if self._next is None:
            loop = asyncio.get_running_loop()
            self._next = loop.create_future()
            if self._asking is None:
                self._asking = loop.create_task(self._ask())
        # A request that is given up must not take the answer from the others.
        return await asyncio.shield(self._next)

    async def close(self) -> None:
        """Give the connection back."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
        self._drop()

    async def _ask(self) -> None:
        while self._next is not None:
            asked, self._next = self._next, None
            try:
                answer = await asyncio.wait_for(self._read(), ANSWER_WITHIN_S)
            except (psycopg2.Error, TimeoutError) as problem:
                self._drop()
                msg = f"the database does not answer or went away; nothing was changed: {str(problem).strip()}"
                asked.set_exception(ClusterError(msg))
                asked.exception()  # whoever asked may be gone
            except BaseException:
                self._drop()
                asked.cancel()
                raise
            else:
                asked.set_result(answer)
        self._asking = None

    async def _read(self) -> Versions:
        for attempt in (1, 2):
            fresh = self._conn is None
            try:
                return await self._query()
            except psycopg2.Error:
                self._drop()
                # A kept connection may have died while nobody asked; one that was just made tells the truth.
                if fresh or attempt == 2:
                    raise
        raise AssertionError

    async def _query(self) -> Versions:
        if self._conn is None:
            arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
            self._conn = psycopg2.connect(*arguments, **options, async_=1, application_name="finegrid versions")
            await _ready(self._conn)
        with self._conn.cursor() as cursor:
            cursor.execute(sql("data_versions").text)
            await _ready(self._conn)
            rows = cursor.fetchall()
        return Versions({row[0]: (row[1], row[2]) for row in rows}, rows[0][3] if rows else 0)

    def _drop(self) -> None:
        if self._conn is not None:
            with contextlib.suppress(psycopg2.Error):
                self._conn.close()
            self._conn = None


async def _ready(conn: Any) -> None:
    """Wait until the server has answered, without occupying a thread."""
    loop = asyncio.get_running_loop()
    while (state := conn.poll()) != psycopg2.extensions.POLL_OK:
        socket = conn.fileno()
        wake = asyncio.Event()
        if state == psycopg2.extensions.POLL_READ:
            loop.add_reader(socket, wake.set)
        else:
            loop.add_writer(socket, wake.set)
        try:
            await wake.wait()
        finally:
            loop.remove_reader(socket)
            loop.remove_writer(socket)
