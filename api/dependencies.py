"""What routes are given: one transaction, the ground it stands on, the key of whoever writes."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy import Connection

from api.errors import KeyMissing
from gis.errors import NotAllowed
from gis.ground import Ground, load_ground
from gis.live import LAYERS, LiveGround, Picture
from gis.locator import Locator, load_locator
from gis.policies import city_policy
from gis.settings import settings
from gis.store.database import transaction, versions

Answer = TypeVar("Answer")


async def in_turn(request: Request, work: Callable[[Connection], Answer]) -> Answer:
    """What `work` makes of a read-only transaction over one snapshot, in a thread, when there is a turn.

    One change of threads for the whole request; the dependencies below take one each to open and to close. A question
    of a client's own making (filter, order) may not keep the database busy for longer than FINEGRID_QUERY_LIMIT_S.
    """

    def read() -> Answer:
        with transaction(request.app.state.engine, read_only=True, statement_s=settings().query_limit_s) as conn:
            return work(conn)

    async with request.app.state.turns:
        return await run_in_threadpool(read)


async def change_in_turn(request: Request, work: Callable[[Connection], Answer]) -> Answer:
    """What `work` answers about a change that it makes, committed before the answer is sent; one change of threads."""

    def write() -> Answer:
        with transaction(request.app.state.engine) as conn:
            return work(conn)

    async with request.app.state.turns:
        return await run_in_threadpool(write)


async def turn(request: Request) -> AsyncIterator[None]:
    """Wait for a turn at the database without occupying a thread.

    More database threads per worker are slower, not faster; and a thread that waits for a connection could be the one
    that the holder of the connection needs to go on.
    """
    async with request.app.state.turns:
        yield


Turn = Depends(turn, scope="function")


def reading(request: Request, _: Annotated[None, Turn]) -> Iterator[Connection]:
    """A read-only transaction over one snapshot."""
    with transaction(request.app.state.engine, read_only=True) as conn:
        yield conn


def writing(request: Request, _: Annotated[None, Turn]) -> Iterator[Connection]:
    """A transaction, committed before the answer is sent, so that a commit that fails cannot answer 200."""
    with transaction(request.app.state.engine) as conn:
        yield conn


def writing_one_moment(request: Request, _: Annotated[None, Turn]) -> Iterator[Connection]:
    """A transaction that reads one moment and writes what follows from it."""
    with transaction(request.app.state.engine, snapshot=True) as conn:
        yield conn


Reading = Annotated[Connection, Depends(reading, scope="function")]
Writing = Annotated[Connection, Depends(writing, scope="function")]
WritingOneMoment = Annotated[Connection, Depends(writing_one_moment, scope="function")]


def _picture(conn: Connection, live: LiveGround) -> Picture | None:
    """The ground in memory, unless this transaction sees another moment, just before or after a change."""
    picture = live.checked(conn)
    seen = versions(conn)
    return picture if picture.version == tuple(seen.get(layer, 0) for layer in LAYERS) else None


def ground_of(conn: Connection, live: LiveGround) -> Ground:
    """The ground as a transaction sees it."""
    picture = _picture(conn, live)
    return load_ground(conn) if picture is None else picture.ground


def true_ground(request: Request, conn: Reading) -> Ground:
    """The ground as this request's transaction sees it."""
    return ground_of(conn, request.app.state.live)


def true_locator(conn: Connection, live: LiveGround) -> Locator:
    """The ground with its indexes as a transaction sees it that holds the ground lock."""
    picture = _picture(conn, live)
    if picture is not None:
        return picture.locator
    return load_locator(conn, load_ground(conn), city_policy(conn, datetime.now(UTC).date()))


TrueGround = Annotated[Ground, Depends(true_ground)]


async def key_holder(request: Request) -> None:
    """Let only those write, or see what is not for everybody, who send the key, as X-API-Key or as a bearer token.

    Raises
    ------
    NotAllowed
        No key is configured (nobody may write over HTTP), or another one was sent.
    KeyMissing
        None was sent.
    """
    wanted = settings().api_key
    what = "reading this" if request.method in ("GET", "HEAD") else "writing"
    if wanted is None:
        msg = (
            f"{what} over HTTP is switched off: set FINEGRID_API_KEY (16 characters or more) and start the server again"
        )
        raise NotAllowed(msg)
    sent = request.headers.get("x-api-key")
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if sent is None and scheme.lower() == "bearer":
        sent = token.strip()
    if not sent:
        msg = f"{what} needs the server's key as header X-API-Key, or as Authorization: Bearer"
        raise KeyMissing(msg)
    # Headers arrive as Latin-1; compared as bytes and in constant time.
    if not hmac.compare_digest(sent.encode("latin-1"), wanted.encode()):
        msg = "the key is not this server's"
        raise NotAllowed(msg)


KeyHolder = Depends(key_holder)
