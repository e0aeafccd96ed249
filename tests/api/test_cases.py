"""Cases over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi.testclient import TestClient

Headers = dict[str, str]


def opened(client: TestClient, key: Headers, ref: str) -> dict[str, Any]:
    answer = client.post("/cases", json={"source": "patrol", "source_ref": ref, "actor": "centre"}, headers=key)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


def refs(client: TestClient, count: int) -> list[str]:
    rows = client.get("/reports?from=2016-05-01&to=2016-06-01&source=patrol&limit=1000").json()["rows"]
    return [row["source_ref"] for row in rows][:count]


def move(client: TestClient, key: Headers, case_id: int, **body: Any) -> Any:
    return client.post(f"/cases/{case_id}/events", json={"actor": "centre", **body}, headers=key)


@pytest.fixture
def case(own_client: TestClient, key: Headers) -> dict[str, Any]:
    return opened(own_client, key, refs(own_client, 1)[0])


def test_a_case_is_opened_once(own_client: TestClient, key: Headers, case: dict[str, Any]) -> None:
    assert case["opened"] is True
    again = own_client.post(
        "/cases", json={"source": "patrol", "source_ref": case["source_ref"], "actor": "centre"}, headers=key
    )
    assert again.status_code == 200
    assert again.headers["location"] == f"/cases/{case['id']}"
    assert {**again.json(), "opened": True} == case
    assert own_client.get(f"/cases/{case['id']}").json() == {k: v for k, v in case.items() if k != "opened"}


def test_the_whole_way(own_client: TestClient, key: Headers, case: dict[str, Any]) -> None:
    for name in ("verify", "accept", "file"):
        assert move(own_client, key, case["id"], move=name).status_code == 201
    wrong = move(own_client, key, case["id"], move="dispatch")
    assert wrong.status_code == 400
    assert wrong.json()["parameter"] == "department"
    illegal = move(own_client, key, case["id"], move="close")
    assert illegal.status_code == 409
    assert "close is not legal in the state filed" in illegal.json()["detail"]
    found = own_client.get(f"/cases/{case['id']}").json()
    assert [event["move"] for event in found["history"]] == ["open", "verify", "accept", "file"]
    assert found["due_at"] is not None


def test_changes_are_seen_at_once_and_by_version(own_client: TestClient, key: Headers, case: dict[str, Any]) -> None:
    first = own_client.get("/cases?state=open")
    assert own_client.get("/cases?state=open", headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    assert move(own_client, key, case["id"], move="verify", expected=1).status_code == 201
    second = own_client.get("/cases?state=open", headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.json()["rows"][0]["state"] == "verified"
    stale = move(own_client, key, case["id"], move="void", reason="none", expected=1)
    assert stale.status_code == 409


def test_pages_and_filters(own_client: TestClient, key: Headers) -> None:
    ids = sorted({opened(own_client, key, ref)["id"] for ref in refs(own_client, 12)})
    seen, address = [], "/cases?limit=5"
    while address:
        answer = own_client.get(address).json()
        seen += [row["id"] for row in answer["rows"]]
        address = answer.get("next")
    assert seen == ids
    everything = own_client.get("/cases").json()["rows"]
    for name, column in (("street", "street_code"), ("street", "cell"), ("category", "category")):
        value = next(row[column] for row in everything if row[column])
        expected = [row["id"] for row in everything if row[column] == value]
        assert [row["id"] for row in own_client.get("/cases", params={name: value}).json()["rows"]] == expected
    day = everything[0]["day"]
    rows = own_client.get("/cases", params={"from": day, "to": "2016-06-01"}).json()["rows"]
    assert [row["id"] for row in rows] == [row["id"] for row in everything if row["day"] >= day]
    assert own_client.get("/cases?state=closed&state=void").json()["rows"] == []
    move(own_client, key, ids[0], move="verify")
    move(own_client, key, ids[0], move="accept")
    due = move(own_client, key, ids[0], move="file").json()["due_at"]
    assert own_client.get("/cases", params={"due_before": due}).json()["rows"] == []
    later = own_client.get("/cases", params={"due_before": "2090-01-01T00:00:00Z"}).json()["rows"]
    assert [row["id"] for row in later] == [ids[0]]


@pytest.mark.parametrize(
    ("body", "parameter"),
    [
        ({"move": "fly"}, "move"),
        ({"move": "open"}, "move"),
        ({"move": "verify", "at": 1462233600}, "at"),
        ({"move": "verify", "at": "2999-05-03T08:00:00Z"}, "at"),
        ({"move": "verify", "at": "soon"}, "at"),
        ({"move": "verify", "actor": ""}, "actor"),
        ({"move": "verify", "actor": "a\0b"}, "actor"),
        ({"move": "verify", "colour": "red"}, "colour"),
        ({"move": "void"}, "reason"),
        ({"move": "merge"}, "other"),
        ({"move": "extend", "amount": 0, "reason": "x"}, "amount"),
        ({"move": "extend", "amount": 10**20, "reason": "x"}, "amount"),
        ({"move": "do", "task": 70000}, "task"),
        ({"move": "dispatch", "department": "nobody"}, "department"),
    ],
)
def test_wrong_moves_are_refused_by_name(
    own_client_of_the_module: TestClient, key: Headers, body: dict[str, Any], parameter: str
) -> None:
    client = own_client_of_the_module
    case = opened(client, key, refs(client, 1)[0])
    answer = move(client, key, case["id"], **body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["parameter"] == parameter
    assert client.get(f"/cases/{case['id']}").json()["events"] == 1


@pytest.mark.parametrize("case_id", ["0", "-1", "999999", "99999999999999999999", "x"])
def test_there_is_no_such_case(client: TestClient, case_id: str) -> None:
    assert client.get(f"/cases/{case_id}").status_code in (400, 404)


def test_a_report_that_is_not_there(own_client: TestClient, key: Headers) -> None:
    answer = own_client.post("/cases", json={"source": "patrol", "source_ref": "no", "actor": "x"}, headers=key)
    assert answer.status_code == 404
    assert "send it first" in answer.json()["detail"]


def test_writing_needs_the_key(own_client: TestClient) -> None:
    assert own_client.post("/cases", json={"source": "a", "source_ref": "b", "actor": "x"}).status_code == 403
    assert own_client.post("/cases/1/events", json={"move": "verify", "actor": "x"}).status_code == 403
