"""Validators and 304 (RFC 9110, 8.8 and 13; Features Part 1, recommendation /rec/core/etag), for every GET route."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import Engine, event, text

from api.app import CONNECTIONS
from gis.collections.catalogue import COLLECTIONS
from gis.settings import settings
from gis.store.database import bump_version, create_database_engine
from tests.api.conftest import KEY, open_client
from tests.conformance.asking import HERE, got, ids
from tests.conformance.claims import shows

WINDOW = "from=2016-05-01&to=2016-05-21"
OGC = [
    "/",
    "/conformance",
    "/collections",
    *(f"/collections/{one}{rest}" for one in HERE for rest in ("", "/queryables", "/items", "/tiles")),
    "/collections/cells/items/990101001001",
    "/collections/reports/items/patrol:T0000?crs=http://www.opengis.net/def/crs/EPSG/0/4547",
    "/collections/reports/items?limit=3&sortby=-day&filter=chaos='parking'",
    "/collections/cells/items?f=html&lang=en",
    "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad",
    "/collections/cells/tiles/WebMercatorQuad",
    "/collections/cells/tiles/WebMercatorQuad/12/1617/3340",
    "/collections/density-streets/tiles/WebMercatorQuad/12/1617/3340",
    "/tiles/cells.json",
    "/tiles/roads/12/3340/1617.mvt",
    "/tiles/reports/14/13363/6468.mvt",
    "/openapi.json",
]
OTHERS = [
    f"/density?level=cell&{WINDOW}",
    f"/density?level=street&{WINDOW}&f=geojson",
    f"/roads/density?{WINDOW}",
    f"/hotspots?level=street&{WINDOW}",
    "/staffing/proposal?people=5",
    "/staffing",
    "/areas",
    "/categories",
    "/sources",
    f"/reconciliation?{WINDOW}",
    f"/reports?{WINDOW}",
    "/reports/patrol/T0000",
    "/imports",
    "/imports/1",
    "/maps/heatmap",
]
ROUTES = [*OGC, *OTHERS]
EVERY_SPELLING = ("/", "/collections/cells/items", "/tiles/roads/12/3340/1617.mvt", "/areas")
TAG = re.compile(r'(W/)?"[^"]*"')
PLAIN = {"Accept-Encoding": "identity"}
KEPT = ("etag", "cache-control", "vary", "last-modified", "content-location", "expires")
"""Headers that a 304 sends as the 200 would (RFC 9110, 15.4.5)."""


@pytest.fixture(scope="module")
def client(own_client: TestClient) -> TestClient:
    """A city of this module's own."""
    return own_client


@pytest.fixture
def statements() -> Iterator[list[str]]:
    """What requests say to the database through any engine; the look at the data versions goes past them."""
    said: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_: object) -> None:
        # The threads that keep the ground true and tell webhooks ask on their own account.
        if threading.current_thread().name not in ("ground-lease", "webhooks"):
            said.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    yield said
    event.remove(Engine, "before_cursor_execute", note)


def wait_for_quiet(statements: list[str]) -> None:
    """An answer may leave work behind that makes the next one faster; then nothing more is said."""
    said = -1
    while said != len(statements):
        said = len(statements)
        time.sleep(0.03)


def change(engine: Engine, *layers: str) -> None:
    with engine.begin() as conn:
        bump_version(conn, *layers)


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", ROUTES)
def test_what_did_not_change_is_not_sent_again(client: TestClient, path: str, statements: list[str]) -> None:
    first = client.get(path)
    assert first.status_code == 200, first.text
    assert TAG.fullmatch(first.headers["etag"])
    assert "no-cache" in first.headers["cache-control"]
    if "/items" in path:
        wait_for_quiet(statements)
    statements.clear()
    again = client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert not statements, "304 touches no row"
    for name in KEPT:
        assert again.headers.get(name) == first.headers.get(name), name
    assert "content-type" not in again.headers
    assert "content-length" not in again.headers


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", ["/collections/cells/items", "/collections", f"/density?level=cell&{WINDOW}"])
def test_what_changed_is_read_anew(client: TestClient, own_engine: Engine, path: str, statements: list[str]) -> None:
    """And the test above would have seen it."""
    tag = client.get(path).headers["etag"]
    change(own_engine, "cells", "areas")
    statements.clear()
    assert client.get(path, headers={"If-None-Match": tag}).status_code == 200
    assert statements


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", ROUTES)
def test_tags_are_compared_weakly_and_in_lists(client: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]
    opaque = tag.removeprefix("W/")
    same = (opaque, f'W/"a,b",{opaque} , "z"', f'"other", {tag}', f"  {tag}  ", "*")
    for sent in same if path in EVERY_SPELLING else same[:2]:
        assert client.get(path, headers={"If-None-Match": sent}).status_code == 304, sent
    other = ('"other"', f'"x{opaque[1:]}', opaque.strip('"'), f'"{opaque}"', "", 'W/""')
    for sent in other if path in EVERY_SPELLING else other[:2]:
        assert client.get(path, headers={"If-None-Match": sent}).status_code == 200, sent
    several = client.get(path, headers=[("If-None-Match", '"other"'), ("If-None-Match", tag)])
    assert several.status_code == 304


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", ROUTES)
def test_the_time_of_change_is_a_validator_too(client: TestClient, path: str) -> None:
    first = client.get(path)
    if "last-modified" not in first.headers:
        for sent in (format_datetime(datetime.now(UTC) + timedelta(days=1), usegmt=True),):
            known = client.get(path, headers={"If-Modified-Since": sent})
            assert known.status_code == 200, "nothing said when it changed"
        return
    changed = parsedate_to_datetime(first.headers["last-modified"])
    assert changed <= datetime.now(UTC)
    for seconds, status in ((0, 304), (3600, 304), (-1, 200)):
        since = format_datetime(changed + timedelta(seconds=seconds), usegmt=True)
        answer = client.get(path, headers={"If-Modified-Since": since})
        assert answer.status_code == status, since
    for wrong in ("yesterday", "", "2016-05-01", "Mon, 99 Foo 2016 00:00:00 GMT") if path in EVERY_SPELLING else ():
        assert client.get(path, headers={"If-Modified-Since": wrong}).status_code == 200
    # The tag outranks the time (RFC 9110, 13.1.3).
    both = {"If-None-Match": '"other"', "If-Modified-Since": first.headers["last-modified"]}
    assert client.get(path, headers=both).status_code == 200


@shows("features-1/core", "http")
@pytest.mark.parametrize("path", ROUTES)
def test_head_is_get_without_its_body(client: TestClient, path: str) -> None:
    whole = client.get(path, headers=PLAIN)
    head = client.head(path, headers=PLAIN)
    assert head.status_code == whole.status_code
    assert head.content == b""
    assert head.headers == whole.headers
    tag = {"If-None-Match": whole.headers["etag"]}
    assert client.head(path, headers=tag).status_code == 304


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("collection", HERE)
def test_a_change_of_any_layer_behind_a_collection_changes_its_tag(
    client: TestClient, own_engine: Engine, collection: str
) -> None:
    path = f"/collections/{collection}/items"
    layers = COLLECTIONS[collection].layers
    for layer in ("city", *layers):
        before = client.get(path).headers["etag"]
        change(own_engine, layer)
        after = client.get(path, headers={"If-None-Match": before})
        assert after.status_code == 200, layer
        assert after.headers["etag"] != before
    others = {"areas", "cells", "roads", "reports", "categories", "coordinators"} - set(layers)
    before = client.get(path).headers["etag"]
    change(own_engine, *others)
    assert client.get(path, headers={"If-None-Match": before}).status_code == 304


@shows("features-1/core", "http", "http", "/rec/core/etag")
def test_another_form_or_language_is_another_answer(client: TestClient) -> None:
    forms = [
        {"params": {"f": "json"}},
        {"params": {"f": "html", "lang": "en"}},
        {"params": {"f": "html", "lang": "zh"}},
    ]
    for path in ("/", "/collections", "/collections/cells", "/collections/cells/items"):
        tags = [client.get(path, **form).headers["etag"] for form in forms]
        assert len(set(tags)) == len(tags)
        accepting = client.get(path, headers={"Accept": "text/html", "Accept-Language": "en", "If-None-Match": tags[0]})
        assert accepting.status_code == 200
        assert accepting.headers["content-type"].startswith("text/html")


@pytest.fixture(scope="module")
def second(own_engine: Engine) -> Iterator[TestClient]:
    """A second worker over the same database."""
    engine = create_database_engine(own_engine.url.render_as_string(hide_password=False), pool_size=CONNECTIONS)
    with open_client(engine) as client:
        yield client
    engine.dispose()


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", [one for one in OGC if "f=html" not in one])
def test_two_workers_give_the_same_tag(client: TestClient, second: TestClient, path: str) -> None:
    tag = client.get(path).headers["etag"]
    assert second.get(path).headers["etag"] == tag
    assert second.get(path, headers={"If-None-Match": tag}).status_code == 304


@shows("features-1/core", "http", "http", "/rec/core/etag")
def test_a_write_through_one_worker_is_seen_by_the_other_at_once(
    client: TestClient, second: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FINEGRID_API_KEY", KEY)
    settings.cache_clear()
    paths = ["/collections/reports/items?limit=1", "/collections/density-cells/items", "/collections/reports"]
    for number in range(5):
        writer, reader = (client, second) if number % 2 else (second, client)
        tags = {path: reader.get(path).headers["etag"] for path in paths}
        matched = got(reader, paths[0])["numberMatched"]
        told = {
            "source": "patrol",
            "source_ref": f"W{number}",
            "reported_at": "2016-05-03T08:30:00+08:00",
            "category": "event:0501",
            "datum": "wgs84",
            "lon": 113.6005,
            "lat": 34.7005,
        }
        answer = writer.post("/reports", json=told, headers={"X-API-Key": KEY})
        assert answer.status_code in (200, 201), answer.text
        for path, tag in tags.items():
            after = reader.get(path, headers={"If-None-Match": tag})
            assert after.status_code == 200, path
            assert after.headers["etag"] != tag
        assert got(reader, paths[0])["numberMatched"] == matched + 1
        assert f"patrol:W{number}" in ids(reader, "reports")


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("seconds", [0, 59, 61])
def test_the_time_of_change_is_not_sent_within_a_minute(client: TestClient, own_engine: Engine, seconds: int) -> None:
    """A change is dated before it is committed, and another one of that second would hide behind it."""
    path = "/collections/roads/items"
    change(own_engine, "roads")
    with own_engine.begin() as conn:
        age = text("UPDATE data_versions SET changed_at = now() - make_interval(secs => :s)")
        conn.execute(age, {"s": seconds})
    since = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    answer = client.get(path, headers={"If-Modified-Since": since})
    assert answer.status_code == (304 if seconds > 60 else 200)
    assert ("last-modified" in answer.headers) == (seconds > 60)


@shows("features-1/core", "http", "http", "/rec/core/etag")
@pytest.mark.parametrize("path", ["/collections/staffing/items", "/staffing"])
def test_what_changes_with_the_day_has_no_time_of_change(client: TestClient, path: str) -> None:
    assert "last-modified" not in client.get(path).headers


@shows("features-1/core", "http", "http", "/rec/core/etag")
def test_refusals_are_not_kept(client: TestClient) -> None:
    for path in ("/collections/nothing", "/collections/cells/items?limit=x", "/collections/cells/items/nothing"):
        answer = client.get(path)
        assert answer.status_code in (400, 404)
        assert "etag" not in answer.headers
