"""The layer of hot and cold spots on the heat map: what it says and draws is what GET /hotspots answers."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.sync_api import Page

from gis.density import DensityQuery
from gis.ground import load_ground
from gis.store.database import transaction
from maps.heatmap import heatmap_page
from tests.browser.conftest import Town, Visit
from tests.browser.test_heatmap_page import JUNE, busiest, click_cell, in_june, legend

pytestmark = pytest.mark.browser
SAID = "#fg-hotspots-said"


def answer(town: Town, **more: object) -> dict:
    given = {"level": "cell", "from": "2016-06-01", "to": "2016-07-01", **more}
    return httpx.get(f"{town.address}/hotspots", params=given).json()


def switch_on(page: Page) -> None:
    page.check("#fg-hotspots")
    page.wait_for_function("Finegrid.page.hotSpots.answer !== null")


def expected(found: dict) -> dict[str, int]:
    total = found["total"]
    return {
        "hot spot 热点": total["hot"],
        "cold spot 冷点": total["cold"],
        "not significant": total["not_significant"],
    }


def test_it_is_switched_on_and_off(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    before = legend(page)
    assert "only what chance does not explain" in page.locator(SAID).inner_text()
    assert not any("/hotspots?" in url for url in visit.requests)
    switch_on(page)
    found = answer(town_server)
    assert legend(page) == expected(found)
    assert page.locator(SAID).inner_text() == found["verdict"]
    drawn = page.evaluate("Array.from(Finegrid.page.hotSpots.picture.classOf)")
    numbers = {"cold": 0, "hot": 1, "not_significant": -1}
    assert drawn == [numbers[row["verdict"]] for row in found["rows"]]
    page.click("#fg-language")
    assert page.locator(SAID).inner_text() == found["verdict_zh"]
    page.click("#fg-language")
    page.uncheck("#fg-hotspots")
    assert legend(page) == before
    assert page.evaluate("Finegrid.page.hotSpots.picture") is None


def test_a_click_says_what_was_found_of_the_cell(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    cell = busiest(town_server.counts(in_june))
    assert "Hot spot?" not in click_cell(page, town_server, cell)
    switch_on(page)
    row = answer(town_server)["rows"][cell]
    words = {"hot": "hot spot 热点", "cold": "cold spot 冷点", "not_significant": "not significant"}[row["verdict"]]
    said = click_cell(page, town_server, cell)["Hot spot?"]
    assert said.startswith(f"{words} (z {row['z']:.2f}, q ")


def test_it_follows_period_category_and_shared_coordinates(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    switch_on(page)
    page.select_option("#fg-category", "chaos:parking")
    page.select_option("#fg-period", "1")
    page.check("#fg-without-shared")
    page.wait_for_function("Finegrid.page.hotSpots.answer !== null")
    asked = parse_qs(urlsplit([url for url in visit.requests if "/hotspots?" in url][-1]).query)
    assert (asked["from"], asked["to"], asked["without_shared"]) == (["2016-06-11"], ["2016-06-21"], ["true"])
    assert asked["category"] == ["event:0505"]
    more = {"from": "2016-06-11", "to": "2016-06-21", "category": "chaos:parking", "without_shared": True}
    assert legend(page) == expected(answer(town_server, **more))


def test_a_file_has_no_server_to_ask(file_visit: Visit, town_database: Town, tmp_path: Path) -> None:
    with transaction(town_database.engine, read_only=True) as conn:
        query = DensityQuery(date(2016, 6, 1), date(2016, 7, 1))
        html = heatmap_page(conn, load_ground(conn), query, lang="en", assets="inline")
    (tmp_path / "june.html").write_text(html, encoding="utf-8")
    page = file_visit.open("june.html")
    assert page.locator("#fg-worst").count() == 1
    assert page.locator("#fg-hotspots").count() == 0
