"""Data versions for an event loop: true at a moment after they were asked for, at the cost of one query for many.

Whoever asks while a query is under way waits for the next one, which begins after the question: so an answer is never
older than the question, with any number of workers and writers, and thousands of requests a second share a few hundred
small queries.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psycopg2
from sqlalchemy import Engine

from gis.errors import ClusterError
from gis.store.asking import LoopConnection
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
        self._conn = LoopConnection(engine, "finegrid versions")
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
        self._conn.close()

    async def _ask(self) -> None:
        while self._next is not None:
            asked, self._next = self._next, None
            try:
                answer = await asyncio.wait_for(self._read(), ANSWER_WITHIN_S)
            except (psycopg2.Error, TimeoutError) as problem:
                msg = f"the database does not answer or went away; nothing was changed: {str(problem).strip()}"
                asked.set_exception(ClusterError(msg))
                asked.exception()  # whoever asked may be gone
            except BaseException:
                asked.cancel()
                raise
            else:
                asked.set_result(answer)
        self._asking = None

    async def _read(self) -> Versions:
        rows = await self._conn.rows(sql("data_versions").text)
        return Versions({row[0]: (row[1], row[2]) for row in rows}, rows[0][3] if rows else 0)
