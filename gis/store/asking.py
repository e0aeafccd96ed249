"""Single questions asked by an event loop itself: psycopg2's asynchronous mode, no thread between loop and server.

A thread that builds, sends and reads a question costs as much as the question: two changes of threads, a transaction
around one statement, and the interpreter's lock passed to and fro. Here the loop waits for the socket itself.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import psycopg2
import psycopg2.extensions
from sqlalchemy import Engine
from sqlalchemy.sql.selectable import SelectBase
from sqlalchemy.util import LRUCache

from gis.store.database import translated

COMPILED_KEPT = 500
Rows = list[tuple[Any, ...]]


class LoopConnection:
    """One connection of an event loop; asks one thing at a time, in autocommit: each statement sees its own snapshot.

    Parameters
    ----------
    engine
        Whose database is asked.
    name
        As pg_stat_activity shows it.
    options
        Settings of the session, as the server's command line writes them.
    """

    def __init__(self, engine: Engine, name: str, options: str = "") -> None:
        self._arguments, known = engine.dialect.create_connect_args(engine.url)
        more = {"application_name": name, "options": f"-c jit=off -c timezone=UTC {options}"}
        self._options: dict[str, Any] = {**known, **more}
        self._conn: psycopg2.extensions.connection | None = None

    async def rows(self, question: str, parameters: Mapping[str, Any] | None = None) -> Rows:
        """Ask; once more where a kept connection had died while nobody asked.

        Raises
        ------
        psycopg2.Error
            What the server says, or that there is none.
        """
        kept = self._conn is not None
        try:
            return await self._ask(question, parameters)
        except psycopg2.Error:
            if self._conn is not None or not kept:
                raise
        return await self._ask(question, parameters)

    async def _ask(self, question: str, parameters: Mapping[str, Any] | None) -> Rows:
        try:
            if self._conn is None:
                self._conn = psycopg2.connect(*self._arguments, **self._options, async_=1)
                await _ready(self._conn)
            with self._conn.cursor() as cursor:
                cursor.execute(question, parameters)
                await _ready(self._conn)
                return cursor.fetchall()
        except (psycopg2.OperationalError, psycopg2.InterfaceError) as problem:
            # A statement that the server cancelled leaves the connection as good as it was.
            if not isinstance(problem, psycopg2.extensions.QueryCanceledError):
                self.close()
            raise
        except psycopg2.Error:
            raise
        except BaseException:
            # Given up in the middle of an answer.
            self.close()
            raise

    def close(self) -> None:
        """Hang up; the next question calls again."""
        if self._conn is not None:
            with contextlib.suppress(psycopg2.Error):
                self._conn.close()
            self._conn = None


async def _ready(conn: Any) -> None:
    """Wait until the server has answered."""
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


class Questions:
    """A few connections for questions of clients' own making: none can write or keep the database busy for long.

    Parameters
    ----------
    connections
        How many questions are asked at a time; the others wait.
    statement_s
        Longest time of one in seconds.
    """

    def __init__(self, engine: Engine, connections: int, statement_s: float) -> None:
        self._dialect, self._statement_s = engine.dialect, statement_s
        self._compiled: Any = LRUCache(COMPILED_KEPT)
        self._free: asyncio.LifoQueue[LoopConnection] = asyncio.LifoQueue()
        limits = f"-c default_transaction_read_only=on -c statement_timeout={round(statement_s * 1000)}"
        for _ in range(connections):
            self._free.put_nowait(LoopConnection(engine, "finegrid questions", limits))

    async def rows(self, question: SelectBase) -> Rows:
        """The rows of a question.

        Raises
        ------
        TooCostly, ClusterError
            As `gis.store.database.transaction` has it.
        """
        # What engines do themselves, so that a question of a known form is not put into words again.
        compiled: Any
        compiled, values, *_ = question._compile_w_cache(  # noqa: SLF001
            self._dialect, compiled_cache=self._compiled, column_keys=[]
        )
        statement, parameters = str(compiled), compiled.construct_params(extracted_parameters=values)
        if compiled.post_compile_params:  # lists, whose length is part of the statement
            said = compiled.construct_expanded_state(parameters)
            statement, parameters = said.statement, said.parameters
        conn = await self._free.get()
        try:
            with translated(self._statement_s):
                return await conn.rows(statement, parameters)
        finally:
            self._free.put_nowait(conn)

    def close(self) -> None:
        """Hang up."""
        while not self._free.empty():
            self._free.get_nowait().close()
