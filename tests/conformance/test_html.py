"""HTML (Features Part 1, clause 8.2; Common): every resource as a page with the same facts and links."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import quote, urljoin, urlsplit

import pytest
from fastapi.testclient import TestClient

from tests.conformance.asking import HERE, got
from tests.conformance.claims import shows

BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
HTML = "text/html; charset=utf-8"
PATHS = [
    "/",
    "/conformance",
    "/collections",
    *(f"/collections/{one}{rest}" for one in HERE for rest in ("", "/queryables", "/items")),
    "/collections/cells/items/990101001001",
    "/collections/reports/items/patrol:H1",
    "/collections/staffing/items/990101001:key",
    "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad",
    "/collections/cells/tiles",
    "/collections/cells/tiles/WebMercatorQuad",
]


class Reader(HTMLParser):
    """What a person reads and where the links go; tags must close in order."""

    VOID = frozenset({"meta", "link", "img", "br", "hr", "input", "wbr", "source", "col"})

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.hrefs: list[str] = []
        self.open: list[str] = []
        self.lang: str | None = None
        self.feed(page)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "html":
            self.lang = given.get("lang")
        if tag == "a" and given.get("href"):
            self.hrefs.append(str(given["href"]))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "script" not in self.open and "style" not in self.open:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(client: TestClient, path: str, lang: str = "en") -> Reader:
    answer = client.get(path, params={"f": "html", "lang": lang})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == HTML
    return Reader(answer.text)


@shows("features-1/html", "definition")
@shows("common-1/html", "definition")
@pytest.mark.parametrize("path", PATHS)
def test_browsers_get_pages_and_programs_json(client: TestClient, path: str) -> None:
    page = client.get(path, headers={"Accept": BROWSER})
    assert (page.status_code, page.headers["content-type"]) == (200, HTML)
    assert "Accept" in page.headers["vary"]
    assert client.get(path, params={"f": "html"}).headers["content-type"] == HTML
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.3"):
        assert "json" in client.get(path, headers={"Accept": accept}).headers["content-type"]


@shows("features-1/html", "content")
@shows("common-1/html", "content")
@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize("path", PATHS)
def test_pages_are_whole_and_in_the_language_asked_for(client: TestClient, path: str, lang: str) -> None:
    page = page_of(client, path, lang)
    assert page.lang is not None
    assert page.lang.startswith(lang)
    assert page.text
    for href in page.hrefs:
        assert urlsplit(href).scheme in ("", "http", "https"), href


@shows("features-1/html", "content")
@shows("common-1/html", "content")
@pytest.mark.parametrize("path", ["/", "/collections", "/collections/cells", "/collections/cells/items"])
def test_links_of_a_page_lead_somewhere(client: TestClient, path: str) -> None:
    page = page_of(client, path)
    ours = {urljoin(f"http://testserver{path}", href) for href in page.hrefs}
    ours = {href for href in ours if href.startswith("http://testserver/") and "/export" not in href}
    assert len(ours) > 5
    for href in ours:
        assert client.get(href.partition("#")[0], headers={"Accept": BROWSER}).status_code == 200, href


@shows("features-1/html", "content")
@shows("common-1/html", "content")
def test_pages_show_what_the_documents_say(client: TestClient) -> None:
    front = page_of(client, "/").text
    assert "Tiny" in front
    declared = page_of(client, "/conformance").text
    for one in got(client, "/conformance")["conformsTo"]:
        assert one in declared or one.rpartition("/")[2] in declared
    listed = page_of(client, "/collections").text
    for one in got(client, "/collections")["collections"]:
        assert one["title"] in listed


@shows("features-1/html", "content")
@pytest.mark.parametrize("collection", HERE)
def test_pages_of_features_show_their_identifiers_and_values(client: TestClient, collection: str) -> None:
    page = page_of(client, f"/collections/{collection}/items")
    found = got(client, f"/collections/{collection}/items")["features"]
    for one in found:
        texts = [value for value in one["properties"].values() if isinstance(value, str) and value.isalnum()]
        assert texts
        assert all(text in page.text for text in texts), one["id"]
    alone = page_of(client, f"/collections/{collection}/items/{quote(found[0]['id'], safe=':')}")
    assert all(part in alone.text for part in found[0]["id"].replace("%", ":").split(":") if part != "none")


@shows("features-1/html", "content")
def test_awkward_texts_are_shown_and_not_obeyed(client: TestClient) -> None:
    page = client.get("/collections/reports/items/patrol:H1", params={"f": "html"}).text
    assert "&#34;100 %&#34;" in page or "&quot;100 %&quot;" in page
    assert 'it\'s "100 %" of_all a line' in Reader(page).text
