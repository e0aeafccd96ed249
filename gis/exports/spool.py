"""Bytes on their way from whoever makes them to a client that may be slow: bounded memory, then a temporary file.

An export reads the database as fast as it answers, whatever the client does, so that a slow one holds neither a
connection nor the old row versions of its snapshot.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections import deque
from collections.abc import Callable
from typing import IO

from gis.exports.copying import Stopped

MEMORY = 4 << 20
DISK = 4 << 30
"""Beyond so much unsent, the maker waits after all."""

PATIENCE_S = 0.05
"""How long the maker waits for a client that is a little slower before it turns to the disk."""

PIECE = 1 << 18


class Spool:
    """One writer, one reader, each in a thread of its own.

    Parameters
    ----------
    wake
        Called from the writer's thread whenever there may be something to take.
    """

    def __init__(self, wake: Callable[[], object], memory: int = MEMORY) -> None:
        self._wake, self._most = wake, memory
        self._blocks: deque[bytes] = deque()
        self._held = 0
        self._file: IO[bytes] | None = None
        self._read = self._written = 0
        self._change = threading.Condition()
        self._closed = self._finished = self._adopted = False
        self._error: BaseException | None = None

    # -- the writer ----------------------------------------------------------------------------------------------------

    def write(self, block: bytes) -> None:
        """Add bytes.

        Raises
        ------
        Stopped
            The reader is gone.
        """
        with self._change:
            if not self.on_disk and self._held + len(block) > self._most:
                self._change.wait_for(lambda: self._closed or self._held + len(block) <= self._most, PATIENCE_S)
            self._change.wait_for(lambda: self._closed or self._written - self._read < DISK)
            if self._closed:
                raise Stopped
            # What lies on the disk is younger than what lies in memory, so nothing goes to memory before it is read.
            if not self.on_disk and (self._held + len(block) <= self._most or not self._blocks):
                self._blocks.append(block)
                self._held += len(block)
            else:
                self._to_disk(block)
        self._wake()

    def adopt(self, file: IO[bytes], size: int) -> None:
        """Take a finished file over as all that is to be sent."""
        with self._change:
            if self._closed:
                file.close()
                raise Stopped
            self._file, self._read, self._written, self._adopted = file, 0, size, True
        self._wake()

    def finish(self, error: BaseException | None = None) -> None:
        """Say that nothing more will come, and why if that is not as it should be."""
        with self._change:
            self._finished, self._error = True, error
        self._wake()

    def _to_disk(self, block: bytes) -> None:
        if self._file is None:
            self._file = tempfile.TemporaryFile(prefix="finegrid_export_")  # noqa: SIM115 - close() closes it
        done = 0
        while done < len(block):
            done += os.pwrite(self._file.fileno(), block[done:], self._written + done)
        self._written += len(block)

    # -- the reader ----------------------------------------------------------------------------------------------------

    @property
    def on_disk(self) -> bool:
        """Whether the next bytes, or some after those in memory, lie in the file."""
        return self._read < self._written

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._held + self._written - self._read

    @property
    def ready(self) -> bool:
        """Whether `take` has something, or will never have."""
        return self._finished or bool(self._blocks) or self.on_disk

    @property
    def ended(self) -> bool:
        """Whether all is read, or was given up."""
        return self._finished and not self._blocks and not self.on_disk

    def take(self) -> bytes | None:
        """The next bytes; None where none are here at the moment.

        Raises
        ------
        BaseException
            What the writer failed with, after all that it wrote before.
        """
        with self._change:
            if self._blocks:
                block = self._blocks.popleft()
                self._held -= len(block)
                self._change.notify()
                return block
            if self.on_disk and self._file is not None:
                block = os.pread(self._file.fileno(), min(PIECE, self._written - self._read), self._read)
                self._read += len(block)
                if not self.on_disk and not self._adopted:
                    os.ftruncate(self._file.fileno(), 0)
                    self._read = self._written = 0
                self._change.notify()
                return block
            if self._finished and self._error is not None:
                raise self._error
            return None

    def close(self) -> None:
        """Let go of everything; a writer that is still at work is told."""
        with self._change:
            self._closed = True
            self._blocks.clear()
            self._held = self._read = self._written = 0
            if self._file is not None:
                self._file.close()
                self._file = None
            self._change.notify()
