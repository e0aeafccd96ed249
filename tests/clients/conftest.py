"""`finegrid serve` over the tiny city, as a process of its own, and what client programs asked it for."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import httpx
import pytest

from gis.store.database import create_database_engine
from tests.api.conftest import KEY, facts, tiny_url
from tests.api.test_serve import ROOT, free_port
from tests.under_way import put_under_way

__all__ = ["facts", "tiny_url"]
LINE = re.compile(r'"(GET|HEAD|POST) (\S+) HTTP/[\d.]+" (\d+)')


@dataclass(frozen=True)
class Request:
    """A request as the access log has it."""

    path: str
    parameters: dict[str, str]
    status: int


@dataclass(frozen=True)
class Served:
    """A running server and the file of its access log."""

    address: str
    log: Path

    def requests(self, since: int = 0) -> list[Request]:
        """What was asked for; `since` counts the bytes of the log that are passed over."""
        text = self.log.read_bytes()[since:].decode()
        found = []
        for _, target, status in LINE.findall(text):
            parts = urlsplit(target)
            given = {name: values[-1] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
            found.append(Request(unquote(parts.path), given, int(status)))
        return found


@pytest.fixture(scope="session")
def served(
    tiny_url: str, make_database: Callable[..., str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Served]:
    """The tiny city behind `finegrid serve --access-log`; nobody writes to it."""
    port = free_port()
    log = tmp_path_factory.mktemp("served") / "access.log"
    url = make_database(tiny_url)
    engine = create_database_engine(url)
    with engine.begin() as conn:
        put_under_way(conn)
    engine.dispose()
    environment = {**os.environ, "FINEGRID_DATABASE_URL": url, "FINEGRID_API_KEY": KEY}
    command = [sys.executable, "-m", "gis", "serve", "--port", str(port), "--access-log", "--json"]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=file) as server,
    ):
        address = f"http://127.0.0.1:{port}"
        try:
            _await(server, address)
            yield Served(address, log)
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def _await(server: subprocess.Popen[bytes], address: str) -> None:
    limit = time.monotonic() + 60
    while True:
        try:
            httpx.get(f"{address}/healthz")
        except httpx.TransportError:
            assert server.poll() is None, "the server did not start"
            assert time.monotonic() < limit
            time.sleep(0.1)
        else:
            return


@pytest.fixture
def asked(served: Served) -> Callable[[], list[Request]]:
    """Answers what the server was asked for since the test began."""
    before = served.log.stat().st_size
    return lambda: served.requests(before)
