"""A client that costs less than the servers it asks, and the servers it asks."""

from __future__ import annotations

import contextlib
import select
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from email.message import Message

BUFFER = 1 << 18
CONNECTIONS = 2
"""As many as the machine has cores: one request is computed while the other is read."""


@dataclass(frozen=True)
class Answer:
    """One answer, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True)
class Served:
    """A server under measurement."""

    port: int
    pid: int

    def ask(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """One question, patiently."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", headers=dict(headers or {}))
        try:
            with urllib.request.urlopen(request, timeout=120) as answer:
                return Answer(answer.status, _lower(answer.headers), answer.read())
        except urllib.error.HTTPError as problem:
            return Answer(problem.code, _lower(problem.headers), problem.read())

    def rate(
        self,
        requests: Sequence[bytes],
        seconds: float | None = None,
        status: bytes = b"200",
        connections: int = CONNECTIONS,
    ) -> float:
        """Requests answered per second: each asked once, in order, until all are or the time is up.

        Raises
        ------
        RuntimeError
            An answer had another status.
        """
        return _Asking(self.port, requests, seconds, status, connections).run()


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def request_of(path: str, headers: Mapping[str, str] | None = None) -> bytes:
    """The bytes of a GET; spaces and quotes in the path are the caller's to escape."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in (headers or {}).items())
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{lines}\r\n".encode()


def rotated(names: Iterable[str], turn: int) -> list[str]:
    """In each round another one begins: who comes after a heavy one finds caches and clock speed as that left them."""
    listed = list(names)
    at = turn % len(listed)
    return listed[at:] + listed[:at]


@dataclass
class _Connection:
    """One keep-alive connection: what it still waits for."""

    socket: socket.socket
    request: bytes = b""
    head: bytes = b""
    missing: int | None = None
    """Bytes of the body to come; None: the head is not whole yet; -1: the body comes in chunks."""
    tail: bytes = b""


@dataclass
class _Asking:
    """One thread, a few connections, no parsing beyond the head: a hundredth of a millisecond per answer."""

    port: int
    requests: Sequence[bytes]
    seconds: float | None
    status: bytes
    connections: int
    answered: int = 0
    _next: int = 0
    _buffer: bytearray = field(default_factory=lambda: bytearray(BUFFER))

    def run(self) -> float:
        opened = [_Connection(socket.create_connection(("127.0.0.1", self.port))) for _ in range(self.connections)]
        by_number = {one.socket.fileno(): one for one in opened}
        poll = select.poll()
        start = time.perf_counter()
        end = float("inf") if self.seconds is None else start + self.seconds
        try:
            waiting = 0
            for one in opened:
                one.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                poll.register(one.socket, select.POLLIN)
                waiting += self._ask(one)
            while waiting:
                for number, _ in poll.poll():
                    one = by_number[number]
                    if self._receive(one):
                        self.answered += 1
                        if time.perf_counter() >= end or not self._ask(one):
                            waiting -= 1
            return self.answered / (time.perf_counter() - start)
        finally:
            for one in opened:
                one.socket.close()

    def _ask(self, one: _Connection) -> bool:
        if self._next >= len(self.requests):
            return False
        one.request, one.head, one.missing, one.tail = self.requests[self._next], b"", None, b""
        self._next += 1
        one.socket.sendall(one.request)
        return True

    def _receive(self, one: _Connection) -> bool:
        """Take what has come; True where the answer is whole."""
        size = one.socket.recv_into(self._buffer)
        if size == 0:
            msg = f"the server closed the connection at {one.request[:200]!r}"
            raise RuntimeError(msg)
        if one.missing is None:
            one.head += self._buffer[:size]
            head, found, body = one.head.partition(b"\r\n\r\n")
            if not found:
                return False
            self._check(one, head, body)
            one.missing = _length(head)
            came, last = len(body), body[-5:]
        else:
            came, last = size, bytes(self._buffer[max(0, size - 5) : size])
        if one.missing == -1:
            one.tail = (one.tail + last)[-5:]
            return one.tail == b"0\r\n\r\n"
        one.missing -= came
        return one.missing <= 0

    def _check(self, one: _Connection, head: bytes, body: bytes) -> None:
        if head[9:12] != self.status:
            msg = f"{one.request[:300]!r} was answered {head[:15]!r}: {body[:300]!r}"
            raise RuntimeError(msg)


def _length(head: bytes) -> int:
    if head[9:12] in (b"304", b"204"):
        return 0
    _, found, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0]) if found else -1


@contextlib.contextmanager
def serving(command: Sequence[str], environment: Mapping[str, str], ready: str) -> Iterator[Served]:
    """A server as a process of its own on a free port, until the block ends.

    Parameters
    ----------
    command
        `--port` and its number are added.
    ready
        Path that is answered, whatever the status, as soon as the server is up.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([*command, "--port", str(port)], env=dict(environment))
    try:
        server = Served(port, process.pid)
        deadline = time.monotonic() + 60
        while True:
            try:
                server.ask(ready)
            except OSError as problem:
                if time.monotonic() > deadline or process.poll() is not None:
                    msg = f"{command[0]} did not come up"
                    raise RuntimeError(msg) from problem
                time.sleep(0.1)
            else:
                break
        yield server
    finally:
        process.terminate()
        process.wait()
