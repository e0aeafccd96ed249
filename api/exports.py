"""Whole collections as files: GET /collections/{collection_id}/export?f=gpkg and the other endings."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from urllib.parse import quote

import anyio
import anyio.to_thread
from fastapi import APIRouter, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import StreamingResponse
from sqlalchemy import Engine
from starlette.types import Message, Receive, Scope, Send

from api.encoding import SYNTHETIC_HEADER
from api.errors import RETRY_AFTER_S, problem
from api.features import whole_collection
from api.ogc_asked import asked_now
from api.ogc_documents import EXPORTS
from api.validators import validators_of
from gis.collections.requests import items_request
from gis.errors import ParameterError
from gis.exports.copying import Copying
from gis.exports.order import ExportOrder, prepare
from gis.exports.spool import Spool
from gis.exports.texts import kept_geojson
from gis.exports.writing import STREAMED, ending_of, save
from gis.settings import settings
from gis.store.database import transaction

router = APIRouter(include_in_schema=False)
logger = logging.getLogger(__name__)

AT_ONCE = 2
"""Exports that a worker makes at the same time, each with a thread and a connection of its own: they take none of the
turns of other requests."""

OPEN = 16
"""Exports that a worker has open: made, waiting to be made, or on their way to slow clients."""

LONGER = 15
"""An export may take so many times as long as another question of a client's own making."""

STALLED_S = 60.0
"""A client that takes nothing for so long is given up."""

GONE_S = 0.5
"""How often a client is looked after that waits for its first byte."""

CLIENT_GONE = 499


class ExportTurns:
    """How many exports a worker works on; belongs to one event loop."""

    def __init__(self) -> None:
        self.limiter = anyio.CapacityLimiter(AT_ONCE)
        self.open = 0
        self.tasks: set[asyncio.Task[None]] = set()


class _Run:
    """One export: made in a thread, taken by the event loop."""

    def __init__(self, engine: Engine, order: ExportOrder, ending: str, turns: ExportTurns) -> None:
        self._engine, self._order, self._ending, self._turns = engine, order, ending, turns
        self._loop = asyncio.get_running_loop()
        self._wakened = asyncio.Event()
        self._copying = Copying()
        self._closed = False
        self.spool = Spool(self._wake)
        turns.open += 1
        task = asyncio.create_task(anyio.to_thread.run_sync(self._make, limiter=turns.limiter))
        turns.tasks.add(task)
        task.add_done_callback(turns.tasks.discard)

    def _wake(self) -> None:
        # The loop may be gone when a server stops.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._wakened.set)

    def _make(self) -> None:
        try:
            self._copying.check()
            limit = LONGER * settings().query_limit_s
            with transaction(self._engine, read_only=True, statement_s=limit) as conn:
                prepared = prepare(conn, self._order)
                if self._ending in STREAMED:
                    STREAMED[self._ending](conn, prepared, self._copying, self.spool.write, lambda _: None)
                else:
                    with tempfile.TemporaryDirectory(prefix="finegrid_export_") as folder:
                        path = Path(folder) / f"export.{self._ending}"
                        save(conn, prepared, self._ending, path, copying=self._copying)
                        # An open file stays readable without its name, and is gone with the last who reads it.
                        self.spool.adopt(path.open("rb"), path.stat().st_size)
        except BaseException as error:
            self.spool.finish(error)
        else:
            self.spool.finish()

    async def ready(self, seconds: float | None = None) -> bool:
        """Whether there are bytes to send, or none will come, within so many seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.spool.ready:
                    self._wakened.clear()
                    if not self.spool.ready:
                        await self._wakened.wait()
        return self.spool.ready

    async def blocks(self) -> AsyncIterator[bytes]:
        """Everything there is to send."""
        while True:
            await self.ready()
            # The file's pages are mostly still in memory; a disk must not stop the loop where they are not.
            block = await run_in_threadpool(self.spool.take) if self.spool.on_disk else self.spool.take()
            if block is not None:
                yield block
            elif self.spool.ended:
                return

    def failure(self) -> BaseException | None:
        """What went wrong before there was anything to send."""
        try:
            if self.spool.ended:
                self.spool.take()
        except BaseException as error:
            return error
        return None

    async def close(self) -> None:
        """Stop what is still at work, let go of what is not sent."""
        if self._closed:
            return
        self._closed = True
        self._turns.open -= 1
        self.spool.close()
        # To cancel a statement means to talk to the server; nobody should be able to interrupt that.
        with anyio.CancelScope(shield=True):
            await anyio.to_thread.run_sync(self._copying.stop, limiter=anyio.CapacityLimiter(1))


class _Stalled(Exception):
    """The client takes nothing."""


class ExportResponse(StreamingResponse):
    """Sends an export; whatever ends it also ends the export."""

    def __init__(self, run: _Run, headers: dict[str, str], media: str) -> None:
        super().__init__(run.blocks(), headers=headers, media_type=media)
        self._run = run

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send, and clean up."""

        async def patient(message: Message) -> None:
            with anyio.move_on_after(STALLED_S) as waiting:
                await send(message)
            if waiting.cancelled_caught:
                raise _Stalled

        try:
            await super().__call__(scope, receive, patient)
        except _Stalled:
            # An answer that is left unfinished is cut off by the server, so the client sees that it is not whole.
            logger.warning("%s: the client took nothing for %g s and was given up", scope["path"], STALLED_S)
        finally:
            await self._run.close()


async def _async(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
    """Pieces that need no thread."""
    for piece in pieces:
        yield piece


@router.get("/collections/{collection_id}/export")
async def get_export(request: Request, collection_id: str) -> Response:
    """All features that match, as a file."""
    asked = await asked_now(request)
    collection = asked.collection(collection_id)
    items = items_request(asked.sent, collection, asked.city, unpaged=True)
    form = next((value for name, value in asked.sent if name == "f"), None)
    if form is None:
        raise ParameterError("f", f"is missing; the format by its ending: {', '.join(EXPORTS)}")
    ending = ending_of(form, "f")
    validators = validators_of(
        request, asked.seen, ("city", *collection.layers), "export", ending, daily=collection.daily
    )
    words = tuple(pair for pair in asked.sent if pair[0] != "f")
    order = ExportOrder(asked.city, collection, items, words)
    media = EXPORTS[ending][1]
    headers = {
        **validators.headers(),
        "Content-Disposition": f'attachment; filename="{asked.city.slug}-{collection.id}.{ending}"',
        "Content-Crs": f"<{items.crs.uri}>",
    }
    if order.synthetic:
        headers[SYNTHETIC_HEADER] = ", ".join(quote(layer) for layer in order.synthetic)
    kept = whole_collection(asked, collection, items) if ending == "geojson" else None
    if kept is not None:
        return StreamingResponse(_async(kept_geojson(order, kept)), headers=headers, media_type=media)
    turns: ExportTurns = request.app.state.exports
    if turns.open >= OPEN:
        detail = f"{OPEN} exports are on their way already; try again in a little while"
        return problem(request, 503, "TooBusy", detail, headers={"Retry-After": RETRY_AFTER_S})
    run = _Run(request.app.state.engine, order, ending, turns)
    try:
        # The answer begins when there is something to send, so whatever is wrong before is an ordinary error.
        while not await run.ready(GONE_S):
            if await request.is_disconnected():
                await run.close()
                return Response(status_code=CLIENT_GONE)
        failure = run.failure()
        if failure is not None:
            raise failure if isinstance(failure, Exception) else RuntimeError(repr(failure))
        if ending not in STREAMED:
            headers["Content-Length"] = str(run.spool.size)
        return ExportResponse(run, headers, f"{media}; charset=utf-8" if media == "text/csv" else media)
    except BaseException:
        await run.close()
        raise
