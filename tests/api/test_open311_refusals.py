"""What Open311 refuses, said in that standard's own form; and who may report."""

from __future__ import annotations

import pytest
from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient

from gis.settings import settings
from tests.api.conftest import KEY
from tests.api.test_open311 import CAR, V2, plain, send


@pytest.mark.parametrize(
    ("changes", "status", "said"),
    [
        ({"service_code": ""}, 400, "service_code: was not provided"),
        ({"service_code": "event:9999"}, 404, "service_code 'event:9999' was not found"),
        ({"service_code": "机动车乱停放"}, 404, "was not found"),
        ({"jurisdiction_id": "boston"}, 404, "jurisdiction_id 'boston' was not found; this server serves tiny"),
        ({"lat": ""}, 400, "lat: was not provided; lat and long go together"),
        ({"lat": "", "long": ""}, 400, "say where it is"),
        ({"lat": "north"}, 400, "lat: 'north' is no number of degrees"),
        ({"lat": "nan"}, 400, "lat: 'nan'"),
        ({"lat": "91"}, 400, "from -90 to 90"),
        ({"lat": "42.36", "long": "-71.06"}, 400, "far outside the city"),
        ({"lat": "113.6005", "long": "34.7035"}, 400, "from -90 to 90"),
        ({"description": "x" * 4001}, 400, "description: has 4001 characters; at most 4000"),
        ({"media_url": "javascript:alert(1)"}, 400, "media_url"),
        ({"email": "a\0b"}, 400, "email: holds a null character"),
        ({"attribute[PLATE]": "A12345"}, 400, "no service here has attributes"),
        ({"api_key": ""}, 403, "api_key was not provided"),
        ({"api_key": "0123456789abcdef-kez"}, 403, "api_key is not one of this server's"),
        ({"api_key": "钥匙"}, 403, "api_key is not one"),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_open311s_form(
    own_client_of_the_module: TestClient, changes: dict[str, str], status: int, said: str
) -> None:
    for form in ("json", "xml"):
        answer = own_client_of_the_module.post(f"{V2}/requests.{form}", data=CAR | changes)
        found = answer.json() if form == "json" else plain(fromstring(answer.content))
        assert answer.status_code == status
        assert [list(one) for one in found] == [["code", "description"]]
        assert str(found[0]["code"]) == str(status)
        assert said in found[0]["description"]
    assert own_client_of_the_module.get(f"{V2}/requests.json").json() == []


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("requests.json?start_date=yesterday", 400, "start_date"),
        ("requests.json?start_date=2016-01-01&end_date=2016-06-01", 400, "at most 90 days"),
        ("requests.json?status=done", 400, "neither open nor closed"),
        ("requests.json?service_code=event:9999", 404, "event:9999"),
        ("requests.json?page=0", 400, "page"),
        ("requests.json?page_size=x", 400, "page_size"),
        ("requests.json?page=99999999999999999999", 400, "page"),
        ("requests.json?jurisdiction_id=boston", 404, "jurisdiction_id"),
        ("services.json?jurisdiction_id=boston", 404, "jurisdiction_id"),
        ("services/event:9999.json", 404, "service_code"),
        ("requests/open311:99999.json", 404, "service_request_id"),
        ("requests/1042.json", 404, "service_request_id"),
        ("tokens/x.json", 404, "service_request_id"),
        ("nothing.json", 404, "there is no"),
        ("requests.csv", 400, "form"),
        ("requests", 404, "did you mean"),
    ],
)
def test_what_is_wrong_with_a_question_is_said_in_open311s_form(
    client: TestClient, path: str, status: int, said: str
) -> None:
    answer = client.get(f"{V2}/{path}")
    assert answer.status_code == status, answer.text
    is_json = ".json" in path
    assert answer.headers["content-type"] == ("application/json" if is_json else "text/xml") + "; charset=utf-8"
    (found,) = answer.json() if is_json else plain(fromstring(answer.content))
    assert str(found["code"]) == str(status)
    assert said in found["description"]


def test_other_methods_and_other_bodies(own_client_of_the_module: TestClient) -> None:
    answer = own_client_of_the_module.put(f"{V2}/requests.json")
    assert (answer.status_code, answer.json()[0]["code"]) == (405, 405)
    assert answer.headers["allow"] == "GET, HEAD, POST"
    for sent, kind in ((b"{}", "application/json"), (b"x", "multipart/form-data; boundary=x"), (b"x", "")):
        answer = own_client_of_the_module.post(f"{V2}/requests.json", content=sent, headers={"Content-Type": kind})
        assert answer.status_code == 400
        assert "x-www-form-urlencoded" in answer.json()[0]["description"]
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for sent in (b"api_key=%FF", b"\xff=1", b"service_code=a&service_code=b", b"a=1&" * 200, b"a=" + b"b" * 70_000):
        answer = own_client_of_the_module.post(f"{V2}/requests.json", content=sent, headers=form)
        assert (answer.status_code, answer.json()[0]["code"]) == (400, 400), sent[:20]


def test_the_key_of_apps_may_report_and_nothing_else(own_client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    app_key = "an-app-that-may-report"
    assert (
        own_client.post(f"{V2}/requests.json", data=CAR).json()[0]["description"].startswith("reporting over HTTP is")
    )
    monkeypatch.setenv("FINEGRID_OPEN311_KEY", app_key)
    settings.cache_clear()
    assert own_client.post(f"{V2}/requests.json", data=CAR).status_code == 403
    assert send(own_client, api_key=app_key) == "open311:1"
    assert own_client.post("/cases", headers={"X-API-Key": app_key}, json={}).status_code == 403
    monkeypatch.setenv("FINEGRID_API_KEY", KEY)
    settings.cache_clear()
    assert send(own_client, api_key=app_key)
    assert send(own_client)
    assert own_client.post("/cases", headers={"X-API-Key": app_key}, json={}).status_code == 403


def test_the_key_may_come_otherwise(own_client: TestClient, key: dict[str, str]) -> None:
    form = {name: value for name, value in CAR.items() if name != "api_key"}
    for headers, query in ((key, {}), ({"Authorization": f"Bearer {KEY}"}, {}), ({}, {"api_key": KEY})):
        answer = own_client.post(f"{V2}/requests.json", data=form, headers=headers, params=query)
        assert answer.status_code == 200
    everything = own_client.post(f"{V2}/requests.xml", params=CAR)
    assert everything.status_code == 200


def test_only_the_citys_own_key_says_when_a_request_was_made(
    own_client: TestClient, key: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINEGRID_OPEN311_KEY", "an-app-that-may-report")
    settings.cache_clear()
    before = {"requested_datetime": "2016-05-03T08:30:00+08:00"}
    identifier = send(own_client, **before)
    (found,) = own_client.get(f"{V2}/requests/{identifier}.json").json()
    assert found["requested_datetime"] == found["updated_datetime"] == before["requested_datetime"]
    app = {"api_key": "an-app-that-may-report"}
    assert own_client.post(f"{V2}/requests.json", data=CAR | app | before).status_code == 403
    assert send(own_client, **app)
    for wrong, said in (("2099-01-01T00:00:00Z", "lies in the future"), ("yesterday", "no W3C date")):
        answer = own_client.post(f"{V2}/requests.json", data=CAR | {"requested_datetime": wrong})
        assert answer.status_code == 400
        assert said in answer.json()[0]["description"]
