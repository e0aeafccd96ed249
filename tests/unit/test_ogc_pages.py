"""The HTML form of the OGC resources, read as a browser reads it."""

from __future__ import annotations

from typing import Any, get_args
from urllib.parse import parse_qs, urlsplit

import pytest

from maps.assets import ASSET_FOLDERS
from maps.ogc_conformance import CLASSES, STANDARDS
from maps.ogc_links import is_safe
from maps.ogc_pages import PageKind, ogc_page
from maps.ogc_texts import LAYERS, TEXTS, VALUES
from tests.ogc_documents import DOCUMENTS, HOME, ITEMS, TILES, Page, link

ROOT = "/static/maps"
HOSTILE = "</script><script>alert('1')</script>\" onclick=\"alert(2) <!-- & '"
KINDS = get_args(PageKind)
LANGS = ("zh", "en")


def page(kind: Any, lang: Any = "zh", document: dict[str, Any] | None = None, **links: str) -> Page:
    shown_document = DOCUMENTS[kind] if document is None else document
    return Page(ogc_page(kind, shown_document, lang=lang, asset_root=ROOT, links=links))


def query(href: str) -> dict[str, list[str]]:
    return parse_qs(urlsplit(href).query)


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", KINDS)
def test_every_page_is_sound(kind: str, lang: str) -> None:
    shown_page = page(kind, lang)
    assert shown_page.of("html") == [{"lang": "zh-CN" if lang == "zh" else "en"}]
    (title,) = shown_page.texts_in("title")
    (heading,) = shown_page.texts_in("h1")
    assert heading in title
    assert len(shown_page.of("main")) == 1
    assert "built-in" not in shown_page.text
    identities = [attributes["id"] for _, attributes in shown_page.elements if "id" in attributes]
    assert len(identities) == len(set(identities))
    assert all(attributes.get("scope") in ("col", "row", "rowgroup") for attributes in shown_page.of("th"))
    labelled = {attributes.get("for") for attributes in shown_page.of("label")}
    for tag in ("input", "select", "textarea"):
        for attributes in shown_page.of(tag):
            assert attributes.get("type") == "hidden" or attributes.get("id") in labelled or "aria-label" in attributes
    for _, attributes in shown_page.elements:
        assert not [name for name in attributes if name.startswith("on") or name == "style"]


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_asked_of_another_server(kind: str, lang: str) -> None:
    shown_page = page(kind, lang)
    sheets = [attributes["href"] for attributes in shown_page.of("link") if attributes["rel"] == "stylesheet"]
    scripts = [attributes for attributes in shown_page.of("script") if attributes.get("type") != "application/json"]
    assert sheets
    for href in sheets + [attributes["src"] for attributes in scripts]:
        assert href.startswith(f"{ROOT}/")
        folder, name = urlsplit(href).path.removeprefix(f"{ROOT}/").split("/", 1)
        assert (ASSET_FOLDERS[folder] / name).is_file()
    assert not shown_page.of("img")
    assert not shown_page.of("iframe")
    icons = [attributes["href"] for attributes in shown_page.of("link") if attributes["rel"] == "icon"]
    assert icons == ["data:,"]


@pytest.mark.parametrize("kind", KINDS)
def test_the_language_can_be_switched_and_neighbours_keep_it(kind: str) -> None:
    for lang, other in (("zh", "en"), ("en", "zh")):
        shown_page = page(kind, lang)
        assert query(shown_page.by_id("og-language")["href"])["lang"] == [other]
        assert "lang" not in query(shown_page.by_id("og-json")["href"])
        (crumbs,) = [a for a in shown_page.of("a") if a.get("class") == "og-name"]
        assert query(crumbs["href"]) == {"f": ["html"], "lang": [lang]}


def test_the_language_switch_keeps_the_other_parameters() -> None:
    asked = query(page("items").by_id("og-language")["href"])
    assert asked["source"] == ["a", "b"]
    assert asked["filter"] == ["count > 1"]
    given = page("items", self=HOME + ITEMS + "?f=html&limit=9&lang=zh")
    assert query(given.by_id("og-language")["href"]) == {"f": ["html"], "limit": ["9"], "lang": ["en"]}


@pytest.mark.parametrize("kind", KINDS)
def test_documents_with_only_what_must_be_there(kind: str) -> None:
    bare = {"items": {"type": "FeatureCollection", "features": []}, "item": {"type": "Feature", "geometry": None}}
    for lang in LANGS:
        assert page(kind, lang, bare.get(kind, {})).texts_in("h1")
    half = {
        "collections": {"collections": [{"id": "a", "links": []}]},
        "items": {"features": [{"type": "Feature", "properties": None, "geometry": None}]},
        "queryables": {"properties": {"x": {}}},
        "tilesets": {"tilesets": [{"links": []}]},
        "tilematrixset": {"tileMatrices": [{"id": "0"}]},
        "tilematrixsets": {"tileMatrixSets": [{"id": "a"}]},
    }
    assert page(kind, "zh", half.get(kind, {"links": []})).texts_in("h1")


def hostile(value: Any) -> Any:
    """The document with every word for people replaced by an attack."""
    if isinstance(value, dict):
        kept = ("rel", "href", "type", "kind", "format", "timeStamp", "from", "to")
        return {name: one if name in kept else hostile(one) for name, one in value.items()}
    if isinstance(value, list):
        return [hostile(one) for one in value]
    return HOSTILE if isinstance(value, str) else value


@pytest.mark.parametrize("lang", LANGS)
@pytest.mark.parametrize("kind", KINDS)
def test_hostile_names_stay_text(kind: str, lang: str) -> None:
    harmless = page(kind, lang)
    attacked = page(kind, lang, {**hostile(DOCUMENTS[kind]), "synthetic": [HOSTILE]})
    assert len(attacked.of("script")) == len(harmless.of("script"))
    assert "onclick" not in {name for _, attributes in attacked.elements for name in attributes}
    assert HOSTILE in attacked.text
    if kind == "items":
        assert attacked.data["features"][0]["label"] == f"{HOSTILE} {HOSTILE}"


@pytest.mark.parametrize(
    "href",
    [
        "javascript:alert(1)",
        " JaVaScript:alert(1)",
        "java\nscript:alert(1)",
        "\x01javascript:x",
        "data:text/html,x",
        "vbscript:x",
        "",
    ],
)
def test_links_that_are_no_web_addresses_are_left_out(href: str) -> None:
    assert not is_safe(href)
    document = {
        "title": "x",
        "links": [{"rel": rel, "href": href, "title": "t"} for rel in ("self", "enclosure", "items")],
    }
    for attributes in page("collection", "zh", document).of("a"):
        assert is_safe(attributes["href"])


def test_the_landing_page_has_doors_and_says_how_to_connect() -> None:
    shown_page = page("landing", "en")
    hrefs = [attributes["href"] for attributes in shown_page.of("a")]
    assert HOME + "/maps/heatmap" in hrefs
    assert HOME + "/docs" in hrefs
    assert HOME + "/collections?f=html&lang=en" in hrefs
    assert f"ogrinfo OAPIF:{HOME}/" in shown_page.text
    assert "/elsewhere" in [a["href"] for a in page("landing", "en", heatmap="/elsewhere").of("a")]


def test_a_collection_leads_to_its_parts() -> None:
    shown_page = page("collection")
    hrefs = [attributes["href"] for attributes in shown_page.of("a")]
    for wanted in (ITEMS, "/collections/cells/queryables", "/collections/cells/tiles"):
        assert f"{HOME}{wanted}?f=html&lang=zh" in hrefs
    assert f"{HOME}{ITEMS}?f=gpkg" in hrefs
    assert "2016-01-01 – 不限" in shown_page.text
    assert "CRS84, EPSG:4547" in shown_page.text
    assert "首日" in shown_page.text
    assert shown_page.data["extent"] == [113.4, 34.5, 113.9, 35.0]
    assert {a["name"] for a in shown_page.of("select")} == {"level", "without_shared"}


def test_the_table_of_items() -> None:
    shown_page = page("items")
    heads = [text for text in shown_page.texts_in("th") if text]
    assert heads[:4] == ["code", "name", "count", "密度"]
    assert "(件/km²)" in shown_page.text
    assert "本页 4 条，共 12,345 条" in shown_page.text
    assert "统计时段：2016-06-01 至 2016-06-30（含），30 天" in shown_page.text
    assert "2026-03-01 08:00:00 UTC" in shown_page.text
    cells = shown_page.texts_in("td")
    assert "3,001" in cells
    assert "–" in cells
    assert "重点" in cells
    assert "areal" in shown_page.texts_in("dd")
    assert "合成数据（非真实）：上报、协管员" in shown_page.text
    first = next(a["href"] for a in shown_page.of("a") if a["href"].startswith(f"{HOME}{ITEMS}/"))
    assert urlsplit(first).path == ITEMS + "/410100"
    assert query(first) == {"source": ["a", "b"], "from": ["2016-06-01"], "f": ["html"], "lang": ["zh"]}


def test_the_map_of_items_has_the_classes_of_the_house() -> None:
    data = page("items", "en").data
    assert data["coloured"] == "Density (per km²)"
    assert data["breaks"] == [200, 500, 1000, 2000]
    assert [one["value"] for one in data["features"]] == [0, 100.04, None, pytest.approx(3001.2)]
    plain = page("items", "en", {"features": [{"type": "Feature", "properties": {"code": "1"}, "geometry": None}]}).data
    assert plain["coloured"] is None
    assert plain["breaks"] is None


def test_estimated_and_unknown_totals_are_told_apart() -> None:
    document = {name: value for name, value in DOCUMENTS["items"].items() if name != "numberMatched"}
    assert (
        "4 on this page of about 9,000 (estimate)"
        in page("items", "en", {**document, "estimatedNumberMatched": 9000}).text
    )
    assert "4 on this page" in page("items", "en", document).texts_in("b")


def test_the_pages_of_items() -> None:
    links = {a.get("rel"): a["href"] for a in page("items").of("a") if a.get("class") == "og-button"}
    assert query(links["next"])["cursor"] == ["y"]
    assert query(links["next"])["f"] == ["html"]
    assert "cursor" not in query(links["first"])
    assert query(links["first"])["source"] == ["a", "b"]
    assert links["enclosure"] == f"{HOME}{ITEMS}?f=csv"


def test_the_form_asks_again_for_all_but_the_page() -> None:
    shown_page = page("items")
    form = shown_page.by_id("og-form")
    assert form["action"] == HOME + ITEMS
    hidden = [(a["name"], a["value"]) for a in shown_page.of("input") if a.get("type") == "hidden"]
    assert hidden == [("f", "html"), ("lang", "zh")]
    assert [a["value"] for a in shown_page.of("input") if a["name"] == "source"] == ["a", "b", ""]
    assert "count > 1" in shown_page.texts_in("textarea")
    chosen = [a for a in shown_page.of("option") if "selected" in a]
    assert len(chosen) == 1
    kept = page("items", self=HOME + ITEMS + "?datetime=2016-06-01/..&cursor=x&filter=y")
    assert {"name": "datetime", "value": "2016-06-01/..", "type": "hidden"} in kept.of("input")
    clear = next(
        a["href"]
        for a in kept.of("a")
        if "datetime" not in a["href"] and "cursor" not in a["href"] and ITEMS in a["href"]
    )
    assert "filter" not in query(clear)


def test_an_item_without_name_or_code_is_called_by_its_id() -> None:
    document = {"features": [{"type": "Feature", "id": "a/1?", "geometry": None, "properties": {"x": 1}}]}
    document["links"] = [link("self", ITEMS)]  # type: ignore[list-item]
    shown_page = page("items", "en", document)
    assert "a/1?" in shown_page.texts_in("a")
    assert f"{HOME}{ITEMS}/a%2F1%3F?f=html&lang=en" in [a["href"] for a in shown_page.of("a")]


def test_an_item_shows_titles_and_units() -> None:
    shown_page = page("item", "zh")
    assert shown_page.texts_in("h1") == ["第7网格 410107"]
    assert "700.28 件/km²" in shown_page.texts_in("td")
    assert "–" in shown_page.texts_in("td")
    (items,) = [a["href"] for a in shown_page.of("a") if urlsplit(a["href"]).path == ITEMS]
    assert query(items) == {"from": ["2016-06-01"], "f": ["html"], "lang": ["zh"]}


def test_queryables_have_examples_to_try() -> None:
    shown_page = page("queryables", "zh")
    assert {"tier = 'key'", "per_km2 >= 10"} <= set(shown_page.texts_in("code"))
    example = next(a["href"] for a in shown_page.of("a") if "tier" in a["href"])
    assert urlsplit(example).path == ITEMS
    assert query(example)["filter"] == ["tier = 'key'"]
    assert "重点" in shown_page.text


def test_a_tile_set_shows_its_template_and_tilejson() -> None:
    shown_page = page("tileset", "en")
    assert f"{HOME}{TILES}/{{z}}/{{y}}/{{x}}" in shown_page.texts_in("code")
    assert f"{HOME}{TILES}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}" in shown_page.texts_in("code")
    hrefs = [a["href"] for a in shown_page.of("a")]
    assert f"{HOME}{TILES}?f=tilejson" in hrefs
    assert not [href for href in hrefs if "{" in href]
    assert f"{HOME}{TILES}?f=html&lang=en" in [a["href"] for a in page("tilesets", "en").of("a")]
    assert "1 : 559,082,264" in page("tilematrixset", "en").texts_in("td")


def test_both_languages_have_the_same_words() -> None:
    assert TEXTS["zh"].keys() == TEXTS["en"].keys()
    # A template reads t.name; a name that dictionaries have themselves would give a method.
    assert not set(TEXTS["zh"]) & set(dir(dict))
    for lang in LANGS:
        assert all(TEXTS[lang].values())
    for both in [*LAYERS.values(), *CLASSES.values(), *STANDARDS.values()]:
        assert len(both) == 2
        assert all(both)
    assert all(all(words.values()) for words in VALUES.values())
