"""The page of a bulletin: in both languages, with nothing from anywhere else, the same each time."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient

from gis.bulletins.words import TEXTS
from tests.api.bulletins.asking import DRAFT, PUBLISHED, XLSX, bulletin_of, page_of


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_draft_says_so_and_a_published_one_does_not(town: TestClient, lang: str) -> None:
    word = TEXTS[lang]["draft"]
    drafted, published = page_of(town, DRAFT, lang), page_of(town, PUBLISHED, lang)
    assert f'<p class="bl-watermark" aria-hidden="true">{word}</p>' in drafted
    assert f"{DRAFT} · {word}" in drafted.partition("@top-left")[2].partition("}")[0]
    assert TEXTS[lang]["draft_note"] in drafted
    assert word not in published
    assert bulletin_of(town, PUBLISHED)["sha256"] in published


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_page_holds_all_that_it_shows(town: TestClient, lang: str) -> None:
    page = page_of(town, PUBLISHED, lang)
    found = bulletin_of(town, PUBLISHED)
    assert page.count("<svg") == 1 + 1 * any(r["provisional"] and r["rank"] for r in found["rows"]) + sum(
        len(found["worst"][kind]) for kind in ("segments", "spots")
    )
    without_namespaces = page.replace('xmlns="http://www.w3.org/2000/svg"', "")
    for outside in ("http://", "https://", "src=", "url(", "@import", "<script"):
        assert outside not in without_namespaces
    for digest in ("facts_sha256", "result_sha256", "sha256", "previous_sha256"):
        assert found[digest] in page
    for row in found["rows"]:
        if row["rank"] is not None:
            assert f"{row['density']:.3f}" in page
    assert TEXTS[lang]["synthetic"].partition("{")[0] in page
    assert "=1+1" in page


def test_the_same_bytes_each_time_and_304(town: TestClient) -> None:
    for form in ("html", "xlsx", "json"):
        asked = {"f": form, "lang": "en"}
        first, again = (town.get(f"/bulletins/{PUBLISHED}", params=asked) for _ in range(2))
        assert first.content == again.content
        tag = first.headers["etag"]
        assert town.get(f"/bulletins/{PUBLISHED}", params=asked, headers={"If-None-Match": tag}).status_code == 304


def test_language_and_form_by_headers(town: TestClient) -> None:
    english = town.get(f"/bulletins/{PUBLISHED}", headers={"Accept-Language": "en", "Accept": "text/html"})
    assert english.headers["content-language"] == "en"
    assert "Accept-Language" in english.headers["vary"]
    assert TEXTS["en"]["title"] in english.text
    assert town.get(f"/bulletins/{PUBLISHED}", headers={"Accept": "application/json"}).json()["period"] == PUBLISHED
    book = town.get(f"/bulletins/{PUBLISHED}", headers={"Accept": XLSX, "Accept-Language": "zh"})
    assert book.headers["content-type"] == XLSX
    assert book.headers["content-disposition"] == 'attachment; filename="tiny-bulletin-2016-05-T2-r2-zh.xlsx"'
    assert book.headers["x-finegrid-synthetic"] == "reports"


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("/bulletins/2016-13", 400, "period"),
        ("/bulletins/2016-05-T9", 400, "period"),
        ("/bulletins/2015-01-T1", 404, "no standing"),
        (f"/bulletins/{PUBLISHED}?revision=9", 404, "revision 9"),
        (f"/bulletins/{PUBLISHED}?level=district", 400, "level"),
        (f"/bulletins/{PUBLISHED}?f=docx", 400, "f"),
        (f"/bulletins/{PUBLISHED}?lang=fr", 400, "lang"),
        (f"/bulletins/{PUBLISHED}?langue=en", 400, "lang"),
        ("/bulletins/0001-01", 404, "no standing"),
    ],
)
def test_what_is_wrong_is_told(town: TestClient, path: str, status: int, said: str) -> None:
    answer = town.get(path)
    assert answer.status_code == status
    assert said in answer.json()["detail"]


def test_every_bulletin_is_listed_with_addresses_that_answer(town: TestClient) -> None:
    listed = town.get("/bulletins").json()["rows"]
    assert [(row["period"], row["revision"], row["state"]) for row in listed] == [
        (DRAFT, 1, "draft"),
        (PUBLISHED, 2, "published"),
        (PUBLISHED, 1, "published"),
        ("2016-05-T1", 1, "published"),
    ]
    for row in listed:
        assert set(row["links"]) == {"html", "pdf", "xlsx", "json"}
        found = town.get(row["links"]["json"]).json()
        assert found["facts_sha256"] == row["facts_sha256"]
        assert town.get(row["links"]["html"]).status_code == 200
