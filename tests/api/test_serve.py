"""`finegrid serve`: what it refuses, and that it serves with several workers."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
from click.testing import Result

from gis.cli.serve import is_loopback
from tests.api.conftest import KEY
from tests.api.test_reports import a_report

ROOT = Path(__file__).parents[2]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "no-such-name.invalid"])
def test_other_addresses_need_a_key(finegrid: Callable[..., Result], host: str) -> None:
    refused = finegrid("serve", "--host", host)
    assert refused.exit_code == 1
    assert "FINEGRID_API_KEY" in refused.stderr
    assert refused.stdout == ""


@pytest.mark.parametrize(
    ("host", "answer"),
    [("127.0.0.1", True), ("127.0.0.9", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("::", False)],
)
def test_what_a_loopback_address_is(host: str, answer: bool) -> None:
    assert is_loopback(host) is answer


def test_a_port_that_is_taken(finegrid: Callable[..., Result]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        refused = finegrid("serve", "--port", str(port))
    assert refused.exit_code == 1
    assert f"port {port} on 127.0.0.1 is taken" in refused.stderr
    assert "--port" in refused.stderr
    assert "PORT=" in refused.stderr


def test_wrong_usage(finegrid: Callable[..., Result]) -> None:
    assert finegrid("serve", "--port", "70000").exit_code == 2
    assert finegrid("serve", "--workers", "0").exit_code == 2
    assert "FINEGRID_API_KEY" in finegrid("serve", "--help").stdout


def test_without_a_city_it_does_not_start(finegrid: Callable[..., Result]) -> None:
    refused = finegrid("serve", "--port", str(free_port()))
    assert refused.exit_code == 1
    assert "city.toml" in refused.stderr


@pytest.fixture
def served(tiny_url: str, make_database: Callable[..., str]) -> Iterator[str]:
    """Address of a tiny city, served by two workers."""
    port = free_port()
    environment = {**os.environ, "FINEGRID_DATABASE_URL": make_database(tiny_url), "FINEGRID_API_KEY": KEY}
    command = [sys.executable, "-m", "gis", "serve", "--port", str(port), "--workers", "2", "--json"]
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, start_new_session=True) as server:
        address = f"http://127.0.0.1:{port}"
        try:
            for _ in range(150):
                try:
                    httpx.get(f"{address}/healthz")
                    break
                except httpx.TransportError:
                    time.sleep(0.2)
            yield address
        finally:
            server.send_signal(signal.SIGINT)
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                os.killpg(server.pid, signal.SIGKILL)
    assert server.stdout is not None


def test_two_workers_are_one_server(served: str) -> None:
    with httpx.Client(base_url=served, timeout=20) as client:
        assert client.get("/readyz").json()["city"] == "tiny"
        asked = {"level": "street", "from": "2016-05-01", "to": "2016-05-21"}
        answers = {httpx.get(f"{served}/density", params=asked).content for _ in range(8)}
        assert len(answers) == 1
        made = client.post("/reports", json=a_report(source_ref="a/%2F ?#"), headers={"X-API-Key": KEY})
        assert made.status_code == 201
        assert client.get(made.headers["location"]).json()["source_ref"] == "a/%2F ?#"
        head = client.head("/density", params=asked)
        assert (head.status_code, head.content) == (200, b"")
        # The numbers of both workers together, whichever of them answers.
        line = re.compile(
            r'^finegrid_requests_total\{method="GET",route="/density",status="200"\} (\S+)$', re.MULTILINE
        )
        assert {line.findall(httpx.get(f"{served}/metrics").text)[0] for _ in range(6)} == {"8.0"}
        assert "server" not in head.headers
