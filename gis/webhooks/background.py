"""The courier in a thread of a server process."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

from sqlalchemy import Engine

from gis.settings import Settings
from gis.store.database import create_database_engine
from gis.webhooks.courier import Courier

AGAIN_S = 5.0
JOIN_S = 10.0

logger = logging.getLogger(__name__)


class BackgroundCourier:
    """Starts and stops with the server; one connection to the database, of its own.

    Parameters
    ----------
    engine
        The server's; only its address is used.
    note
        Called with the kind of every outcome, to count them.
    """

    def __init__(self, engine: Engine, chosen: Settings, note: Callable[[str], None] | None = None) -> None:
        url = engine.url.render_as_string(hide_password=False)
        self._engine = create_database_engine(url, pool_size=1)
        self._courier = Courier.of(self._engine, chosen, note)
        self._stopped = threading.Event()
        self._wake: Callable[[], None] | None = None
        self._thread = threading.Thread(target=self._keep, name="webhooks", daemon=True)

    def start(self) -> None:
        """Begin to tell what is due."""
        self._thread.start()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what is under way."""
        self._stopped.set()
        if (wake := self._wake) is not None:
            wake()
        self._thread.join(JOIN_S)
        self._engine.dispose()

    def _keep(self) -> None:
        while not self._stopped.is_set():
            try:
                asyncio.run(self._run())
            except Exception:
                # Whatever it is, the next moment may be better, and nobody else would start this thread again.
                logger.exception("webhooks are told again in %g s", AGAIN_S)
                self._stopped.wait(AGAIN_S)

    async def _run(self) -> None:
        loop, stopped = asyncio.get_running_loop(), asyncio.Event()
        self._wake = lambda: _quietly(loop, stopped)
        if not self._stopped.is_set():
            await self._courier.run(stopped)
        self._wake = None


def _quietly(loop: asyncio.AbstractEventLoop, stopped: asyncio.Event) -> None:
    try:
        loop.call_soon_threadsafe(stopped.set)
    except RuntimeError:
        # The loop was closed in between: there is nothing left to stop.
        return
