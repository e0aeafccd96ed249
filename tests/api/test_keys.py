"""Writing over HTTP needs the server's key; reading does not."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine

from gis.settings import settings
from tests.api.conftest import KEY, open_client
from tests.api.test_errors import check_problem

WRITING = ("/reports", "/imports")


@pytest.mark.parametrize("path", WRITING)
def test_without_a_configured_key_nobody_writes(client: TestClient, path: str) -> None:
    found = check_problem(client.post(path, headers={"X-API-Key": KEY}), 403)
    assert "FINEGRID_API_KEY" in found["detail"]


@pytest.mark.parametrize("path", WRITING)
@pytest.mark.usefixtures("key")
def test_a_missing_key_is_401(client: TestClient, path: str) -> None:
    answer = client.post(path)
    assert "X-API-Key" in check_problem(answer, 401)["detail"]
    assert answer.headers["www-authenticate"] == 'Bearer realm="finegrid"'


@pytest.mark.parametrize("path", WRITING)
@pytest.mark.parametrize(
    "headers",
    [
        {"X-API-Key": "wrong"},
        {"X-API-Key": KEY + "x"},
        {"X-API-Key": "ÿþ".encode("latin-1")},
        {"Authorization": "Bearer wrong"},
        {"X-API-Key": "wrong", "Authorization": f"Bearer {KEY}"},
    ],
)
@pytest.mark.usefixtures("key")
def test_a_wrong_key_is_403(client: TestClient, path: str, headers: dict) -> None:
    check_problem(client.post(path, headers=headers), 403)


@pytest.mark.parametrize(
    "headers", [{"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}, {"authorization": f"bearer {KEY}"}]
)
@pytest.mark.usefixtures("key")
def test_the_key_opens(client: TestClient, headers: dict) -> None:
    check_problem(client.post("/reports", headers=headers, json={}), 400)


@pytest.mark.usefixtures("key")
def test_other_credentials_are_no_key(client: TestClient) -> None:
    check_problem(client.post("/reports", headers={"Authorization": "Basic dXNlcjpwYXNz"}), 401)


def test_no_other_address_may_read_unless_told_so(
    own_engine: Engine, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"Origin": "https://maps.intern"}
    assert "access-control-allow-origin" not in client.get("/categories", headers=asked).headers
    monkeypatch.setenv("FINEGRID_CORS_ORIGINS", "https://maps.intern, https://other.intern")
    settings.cache_clear()
    with open_client(own_engine) as opened:
        answer = opened.get("/collections/cells/items?limit=1", headers=asked)
        assert answer.headers["access-control-allow-origin"] == "https://maps.intern"
        assert "ETag" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-origin" not in opened.get("/", headers={"Origin": "https://evil"}).headers
