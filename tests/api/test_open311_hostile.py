"""Nothing that an Open311 client sends makes the server fail; every answer is one that such a client can read."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote_from_bytes

import orjson
import pytest
from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.api.conftest import KEY
from tests.api.test_hostile import FEW as MANY
from tests.api.test_hostile import NASTY, raw_text

V2 = "/open311/v2"
FEW = settings(MANY, max_examples=40)
NAMES = (
    *("service_request_id", "service_code", "start_date", "end_date", "status", "page", "page_size", "jurisdiction_id"),
    *("extensions", "api_key", "other"),
)
PATHS = ("requests", "servicerequestupdates", "services", "discovery", "services/event:0505", "requests/patrol:T0001")
FORM = {"api_key": KEY, "service_code": "event:0505", "lat": "34.7035", "long": "113.6005", "description": "x"}
FIELDS = (
    *FORM,
    *("address_string", "address_id", "email", "phone", "first_name", "last_name", "device_id", "account_id"),
    *("media_url", "jurisdiction_id", "requested_datetime", "attribute[A]", "attribute[A][]", "other"),
)
FORM_TYPE = {"Content-Type": "application/x-www-form-urlencoded"}


def check(answer: Any, path: str) -> None:
    """A readable document in the form that the path names; errors as the specification has them."""
    assert answer.status_code < 500, answer.text
    if path.endswith(".json"):
        assert answer.headers["content-type"] == "application/json; charset=utf-8"
        found = orjson.loads(answer.content)
        if answer.status_code >= 400:
            assert answer.status_code in (400, 403, 404, 405)
            assert [set(one) for one in found] == [{"code", "description"}]
            assert found[0]["code"] == answer.status_code
    else:
        assert answer.headers["content-type"] == "text/xml; charset=utf-8"
        root = fromstring(answer.content)
        assert (root.tag == "errors") == (answer.status_code >= 400)


def query(pairs: list[tuple[str, bytes]]) -> str:
    return "&".join(f"{name}={quote_from_bytes(value, safe='')}" for name, value in pairs)


@FEW
@given(
    path=st.sampled_from(PATHS),
    ending=st.sampled_from([".json", ".xml"]),
    pairs=st.lists(st.tuples(st.sampled_from(NAMES), raw_text), max_size=3),
)
def test_any_question(client: TestClient, path: str, ending: str, pairs: list[tuple[str, bytes]]) -> None:
    check(client.get(f"{V2}/{path}{ending}?{query(pairs)}"), path + ending)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", NASTY)
def test_nasty_values(client: TestClient, name: str, value: str | bytes) -> None:
    raw = value if isinstance(value, bytes) else value.encode()
    for path in ("requests.json", "servicerequestupdates.xml"):
        check(client.get(f"{V2}/{path}?{query([(name, raw)])}"), path)


@FEW
@given(place=st.sampled_from(["requests", "services", "tokens", "nothing"]), name=raw_text)
def test_any_path(client: TestClient, place: str, name: bytes) -> None:
    for ending in (".json", ".xml"):
        check(client.get(f"{V2}/{place}/{quote_from_bytes(name, safe='')}{ending}"), ending)


@FEW
@given(data=st.data())
def test_any_form(own_client_of_the_module: TestClient, data: st.DataObject) -> None:
    fields = {name: value.encode() for name, value in FORM.items()}
    for name in data.draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=3)):
        fields[name] = data.draw(raw_text)
    body = query(list(fields.items())).encode()
    for ending in (".json", ".xml"):
        answer = own_client_of_the_module.post(f"{V2}/requests{ending}", content=body, headers=FORM_TYPE)
        check(answer, ending)
    assert own_client_of_the_module.get("/reconciliation").json()["adds_up"]


@FEW
@given(content=st.binary(max_size=200), kind=st.sampled_from([*FORM_TYPE.values(), "text/xml", "multipart/form-data"]))
def test_any_body(own_client_of_the_module: TestClient, content: bytes, kind: str) -> None:
    headers = {"Content-Type": kind, "X-API-Key": KEY}
    check(own_client_of_the_module.post(f"{V2}/requests.json", content=content, headers=headers), ".json")


@FEW
@given(text=st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=50))
def test_any_text_comes_back(own_client_of_the_module: TestClient, text: str) -> None:
    sent = own_client_of_the_module.post(f"{V2}/requests.json", data=FORM | {"description": text})
    assert sent.status_code == 200, sent.text
    path = f"{V2}/requests/{sent.json()[0]['service_request_id']}"
    (found,) = own_client_of_the_module.get(f"{path}.json").json()
    assert found["description"] == (text.strip() or None)
    check(own_client_of_the_module.get(f"{path}.xml"), ".xml")
