"""One attempt: a POST, no redirects, no proxy, a bounded time, and what came of it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import version
from typing import Any, Literal

import httpcore
import httpx

from gis.webhooks.addresses import AllowedHosts, HostRefused

AWAY = frozenset({429, 502, 503, 504})
"""Answers that speak of the receiver as a whole, not of what it was sent."""
GONE = 410
LONGEST_RETRY_AFTER_S = 3600.0
READ_AT_MOST = 65_536
AT_ONCE = 32
USER_AGENT = f"finegrid/{version('finegrid')}"


@dataclass(frozen=True)
class Outcome:
    """What came of an attempt.

    Parameters
    ----------
    status
        HTTP status; None: there was no answer.
    error
        Why it was not taken, in a few words; None: it was.
    retry_after_s
        How long the receiver asks to be left alone, at most an hour.
    """

    status: int | None
    error: str | None = None
    retry_after_s: float = 0.0

    @property
    def kind(self) -> Literal["delivered", "gone", "away", "refused"]:
        """Taken; never again; nobody was there or it was too busy; not this one."""
        if self.status is None or self.status in AWAY:
            return "away"
        if 200 <= self.status < 300:
            return "delivered"
        return "gone" if self.status == GONE else "refused"


class GuardedNetwork(httpcore.AsyncNetworkBackend):
    """Connects to allowed addresses only, to the very address that was judged: no second look-up can change it."""

    def __init__(self, allowed: AllowedHosts) -> None:
        self._allowed = allowed
        self._network = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address of the host that answers.

        Raises
        ------
        HostRefused
            An address of the host is not allowed.
        httpcore.ConnectError
            None answers, or the name is not known.
        """
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as problem:
            msg = f"the name {host} is not known: {problem}"
            raise httpcore.ConnectError(msg) from problem
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        for address in addresses:
            self._allowed.check(host, address)
        last: Exception = httpcore.ConnectError(f"{host} has no address")
        for address in addresses:
            try:
                return await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as problem:
                last = problem
        raise last

    async def sleep(self, seconds: float) -> None:
        """As the pool needs it."""
        await self._network.sleep(seconds)


class Sender:
    """Sends; connections are kept open between attempts.

    Parameters
    ----------
    timeout_s
        Longest time of one attempt in seconds, from the look-up of the name to the end of the answer.
    """

    def __init__(self, allowed: AllowedHosts, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=AT_ONCE,
            keepalive_expiry=30,
            network_backend=GuardedNetwork(allowed),
        )

    async def send(self, url: str, headers: Mapping[str, str], body: bytes, now: datetime) -> Outcome:
        """One attempt; never raises for what a receiver or a network may do.

        Parameters
        ----------
        now
            For a Retry-After that names a moment.
        """
        parsed = httpx.URL(url)
        target = httpcore.URL(scheme=parsed.raw_scheme, host=parsed.raw_host, port=parsed.port, target=parsed.raw_path)
        sent = {
            "host": parsed.netloc.decode("ascii"),
            "content-type": "application/json",
            "content-length": str(len(body)),
            "user-agent": USER_AGENT,
            **headers,
        }
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                self._pool.stream("POST", target, headers=list(sent.items()), content=body) as answer,
            ):
                await _drain(answer)
                return _judged(answer, now)
        except TimeoutError:
            return Outcome(None, f"no answer within {self._timeout_s:g} s")
        except HostRefused as refused:
            return Outcome(None, str(refused))
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, OSError) as problem:
            return Outcome(None, f"{type(problem).__name__}: {problem}"[:200])

    async def close(self) -> None:
        """Close what is open."""
        await self._pool.aclose()


async def _drain(answer: httpcore.Response) -> None:
    """Read a short answer to its end, so that the connection can be used again; nobody is interested in it."""
    read = 0
    async for piece in answer.aiter_stream():
        read += len(piece)
        if read > READ_AT_MOST:
            return


def _judged(answer: httpcore.Response, now: datetime) -> Outcome:
    status = answer.status
    if 200 <= status < 300:
        return Outcome(status)
    headers = {name.lower(): value for name, value in answer.headers}
    if 300 <= status < 400:
        return Outcome(status, f"answered {status}; redirects are not followed")
    return Outcome(status, f"answered {status}", _retry_after_s(headers.get(b"retry-after", b""), now))


def _retry_after_s(value: bytes, now: datetime) -> float:
    """Seconds that a Retry-After asks for: a number, or a moment; 0 where it says nothing that can be understood."""
    text = value.decode("latin-1").strip()
    try:
        digits = text.isascii() and text.isdigit()
        asked = float(text) if digits else (parsedate_to_datetime(text) - now).total_seconds()
    except (ValueError, TypeError, OverflowError):
        return 0.0
    return min(max(asked, 0.0), LONGEST_RETRY_AFTER_S)
