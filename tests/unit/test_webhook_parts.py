"""Signatures, addresses and single attempts of webhooks, without a database."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from gis.errors import ParameterError
from gis.webhooks.addresses import AllowedHosts, HostRefused, checked_url
from gis.webhooks.sending import READ_AT_MOST, Outcome, Sender
from gis.webhooks.signing import key_of, new_secret, signed_headers
from tests.receiving import receiver

NOW = datetime(2026, 1, 1, tzinfo=UTC)
HERE = AllowedHosts(("127.0.0.1", "localhost"))


def send(url: str, allowed: AllowedHosts = HERE, timeout_s: float = 2.0, body: bytes = b"{}") -> Outcome:
    async def one() -> Outcome:
        sender = Sender(allowed, timeout_s)
        try:
            return await sender.send(url, {"webhook-id": "msg_1"}, body, NOW)
        finally:
            await sender.close()

    return asyncio.run(one())


# -- signatures --------------------------------------------------------------------------------------------------------


def test_the_vector_of_the_specification() -> None:
    """Key, message and signature as the reference libraries of Standard Webhooks test them."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    at = datetime.fromtimestamp(1614265330, UTC)
    headers = signed_headers([key_of(secret)], "msg_p5jXN8AQM9LWM0D4loKWxJek", at, b'{"test": 2432232314}')
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    assert headers["webhook-timestamp"] == "1614265330"


@pytest.mark.parametrize(
    "secret",
    ["", "whsec_", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_c2hvcnQ=", "whsec_" + "A" * 200, "whsec_!!!" + "A" * 40],
)
def test_weak_secrets_are_refused_and_not_repeated(secret: str) -> None:
    with pytest.raises(ParameterError, match="whsec_ followed by base64") as refused:
        key_of(secret)
    assert len(secret) < 8 or secret.removeprefix("whsec_") not in str(refused.value)


def test_new_secrets_differ_and_are_long_enough() -> None:
    made = {new_secret() for _ in range(100)}
    assert len(made) == 100
    assert {len(key_of(secret)) for secret in made} == {32}


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://10.1.2.3/hook",
        "http://192.168.1.9:8080/a?b=c",
        "https://hooks.city.cn/finegrid",
        "https://接口.城市.cn/",
        "http://[fd00::1]:80/",
        "https://8.8.8.8/",
    ],
)
def test_what_may_be_told(url: str) -> None:
    assert checked_url(url, AllowedHosts()) == url


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.9.9.9/",
        "http://localhost:8000/",
        "http://a.localhost/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://169.254.169.254/latest",
        "http://[fe80::1]/",
        "http://224.0.0.1/",
    ],
)
def test_this_machine_and_link_local_addresses_must_be_named(url: str) -> None:
    with pytest.raises(ParameterError, match="FINEGRID_WEBHOOK_HOSTS"):
        checked_url(url, AllowedHosts())


@pytest.mark.parametrize(
    "url",
    [
        *("", "hooks.city.cn", "//city.cn/", "ftp://city.cn/", "file:///etc/passwd", "http://", "http:///x", "\0"),
        *("https://a b/", "http://city.cn/\r\nx: y", " http://city.cn/", "http://city.cn:99999/", "http://[::1/"),
        *("http://u:p@city.cn/", "http://u@city.cn/", "http://city.cn/#x", "javascript:alert(1)"),
        "http://city.cn/" + "x" * 2000,
    ],
)
def test_what_is_no_address(url: str) -> None:
    with pytest.raises(ParameterError, match=r"^url: "):
        checked_url(url, AllowedHosts())


@pytest.mark.parametrize(
    ("entries", "host", "address", "allowed"),
    [
        ("hooks.city.cn", "hooks.city.cn", "10.0.0.1", True),
        ("hooks.city.cn", "HOOKS.city.cn.", "127.0.0.1", True),
        ("hooks.city.cn", "evil.hooks.city.cn", "10.0.0.1", False),
        (".city.cn", "hooks.city.cn", "10.0.0.1", True),
        (".city.cn", "evilcity.cn", "10.0.0.1", False),
        (".city.cn", "city.cn", "10.0.0.1", False),
        ("10.1.0.0/16, a.cn", "b.cn", "10.1.2.3", True),
        ("10.1.0.0/16, a.cn", "b.cn", "10.2.2.3", False),
        ("10.1.0.0/16, a.cn", "b.cn", "::ffff:10.1.2.3", True),
        ("127.0.0.1", "localhost", "127.0.0.1", True),
        ("127.0.0.1", "localhost", "::1", False),
        ("", "b.cn", "10.2.2.3", True),
        ("", "b.cn", "::ffff:169.254.1.1", False),
        ("", "b.cn", "fe80::1%eth0", False),
    ],
)
def test_who_is_among_the_hosts(entries: str, host: str, address: str, allowed: bool) -> None:
    hosts = AllowedHosts.from_text(entries)
    if allowed:
        hosts.check(host, address)
        return
    with pytest.raises(HostRefused, match="FINEGRID_WEBHOOK_HOSTS"):
        hosts.check(host, address)


def test_a_name_is_judged_by_what_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that turns to this machine after it was added is not followed there."""
    with receiver() as one:
        port = int(one.url.rsplit(":", 1)[1].split("/")[0])
        looked_up = []

        def turned(host: str, *_: object, **__: object) -> list:
            looked_up.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]

        monkeypatch.setattr(socket, "getaddrinfo", turned)
        url = f"http://hooks.city.cn:{port}/"
        refused = send(url, AllowedHosts())
        assert (refused.kind, refused.status) == ("away", None)
        assert "is this machine itself" in str(refused.error)
        assert one.requests == []
        assert send(url, AllowedHosts(("hooks.city.cn",))).kind == "delivered"
        assert one.requests[0].headers["host"] == f"hooks.city.cn:{port}"
        assert set(looked_up) == {"hooks.city.cn"}
        assert len(looked_up) == 2  # once for each attempt: what was judged is what is connected to


# -- attempts ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((200, "delivered"), (204, "delivered"), (299, "delivered"), (301, "refused"), (302, "refused")),
        *((307, "refused"), (400, "refused"), (404, "refused"), (410, "gone"), (422, "refused"), (429, "away")),
        *((500, "refused"), (502, "away"), (503, "away"), (504, "away")),
    ],
)
def test_what_an_answer_means(status: int, kind: str) -> None:
    with receiver() as one, receiver() as elsewhere:
        one.decide = lambda _: (status, {"location": elsewhere.url})
        outcome = send(one.url)
        assert (outcome.status, outcome.kind) == (status, kind)
        assert (outcome.error is None) == (kind == "delivered")
        assert len(one.requests) == 1
        assert elsewhere.requests == []  # no redirect is followed


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("120", 120), ("0", 0), ("-5", 0), ("soon", 0), ("1e9", 0), ("999999", 3600), ("٣", 0)),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
    ],
)
def test_retry_after(value: str, seconds: float) -> None:
    with receiver() as one:
        one.decide = lambda _: (503, {"retry-after": value.encode("latin-1", "replace").decode("latin-1")})
        assert send(one.url).retry_after_s == seconds


@contextmanager
def raw(serve: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that does whatever it likes with a connection."""
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.recv(65_536)
            try:
                serve(connection)
            except OSError:
                return

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/"
    finally:
        listening.close()
        thread.join(10)


def drip(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\n")
    for _ in range(100):
        connection.sendall(b"x: y\r\n")
        time.sleep(0.05)


def flood(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n")
    while True:
        connection.sendall(b"x" * READ_AT_MOST)


@pytest.mark.parametrize(
    ("serve", "kind"),
    [
        (lambda connection: time.sleep(3), "away"),
        (drip, "away"),
        (flood, "delivered"),
        (lambda connection: connection.sendall(b"garbage\r\n\r\n"), "away"),
        (lambda connection: connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf"), "away"),
        (lambda connection: None, "away"),
    ],
    ids=["silent", "drip", "flood", "garbage", "half", "hangs up"],
)
def test_receivers_that_misbehave_take_no_longer_than_allowed(serve: Callable, kind: str) -> None:
    with raw(serve) as url:
        began = time.monotonic()
        assert send(url, timeout_s=0.6).kind == kind
        assert time.monotonic() - began < 2


def test_nobody_there() -> None:
    assert send("http://127.0.0.1:9/").kind == "away"
    unknown = send("http://no-such-host.invalid/", AllowedHosts())
    assert unknown.kind == "away"
    assert "is not known" in str(unknown.error)


def test_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as one, receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert send(one.url).kind == "delivered"
        assert proxy.requests == []
