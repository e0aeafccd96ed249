"""COPY a question's rows out as the server sends them, stoppable from another thread at any moment."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from typing import Any

import psycopg2
from sqlalchemy import Connection, Select, text

from gis.store.copying import cursor_of

CSV = "FORMAT csv"
VERBATIM = r"FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02'"
"""One column of text as it stands, a row per line: JSON text holds neither of these characters nor a line's end."""

TEXT_BLOCK = 1 << 17
FIRST = 1000
Rows = list[bytes]


class Stopped(Exception):
    """Nobody wants the rest of an export."""


class Copying:
    """One export's COPY: run in one thread, stopped from any other.

    A client that goes away must leave nothing behind: no statement that runs on, no connection that still answers an
    old question.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._raw: Any = None
        self.stopped = False

    def stop(self) -> None:
        """Have `copy` raise Stopped, now or when it is called."""
        with self._lock:
            self.stopped = True
            if self._raw is not None:
                with contextlib.suppress(psycopg2.Error):
                    self._raw.cancel()

    def check(self) -> None:
        """Raise Stopped where the export was stopped."""
        if self.stopped:
            raise Stopped

    def copy(
        self,
        conn: Connection,
        question: Select[Any],
        options: str,
        take: Callable[[Rows], None],
        block: int = TEXT_BLOCK,
    ) -> int:
        """Hand on all rows of a question and answer how many there were.

        The first ones are asked for alone: for few rows PostgreSQL walks along an index and begins at once; for the
        rest it may sort and use several processes, which begins late and is done sooner. Both see one snapshot, so the
        transaction must be one that has it.

        Parameters
        ----------
        question
            In an order in which no two rows are equal.
        options
            CSV or VERBATIM.
        take
            Is given rows, each with its line feed, whenever they are `block` bytes or more, and the last ones.

        Raises
        ------
        Stopped
            `stop` was called; the connection is not used again.
        psycopg2.Error
            What the server says.
        """
        blocks = _Blocks(self, take, block)
        self._copy(conn, question.limit(FIRST), options, blocks)
        if blocks.count == FIRST:
            # SQLAlchemy's own offset comes with LIMIT ALL, which has PostgreSQL plan for few rows again.
            self._copy(conn, question.suffix_with(text(f"OFFSET {FIRST}")), options, blocks)
        return blocks.count

    def _copy(self, conn: Connection, question: Select[Any], options: str, blocks: _Blocks) -> None:
        compiled = question.compile(dialect=conn.dialect, compile_kwargs={"render_postcompile": True})
        with cursor_of(conn) as cursor:
            bound = cursor.mogrify(str(compiled), compiled.params).decode()
            with self._lock:
                self.check()
                self._raw = cursor.connection
            try:
                cursor.copy_expert(f"COPY ({bound}) TO STDOUT ({options})", blocks)
            except BaseException as problem:
                self._leave(conn, problem)
                raise
            finally:
                with self._lock:
                    self._raw = None
        blocks.flush()

    def _leave(self, conn: Connection, problem: BaseException) -> None:
        """Get rid of a connection that is in the middle of an answer."""
        refused = isinstance(problem, psycopg2.Error)
        if not refused:
            # Ours, out of `take`: the server would send on.
            with self._lock, contextlib.suppress(psycopg2.Error):
                self._raw.cancel()
        if self.stopped or not refused:
            conn.invalidate()
        if self.stopped:
            raise Stopped from None


class _Blocks:
    """What psycopg2 writes to: one call per row."""

    __slots__ = ("block", "copying", "count", "rows", "size", "take")

    def __init__(self, copying: Copying, take: Callable[[Rows], None], block: int) -> None:
        self.copying, self.take, self.block = copying, take, block
        self.rows: Rows = []
        self.size = self.count = 0

    def write(self, row: bytes) -> None:
        self.rows.append(row)
        self.size += len(row)
        if self.size >= self.block:
            self.flush()

    def flush(self) -> None:
        self.copying.check()
        rows, self.rows, self.size = self.rows, [], 0
        if rows:
            self.count += len(rows)
            self.take(rows)
