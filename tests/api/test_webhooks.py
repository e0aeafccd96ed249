"""Webhooks over HTTP: added, pinged, told by the server itself, listed, stopped; nothing without the key."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Connection, Engine, text

from gis.settings import settings
from gis.store.database import create_database_engine
from tests.api.conftest import open_client
from tests.receiving import Receiver, is_signed_by, receiver, wait_until


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("FINEGRID_WEBHOOK_HOSTS", "127.0.0.1")
    settings.cache_clear()
    with receiver() as one:
        yield one


@pytest.fixture
def client(told: Receiver, key: dict[str, str], own_engine: Engine):
    with open_client(own_engine) as client:
        client.headers.update(key)
        yield client


def add(client: TestClient, told: Receiver, **wanted: object) -> dict:
    answer = client.post("/webhooks", json={"url": told.url, **wanted})
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/webhooks/{answer.json()['id']}"
    return answer.json()


def open_a_case(client: TestClient, engine: Engine) -> int:
    with engine.connect() as conn:
        ref = conn.execute(text("SELECT source_ref FROM reports ORDER BY source_ref LIMIT 1")).scalar_one()
    answer = client.post("/cases", json={"source": "patrol", "source_ref": ref, "actor": "centre"})
    assert answer.status_code == 201, answer.text
    return answer.json()["id"]


def test_the_server_tells_what_happens(client: TestClient, told: Receiver, own_engine: Engine) -> None:
    hook = add(client, told)
    case_id = open_a_case(client, own_engine)
    for move in ("verify", "accept", "file"):
        sent = {"move": move, "actor": "centre", "at": datetime.now(UTC).isoformat()}
        assert client.post(f"/cases/{case_id}/events", json=sent).status_code == 201
    told.wait_for(4)
    assert told.numbers() == {case_id: [1, 2, 3, 4]}
    assert [one.data["move"] for one in told.requests] == ["open", "verify", "accept", "file"]
    assert all(is_signed_by(hook["secret"], one) for one in told.requests)
    wait_until(lambda: client.get("/webhooks").json()["rows"][0]["pending"] == 0)
    page = client.get(f"/webhooks/{hook['id']}/deliveries", params={"limit": 3}).json()
    assert [(row["number"], row["state"], row["last_status"]) for row in page["rows"]] == [
        (number, "delivered", 204) for number in (4, 3, 2)
    ]
    (last,) = client.get(page["next"]).json()["rows"]
    assert last["number"] == 1
    one = client.get(f"/webhooks/{hook['id']}/deliveries/{last['id']}").json()
    assert one["body"].encode() == told.requests[0].body
    assert one["message"] == told.requests[0].message
    assert 'finegrid_webhook_attempts_total{outcome="delivered"}' in client.get("/metrics").text


def test_a_secret_is_shown_once(client: TestClient, told: Receiver) -> None:
    hook = add(client, told)
    secret = hook["secret"]
    pages = ["/webhooks", f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/deliveries"]
    for page in pages:
        answer = client.get(page)
        assert answer.headers["cache-control"] == "no-store"
        assert "secret" not in answer.text
        assert secret not in answer.text
    fresh = client.post(f"/webhooks/{hook['id']}/secret", json={}).json()["secret"]
    assert fresh != secret
    own = "whsec_" + "QUJD" * 8
    assert client.post(f"/webhooks/{hook['id']}/secret", json={"secret": own}).json()["secret"] == own
    answer = client.post("/webhooks", json={"url": told.url, "secret": "whsec_c2hvcnQ="})
    assert answer.status_code == 400
    assert answer.json()["parameter"] == "secret"
    assert "c2hvcnQ" not in answer.text


def test_a_ping_says_what_came_of_it(client: TestClient, told: Receiver) -> None:
    hook = add(client, told)
    answer = client.post(f"/webhooks/{hook['id']}/ping").json()
    assert (answer["delivered"], answer["status"], answer["error"]) == (True, 204, None)
    (one,) = told.requests
    assert one.message == answer["message"]
    assert is_signed_by(hook["secret"], one)
    assert one.data == {"webhook": hook["id"]}
    told.decide = lambda _: 500
    answer = client.post(f"/webhooks/{hook['id']}/ping").json()
    assert (answer["delivered"], answer["status"], answer["error"]) == (False, 500, "answered 500")
    assert client.get(f"/webhooks/{hook['id']}/deliveries").json() == {"rows": []}


def test_stopped_and_resumed_and_told_again(client: TestClient, told: Receiver, own_engine: Engine) -> None:
    hook = add(client, told)
    told.decide = lambda _: 410
    case_id = open_a_case(client, own_engine)
    page = f"/webhooks/{hook['id']}"
    wait_until(lambda: client.get(page).json()["active"] is False)
    assert client.get(page).json()["pending"] == 1
    assert client.post(f"{page}/retry", json={}).status_code == 409
    told.decide = lambda _: 204
    assert client.post(f"{page}/resume").json()["active"] is True
    row = client.get(f"{page}/deliveries").json()["rows"][0]
    assert client.post(f"{page}/retry", json={"delivery": row["id"]}).json() == {"cases": 1}
    told.wait_for(1)
    assert told.numbers() == {case_id: [1]}
    wait_until(lambda: client.get(page).json()["pending"] == 0)
    assert client.post(f"{page}/retry", json={"delivery": row["id"]}).status_code == 409
    assert client.post(f"{page}/retry", json={"delivery": 10**9}).status_code == 404
    assert client.delete(page).status_code == 204
    assert client.delete(page).status_code == 404
    assert client.get("/webhooks").json() == {"rows": []}


@pytest.mark.parametrize(
    ("body", "parameter", "said"),
    [
        ({}, "url", "is missing"),
        ({"url": "ftp://10.0.0.1/"}, "url", "is no address to send to"),
        ({"url": "http://"}, "url", "is no address"),
        ({"url": "http://10.0.0.1/\n"}, "url", "is no address"),
        ({"url": "http://user:word@127.0.0.1/"}, "url", "leave out user:password"),
        ({"url": "http://10.0.0.1/"}, "url", "is not in FINEGRID_WEBHOOK_HOSTS"),
        ({"url": "http://127.0.0.1/", "moves": ["vanish"]}, "move", "'vanish' is none of open, verify"),
        ({"url": "http://127.0.0.1/", "states": ["gone"]}, "state", "'gone' is none of reported"),
        ({"url": "http://127.0.0.1/", "categories": ["9999"]}, "category", "the dictionary has no '9999'"),
        ({"url": "http://127.0.0.1/", "streets": ["9"]}, "street", "there is no area '9'"),
        ({"url": "http://127.0.0.1/", "streets": ["\0"]}, "streets", "null character"),
        ({"url": "http://127.0.0.1/", "colour": "red"}, "colour", "there is no such field"),
    ],
)
def test_what_is_wrong_is_said(client: TestClient, body: dict, parameter: str, said: str) -> None:
    answer = client.post("/webhooks", json=body)
    assert answer.status_code == 400
    assert answer.json()["parameter"] == parameter
    assert said in answer.json()["detail"]
    assert client.get("/webhooks").json() == {"rows": []}


ROUTES = (
    ("GET", "/webhooks"),
    ("POST", "/webhooks"),
    ("GET", "/webhooks/1"),
    ("DELETE", "/webhooks/1"),
    ("POST", "/webhooks/1/ping"),
    ("POST", "/webhooks/1/resume"),
    ("POST", "/webhooks/1/secret"),
    ("POST", "/webhooks/1/retry"),
    ("GET", "/webhooks/1/deliveries"),
    ("GET", "/webhooks/1/deliveries/1"),
)


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_nothing_without_the_key(client: TestClient, method: str, path: str) -> None:
    body = {"url": "http://127.0.0.1/"} if path == "/webhooks" else {}
    sent = None if method in ("GET", "DELETE") else body
    assert client.request(method, path, json=sent, headers={"X-API-Key": "another"}).status_code == 403
    client.headers.pop("X-API-Key")
    assert client.request(method, path, json=sent).status_code == 401
    with client.stream("GET", "/openapi.json") as answer:
        answer.read()
        operations = {
            (name.upper(), path): one
            for path, methods in answer.json()["paths"].items()
            if path.startswith("/webhooks")
            for name, one in methods.items()
        }
    assert len(operations) == len(ROUTES)
    assert all(one["security"] == [{"key": []}] for one in operations.values())


@pytest.mark.parametrize(("method", "path"), ROUTES[2:])
def test_what_is_not_there_is_not_found(client: TestClient, method: str, path: str) -> None:
    sent = None if method in ("GET", "DELETE") else {}
    answer = client.request(method, path, json=sent)
    assert answer.status_code == 404
    assert "there is no webhook 1" in answer.json()["detail"]


def test_the_server_leaves_it_to_others_where_it_is_told_so(
    own_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = create_database_engine(own_engine.url.render_as_string(hide_password=False))
    counted = []
    for delivery in ("false", "true"):
        monkeypatch.setenv("FINEGRID_WEBHOOK_DELIVERY", delivery)
        settings.cache_clear()
        with open_client(own_engine), others.connect() as conn:
            counted.append(settled(conn))
    others.dispose()
    assert counted[1] == counted[0] + 1


def settled(conn: Connection) -> int:
    """Connections of clients, once a starting server has opened all of its own; autovacuum's come and go."""
    running = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend'"
    )
    seen: list[int] = []
    while len(seen) < 10 or len(set(seen[-10:])) > 1:
        seen.append(conn.execute(running).scalar_one())
        conn.rollback()
        time.sleep(0.1)
    return seen[-1]
