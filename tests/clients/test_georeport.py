"""georeport, a client of Open311 for Python, asks for services and requests and reports something."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests
from georeport import GeoReport
from sqlalchemy import Engine

from api.app import create_app
from tests.api.conftest import KEY, key, own_engine
from tests.api.running import running
from tests.api.tiny import CATEGORIES, Tiny
from tests.clients.conftest import Served

__all__ = ["key", "own_engine"]
FORMS = ("json", "xml")


@pytest.fixture(params=FORMS)
def reader(request: pytest.FixtureRequest, served: Served) -> GeoReport:
    return GeoReport(f"{served.address}/open311/v2", jurisdiction="tiny", output_format=request.param)


def test_services(reader: GeoReport) -> None:
    found = {one["service_code"]: one for one in reader.get_service_list()}
    assert set(found) == {f"{kind}:{code}" for kind, code, *_ in CATEGORIES}
    assert found["event:0505"]["service_name"] == "机动车乱停放 Cars parked chaotically"
    assert reader.get_service_definition("event:0505")["service_code"] == "event:0505"


def test_requests_of_a_window(reader: GeoReport, facts: Tiny) -> None:
    start, end = "2016-05-03T00:00:00+08:00", "2016-05-05T23:59:59+08:00"
    found = reader.get_service_requests(start_date=start, end_date=end)
    expected = {
        f"{one['source']}:{one['id']}" for one in facts.reports if "2016-05-03" <= one["time"][:10] <= "2016-05-05"
    }
    assert {one["service_request_id"] for one in found} == expected
    for status in ("open", "closed"):
        chosen = reader.get_service_requests(service_code="event:0505", start_date=start, end_date=end, status=status)
        assert {one["service_request_id"] for one in chosen} == {
            one["service_request_id"] for one in found if (one["service_code"], one["status"]) == ("event:0505", status)
        }
    assert {one["status"] for one in found} == {"open", "closed"}
    one = reader.get_service_request(found[0]["service_request_id"])
    assert one == dict(found[0])


def test_another_jurisdiction(served: Served) -> None:
    other = GeoReport(f"{served.address}/open311/v2", jurisdiction="boston")
    with pytest.raises(requests.HTTPError) as refused:
        other.get_service_list()
    assert refused.value.response.json()[0]["code"] == 404


@pytest.fixture
def own_address(own_engine: Engine, key: dict[str, str]) -> Iterator[str]:
    with running(create_app(own_engine)) as address:
        yield f"{address}/open311/v2"


@pytest.mark.parametrize("form", FORMS)
def test_reporting_and_following(own_address: str, form: str) -> None:
    client = GeoReport(own_address, jurisdiction="tiny", api_key=KEY, output_format=form)
    # The client only reads; this is the request of the specification's example.
    form_fields = {"api_key": KEY, "service_code": "event:0505", "lat": "34.7035", "long": "113.6005"}
    form_fields |= {"email": "wang@example.org", "first_name": "小明", "description": "一辆车停在人行道上"}
    sent = requests.post(f"{own_address}/requests.json", data=form_fields, timeout=30)
    (told,) = sent.json()
    found = client.get_service_request(told["service_request_id"])
    assert (found["status"], found["description"]) == ("open", "一辆车停在人行道上")
    assert (float(found["lat"]), float(found["long"])) == (34.7035, 113.6005)
    assert "wang" not in str(found)
    by_id = client.get_service_requests(service_request_id=told["service_request_id"])
    assert dict(by_id[0] if isinstance(by_id, list) else by_id) == found
