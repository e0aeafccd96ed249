"""docs/ogc.md, open311.md and api.md describe every route, each once; collections share the section of items."""

from __future__ import annotations

import re

import pytest

from gis.collections.catalogue import COLLECTIONS
from tests.docs.test_doc_tables import document, headings, named, needed_of, routes, rows_of, section

__all__ = ["routes"]
ITEMS = "GET /collections/{collectionId}/items"
SHARED = {"f", "lang"}


@pytest.fixture(scope="module")
def text() -> str:
    return document("ogc.md")


@pytest.fixture(scope="module")
def folded(routes: dict[str, dict]) -> dict[str, list[dict]]:
    """Section -> the routes that it stands for."""
    own = {f"GET /collections/{name}/items" for name in COLLECTIONS}
    assert own <= set(routes)
    found: dict[str, list[dict]] = {}
    for name, route in routes.items():
        found.setdefault(ITEMS if name in own else name, []).append(route)
    return found


def asked_by(route: dict) -> dict[str, bool]:
    return {one["name"]: one.get("required", False) for one in route.get("parameters", ()) if one["in"] == "query"}


def test_every_route_has_one_section_in_one_of_them(text: str, folded: dict[str, list[dict]]) -> None:
    others = (headings(document(name)) for name in ("api.md", "open311.md"))
    assert sorted([*headings(text), *(one for titles in others for one in titles)]) == sorted(folded)


def test_the_list_leads_to_every_section(text: str) -> None:
    assert sorted(re.findall(r"\[(GET /[^\]]*)\]", text)) == sorted(headings(text))


def test_every_parameter_is_described(text: str, folded: dict[str, list[dict]]) -> None:
    of_all = needed_of(section(text, "Rules for all"), "parameter")
    of_some = needed_of(section(text, "Windows and days"), "parameter")
    assert set(of_all) == SHARED
    for name in headings(text):
        if name == ITEMS:
            continue
        own = section(text, name)
        shown = needed_of(own, "parameter")
        (route,) = folded[name]
        expected = asked_by(route)
        if set(expected) >= SHARED:
            shown |= of_all
        if set(expected) & set(of_some):
            shown |= of_some
            assert "#windows-and-days" in own, name
        assert shown == expected, name


def test_every_parameter_of_items_is_described(text: str, routes: dict[str, dict]) -> None:
    general = needed_of(section(text, ITEMS), "parameter") | needed_of(section(text, "Rules for all"), "parameter")
    some = needed_of(section(text, "Windows and days"), "parameter")
    rows = {named(row[0])[0]: row for row in rows_of(section(text, "Collections"), "collection")}
    assert list(rows) == list(COLLECTIONS)
    for name, row in rows.items():
        own = {one: some[one] for one in named(row[4])}
        shown = general | own | dict.fromkeys(named(row[5]), False)
        assert shown == asked_by(routes[f"GET /collections/{name}/items"]), name


def test_every_route_has_an_example(text: str) -> None:
    for name in headings(text):
        assert "$ curl -s" in section(text, name), name
