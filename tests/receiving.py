"""A receiver of webhooks: a real HTTP server in a thread that answers as told and remembers what came."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = int | tuple[int, dict[str, str]] | None
"""A status, with headers where wanted; None: hang up without an answer."""


@dataclass
class Received:
    """One request that came, in the order of coming."""

    headers: dict[str, str]
    body: bytes
    answer: Answer

    @property
    def taken(self) -> bool:
        return isinstance(self.answer, int) and 200 <= self.answer < 300

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.body)["data"]

    @property
    def message(self) -> str:
        return self.headers["webhook-id"]


@dataclass
class Receiver:
    """`decide` says what each request is answered; 204 where it is not set."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    decide: Callable[[Received], Answer] = lambda _: 204
    lock: threading.Lock = field(default_factory=threading.Lock)

    def taken(self) -> list[Received]:
        return [one for one in self.requests if one.taken]

    def numbers(self) -> dict[int, list[int]]:
        """Per case, the numbers of its events in the order in which they were taken."""
        found: dict[int, list[int]] = defaultdict(list)
        for one in self.taken():
            found[one.data["case"]].append(one.data["number"])
        return dict(found)

    def wait_for(self, count: int, seconds: float = 10) -> None:
        """Until so many were taken."""
        wait_until(lambda: len(self.taken()) >= count, seconds)


@contextmanager
def receiver(host: str = "127.0.0.1") -> Iterator[Receiver]:
    kept = Receiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            one = Received({name.lower(): value for name, value in self.headers.items()}, body, None)
            with kept.lock:
                one.answer = kept.decide(one)
                kept.requests.append(one)
            if one.answer is None:
                self.close_connection = True
                return
            status, headers = one.answer if isinstance(one.answer, tuple) else (one.answer, {})
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            if status != 204:
                self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *args: Any) -> None:
            return

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, request: Any, client_address: Any) -> None:
            return

    server = Server((host, 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    kept.url = f"http://{host}:{server.server_address[1]}/hook"
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Until it holds; fails where it does not in time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


def is_signed_by(secret: str, one: Received) -> bool:
    """Written from the text of Standard Webhooks, without our own code."""
    key = base64.b64decode(secret.split("_", 1)[1])
    content = b".".join([one.headers["webhook-id"].encode(), one.headers["webhook-timestamp"].encode(), one.body])
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in one.headers["webhook-signature"].split(" ")
