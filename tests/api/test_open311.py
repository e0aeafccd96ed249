"""Open311 GeoReport v2 over the tiny city: what the specification says, in both forms."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from xml.etree.ElementTree import Element

import pytest
from defusedxml.ElementTree import fromstring
from fastapi.testclient import TestClient
from sqlalchemy import Engine, text

from gis.cases import Move, record
from gis.open311.documents import ITEMS
from gis.settings import settings
from tests.api.conftest import KEY
from tests.api.tiny import CATEGORIES, Tiny

V2 = "/open311/v2"
WINDOW = "start_date=2016-05-01&end_date=2016-05-31"
CAR = {"api_key": KEY, "service_code": "event:0505", "lat": "34.7035", "long": "113.6005"}
SECRETS = {
    "email": "wang.xiaoming@example.org",
    "phone": "13800138000",
    "first_name": "Xiaoming-Geheim",
    "last_name": "Wang-Geheim",
    "device_id": "tt222111-device",
    "account_id": "account-98765",
}
FIELDS = [
    *("service_request_id", "status", "status_notes", "service_name", "service_code", "description"),
    *("agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime"),
    *("address", "address_id", "zipcode", "lat", "long", "media_url"),
]


def plain(element: Element) -> Any:
    """XML as the specification's mapping makes JSON of it, all values as text."""
    if ITEMS.get(element.tag):
        assert {one.tag for one in element} <= {ITEMS[element.tag]}
        return [plain(one) for one in element]
    return {one.tag: plain(one) for one in element} if len(element) else element.text


def as_texts(value: Any) -> Any:
    if isinstance(value, list):
        return [as_texts(one) for one in value]
    if isinstance(value, dict):
        return {name: as_texts(one) for name, one in value.items()}
    if isinstance(value, bool):
        return str(value).lower()
    return None if value in (None, "") else str(value)


def both(client: TestClient, path: str, query: str = "") -> Any:
    """An answer in JSON, after its XML was found to say the same."""
    found = client.get(f"{path}.json?{query}")
    assert found.status_code == 200, found.text
    assert found.headers["content-type"] == "application/json; charset=utf-8"
    xml = client.get(f"{path}.xml?{query}")
    assert xml.headers["content-type"] == "text/xml; charset=utf-8"
    assert xml.text.startswith('<?xml version="1.0" encoding="utf-8"?>\n')
    assert plain(fromstring(xml.content)) == as_texts(found.json())
    return found.json()


def send(client: TestClient, **changes: str) -> str:
    answer = client.post(f"{V2}/requests.json", data=CAR | changes)
    assert answer.status_code == 200, answer.text
    (told,) = answer.json()
    assert list(told) == ["service_request_id", "service_notice", "account_id"]
    return str(told["service_request_id"])


def one(client: TestClient, identifier: str, language: str = "en", **query: str) -> dict[str, Any]:
    found = client.get(f"{V2}/requests/{identifier}.json", headers={"Accept-Language": language}, params=query)
    (request,) = found.json()
    return dict(request)


def move(engine: Engine, case_id: int, name: str, **facts: Any) -> None:
    now = datetime.now(UTC)
    with engine.begin() as conn:
        record(conn, case_id, Move(name, "centre", now, **facts), now)


def test_discovery(client: TestClient) -> None:
    found = both(client, "/open311/discovery")
    assert found == both(client, f"{V2}/discovery")
    assert list(found) == ["changeset", "contact", "key_service", "endpoints"]
    (endpoint,) = found["endpoints"]
    assert endpoint["specification"] == "http://wiki.open311.org/GeoReport_v2"
    assert endpoint["url"] == f"http://testserver{V2}"
    assert endpoint["formats"] == ["text/xml", "application/json"]
    assert all(found.values())


def test_discovery_says_whom_to_ask(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FINEGRID_CONTACT", "12345@tiny.example")
    settings.cache_clear()
    assert client.get("/open311/discovery.json").json()["contact"] == "12345@tiny.example"


def test_services_are_the_dictionary(client: TestClient) -> None:
    found = both(client, f"{V2}/services")
    assert [row["service_code"] for row in found] == sorted(f"{kind}:{code}" for kind, code, *_ in CATEGORIES)
    car = next(row for row in found if row["service_code"] == "event:0505")
    assert car["service_name"] == "机动车乱停放 Cars parked chaotically"
    assert (car["metadata"], car["type"], car["group"]) == (False, "realtime", "parking")
    english = client.get(f"{V2}/services.json", headers={"Accept-Language": "fr, en;q=0.5"}).json()
    assert [row["service_name"] for row in english][-1] == "Cars parked chaotically"
    chinese = client.get(f"{V2}/services.json", headers={"Accept-Language": "zh-CN,zh;q=0.9,en;q=0.8"}).json()
    assert [row["service_name"] for row in chinese][-1] == "机动车乱停放"


def test_a_service_has_no_attributes(client: TestClient) -> None:
    assert both(client, f"{V2}/services/event:0505")["service_code"] == "event:0505"
    assert client.get(f"{V2}/services/event:0505.json").json()["attributes"] == []


def test_requests_of_a_window_are_the_reports(client: TestClient, facts: Tiny) -> None:
    found = both(client, f"{V2}/requests", WINDOW)
    assert len(found) == len(facts.reports)
    assert list(found[0]) == FIELDS
    times = [row["requested_datetime"] for row in found]
    assert times == sorted(times, reverse=True)
    known = {f"{row['source']}:{row['id']}": row for row in facts.reports}
    for row in found:
        report = known[row["service_request_id"]]
        assert row["requested_datetime"] == report["time"].replace(" ", "T") + "+08:00"
        assert (row["lat"], row["long"]) == (float(report["lat"]), float(report["lon"]))
        assert row["service_code"] == f"{report['category_kind']}:{report['category']}"
        assert (row["status"], row["description"]) == ("open", report["description"] or None)


def test_both_ends_of_a_window_are_included(client: TestClient, facts: Tiny) -> None:
    counts = Counter(row["time"] for row in facts.reports)
    instant, count = counts.most_common(1)[0]
    at = instant.replace(" ", "T") + "+08:00"
    for text_of_it in (at, at.replace("+", "%2B")):
        found = client.get(f"{V2}/requests.json?start_date={text_of_it}&end_date={text_of_it}").json()
        assert len(found) == count > 1


def test_services_and_states_choose(client: TestClient, facts: Tiny) -> None:
    counts = Counter(f"{row['category_kind']}:{row['category']}" for row in facts.reports)
    two = client.get(f"{V2}/requests.json?{WINDOW}&service_code=event:0505, event:0501").json()
    assert len(two) == counts["event:0505"] + counts["event:0501"]
    again = client.get(f"{V2}/requests.json?{WINDOW}&service_code=event:0505&service_code=event:0501&status=").json()
    assert again == two
    assert client.get(f"{V2}/requests.json?{WINDOW}&status=closed").json() == []
    assert len(client.get(f"{V2}/requests.json?{WINDOW}&status=OPEN,closed").json()) == len(facts.reports)


def test_pages(client: TestClient, facts: Tiny) -> None:
    whole = client.get(f"{V2}/requests.json?{WINDOW}").json()
    address, pages = f"{V2}/requests.json?{WINDOW}&page_size=150", []
    while address:
        answer = client.get(address)
        pages.append(answer.json())
        address = answer.links.get("next", {}).get("url")
    assert [len(page) for page in pages] == [150, 150, 150, 50]
    assert [row for page in pages for row in page] == whole
    assert client.get(f"{V2}/requests.json?{WINDOW}&page=&page_size=").json() == whole
    assert len(client.get(f"{V2}/requests.json?{WINDOW}&page_size=99999").json()) == len(facts.reports)


def test_several_by_id_override_everything(client: TestClient) -> None:
    ids = [row["service_request_id"] for row in client.get(f"{V2}/requests.json?{WINDOW}&page_size=3").json()]
    found = both(client, f"{V2}/requests", f"service_request_id={ids[2]},{ids[0]},nix:1&status=closed")
    assert [row["service_request_id"] for row in found] == [ids[2], ids[0]]
    assert both(client, f"{V2}/requests/{ids[1]}")[0]["service_request_id"] == ids[1]
    assert both(client, f"{V2}/tokens/{ids[1]}") == [{"service_request_id": ids[1], "token": ids[1]}]


def test_a_citizens_request_lands_in_its_cell_and_category(own_client: TestClient, key: dict[str, str]) -> None:
    before = own_client.get("/reconciliation").json()["accepted"]
    identifier = send(
        own_client,
        description="一辆车\n<b>&\x01",
        media_url="https://example.org/a.jpg",
        address_string="中山路1号",
        address_id="77",
    )
    found = one(own_client, identifier)
    assert (found["lat"], found["long"], found["service_code"]) == (34.7035, 113.6005, "event:0505")
    assert found["description"] == "一辆车\n<b>&\x01"
    assert (found["media_url"], found["address"], found["address_id"]) == (
        "https://example.org/a.jpg",
        "中山路1号",
        "77",
    )
    xml = fromstring(own_client.get(f"{V2}/requests/{identifier}.xml").content)
    assert xml.findtext("request/description") == "一辆车\n<b>&\N{REPLACEMENT CHARACTER}"
    source, _, ref = identifier.partition(":")
    report = own_client.get(f"/reports/{source}/{ref}").json()
    assert (report["source_kind"], report["cell"], report["category"]) == ("citizen", "990101001001", "event:0505")
    sums = own_client.get("/reconciliation").json()
    assert sums["adds_up"]
    assert sums["accepted"] == before + 1
    case_id = one(own_client, identifier, extensions="true")["extended_attributes"]["case_id"]
    assert own_client.get(f"/cases/{case_id}").json()["source_ref"] == ref


def test_states_of_the_case_are_open_and_closed_with_notes(
    own_client: TestClient, own_engine: Engine, key: dict[str, str]
) -> None:
    first, second = send(own_client), send(own_client)
    case_id = one(own_client, first, extensions="true")["extended_attributes"]["case_id"]
    assert one(own_client, second, extensions="true")["extended_attributes"]["case_id"] == case_id
    assert one(own_client, first)["status_notes"] == "reported; one of 2 reports of the same problem"
    with own_engine.begin() as conn:
        conn.execute(text("INSERT INTO departments (code, name, name_en) VALUES ('JJ', '交警', 'Traffic police')"))
    for name, facts in (("verify", {}), ("accept", {}), ("file", {}), ("dispatch", {"department": "JJ"})):
        move(own_engine, case_id, name, **facts)
    found = one(own_client, first)
    assert (found["status"], found["agency_responsible"]) == ("open", "Traffic police")
    assert found["status_notes"].startswith("sent to the department that handles it; due 2")
    assert one(own_client, first, "zh")["status_notes"].startswith("已派遣；限 2")
    assert one(own_client, first, "zh")["agency_responsible"] == "交警"
    case = own_client.get(f"/cases/{case_id}").json()
    assert datetime.fromisoformat(found["expected_datetime"]) == datetime.fromisoformat(case["due_at"]).replace(
        microsecond=0
    )
    for name in ("handle", "check", "close"):
        move(own_engine, case_id, name)
    ended = own_client.get(f"/cases/{case_id}").json()["ended_at"]
    for identifier in (first, second):
        found = one(own_client, identifier)
        assert (found["status"], found["expected_datetime"]) == ("closed", None)
        assert found["status_notes"] == "closed; one of 2 reports of the same problem"
        assert datetime.fromisoformat(found["updated_datetime"]) == datetime.fromisoformat(ended).replace(microsecond=0)
    closed = own_client.get(f"{V2}/requests.json?status=closed").json()
    assert {row["service_request_id"] for row in closed} == {first, second}
    assert own_client.get(f"{V2}/requests.json?status=open").json() == []


def test_a_void_case_is_closed_and_says_why(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> None:
    identifier = send(own_client)
    case_id = one(own_client, identifier, extensions="true")["extended_attributes"]["case_id"]
    move(own_engine, case_id, "void", reason="车已开走")
    found = one(own_client, identifier)
    assert (found["status"], found["status_notes"]) == ("closed", "void: it was no case; reason: 车已开走")


def test_a_request_of_a_merged_case_follows_the_other_one(
    own_client: TestClient, own_engine: Engine, key: dict[str, str]
) -> None:
    first, second = send(own_client), send(own_client, lat="34.7035", long="113.6012")
    ids = [one(own_client, each, extensions="true")["extended_attributes"]["case_id"] for each in (first, second)]
    assert ids[0] != ids[1]
    with own_engine.begin() as conn:  # brought near, as merging wants it
        conn.execute(
            text("UPDATE cases SET geom = (SELECT geom FROM cases WHERE id = :a) WHERE id = :b"),
            dict(zip("ab", ids, strict=True)),
        )
    move(own_engine, ids[1], "merge", other=ids[0], reason="same car")
    found = one(own_client, second, extensions="true")
    assert (found["status"], found["extended_attributes"]["case_id"]) == ("open", ids[0])
    assert found["status_notes"] == "reported; one of 2 reports of the same problem"


def test_updates_tell_what_happened_in_order(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> None:
    identifier = send(own_client)
    other = send(own_client, service_code="event:0501")
    case_id = one(own_client, identifier, extensions="true")["extended_attributes"]["case_id"]
    move(own_engine, case_id, "verify")
    move(own_engine, case_id, "arrive")
    move(own_engine, case_id, "void", reason="gone")
    found = both(own_client, f"{V2}/servicerequestupdates", f"service_request_id={identifier}")
    assert [list(row) for row in found] == [
        ["update_id", "service_request_id", "status", "updated_datetime", "description", "media_url"]
    ] * 4
    assert [row["status"] for row in found] == ["open", "open", "open", "closed"]
    english = own_client.get(
        f"{V2}/servicerequestupdates.json?service_request_id={identifier}", headers={"Accept-Language": "en"}
    ).json()
    assert [row["description"] for row in english] == [
        *("reported", "verified on the spot", "the responsible person is on the spot"),
        "void: it was no case; reason: gone",
    ]
    every = own_client.get(f"{V2}/servicerequestupdates.json").json()
    assert len(every) == 5
    assert len({row["update_id"] for row in every}) == 5
    assert {row["service_request_id"] for row in every} == {identifier, other}
    pages = [own_client.get(f"{V2}/servicerequestupdates.json?page_size=2&page={page}").json() for page in (1, 2, 3, 4)]
    assert [row for page in pages for row in page] == every
    late = (datetime.now(UTC) + timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert own_client.get(f"{V2}/servicerequestupdates.json?start_date={late}").json() == []
    assert own_client.get(f"{V2}/servicerequestupdates.json?service_request_id=nix:1").json() == []


def test_what_happened_before_a_request_is_not_its_own_update(
    own_client: TestClient, own_engine: Engine, key: dict[str, str]
) -> None:
    first, second = send(own_client), send(own_client)
    move(own_engine, 1, "verify")
    with own_engine.begin() as conn:  # as if it had come in between
        later = "SELECT max(at) FROM case_events"
        conn.execute(
            text(f"UPDATE reports SET reported_at = ({later}) WHERE source_ref = :ref"),
            {"ref": second.partition(":")[2]},
        )
    answer = own_client.get(f"{V2}/servicerequestupdates.json", headers={"Accept-Language": "en"}).json()
    told = [(row["service_request_id"], row["description"]) for row in answer]
    assert told == [
        *((first, "reported"), (first, "a further report of the same problem")),
        *((first, "verified on the spot"), (second, "verified on the spot")),
    ]


def test_who_reports_is_kept_apart_and_shown_nowhere(
    own_client: TestClient, own_engine: Engine, key: dict[str, str]
) -> None:
    identifier = send(own_client, description="a car", **SECRETS)
    with own_engine.begin() as conn:
        (row,) = conn.execute(text("SELECT * FROM open311_contacts")).mappings()
        assert {name: row[name] for name in SECRETS} == SECRETS
        assert f"open311:{row['source_ref']}" == identifier
    ref = identifier.partition(":")[2]
    paths = [
        *(f"{V2}/{name}.{form}" for name in ("requests", f"requests/{identifier}") for form in ("json", "xml")),
        *(
            f"{V2}/servicerequestupdates.json",
            f"{V2}/requests.json?extensions=true",
            "/reports?from=2020-01-01&to=2099-01-01",
            "/imports",
        ),
        *(f"/reports/open311/{ref}", "/cases", "/cases/1", "/collections/reports/items", "/collections/cases/items"),
        *("/collections/reports/items?f=html", "/metrics"),
    ]
    for path in paths:
        answer = own_client.get(path)
        assert answer.status_code == 200 or "/collections/cases" in path, path
        assert not [value for value in SECRETS.values() if value in answer.text], path
    assert "a car" in own_client.get(f"{V2}/requests.json").text  # so that the test would see them


def test_without_contact_nothing_is_kept(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> None:
    send(own_client, email=" ")
    with own_engine.begin() as conn:
        assert conn.execute(text("SELECT count(*) FROM open311_contacts")).scalar() == 0
        assert conn.execute(text("SELECT count(*) FROM open311_requests")).scalar() == 0


def test_outside_every_cell_or_without_coordinates(own_client: TestClient, key: dict[str, str]) -> None:
    outside = send(own_client, lat="34.9", long="113.9")
    found = one(own_client, outside, extensions="true")
    assert (found["lat"], found["extended_attributes"]["cell"]) == (34.9, None)
    assert found["extended_attributes"]["case_id"]
    nowhere = send(own_client, lat="", long="", address_string="火车站对面")
    found = one(own_client, nowhere)
    assert (found["lat"], found["long"], found["address"]) == (None, None, "火车站对面")
    sums = own_client.get("/reconciliation?from=2020-01-01&to=2099-01-01").json()
    assert (sums["outside"], sums["no_position"], sums["in_cells"]) == (1, 1, 0)


def test_no_answer_is_stale(own_client: TestClient, own_engine: Engine, key: dict[str, str]) -> None:
    identifier = send(own_client)
    path = f"{V2}/requests/{identifier}.json"
    tag = own_client.get(path).headers["etag"]
    assert own_client.get(path, headers={"If-None-Match": tag}).status_code == 304
    move(own_engine, 1, "verify")
    changed = own_client.get(path, headers={"If-None-Match": tag, "Accept-Language": "en"})
    assert changed.status_code == 200
    assert changed.json()[0]["status_notes"] == "verified on the spot"


def test_numbers_that_an_import_took_are_passed_over(own_client: TestClient, key: dict[str, str]) -> None:
    report = {"source": "open311", "source_kind": "media", "source_ref": "1", "datum": "wgs84", "lon": 113.6005}
    report |= {"lat": 34.7035, "reported_at": "2016-05-03T08:30:00+08:00", "category": "0505"}
    assert own_client.post("/reports", json=report, headers=key).status_code == 201
    assert send(own_client) == "open311:2"


def test_requests_at_the_same_moment_get_different_ids(own_client: TestClient, key: dict[str, str]) -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: send(own_client), range(12)))
    assert len(set(found)) == 12
    assert len({one(own_client, each, extensions="true")["extended_attributes"]["case_id"] for each in found}) == 1
    assert own_client.get("/reconciliation").json()["adds_up"]
