"""docs/clients/map.html in a real Chromium, with a local copy of MapLibre GL JS where there is one.

finegrid does not ship MapLibre. Whoever has it says where: MAPLIBRE_DIST=.../maplibre-gl/dist; else this is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Page, Route, sync_playwright

from tests.clients.conftest import Request, Served

pytestmark = pytest.mark.browser
PAGE = Path(__file__).parents[2] / "docs/clients/map.html"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--disable-background-networking"]
MEDIA = {".html": "text/html", ".mjs": "text/javascript", ".css": "text/css"}


@pytest.fixture(scope="module")
def library() -> Path:
    folder = Path(os.environ.get("MAPLIBRE_DIST", "nowhere"))
    if not (folder / "maplibre-gl.mjs").is_file():
        pytest.skip("no copy of MapLibre GL JS: MAPLIBRE_DIST says where its folder dist is")
    return folder


@pytest.fixture(scope="module")
def browser(library: Path) -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    assert program is not None, "headless Chromium is not installed: make setup-test"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def shown(browser: Browser, served: Served, library: Path) -> Iterator[Page]:
    """The page at the server's own address, as a proxy would put it there; nobody else is asked for anything."""
    page = browser.new_page(viewport={"width": 900, "height": 500})
    foreign, complaints = [], []

    def answer(route: Route) -> None:
        address = route.request.url
        if not address.startswith(f"{served.address}/map/"):
            if address.startswith((served.address, "blob:", "data:")):
                route.continue_()
            else:
                foreign.append(address)
                route.abort()
            return
        name = Path(urlsplit(address).path).name
        path = PAGE if name == PAGE.name else library / name
        route.fulfill(body=path.read_bytes(), content_type=MEDIA[path.suffix])

    page.context.route("**/*", answer)
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda problem: complaints.append(str(problem)))
    page.goto(f"{served.address}/map/map.html")
    page.wait_for_function("window.cityMap?.loaded() && window.cityMap.areTilesLoaded()", timeout=60_000)
    yield page
    page.close()
    assert (foreign, complaints) == ([], [])


def test_cells_are_on_the_map_with_their_numbers(asked: Callable[[], list[Request]], shown: Page) -> None:
    tiles = [one for one in asked() if one.path.startswith("/tiles/density-cells/")]
    assert tiles
    assert {one.status for one in tiles} <= {200, 304}
    code = "window.cityMap.queryRenderedFeatures({layers: ['cells']}).map(one => one.properties)"
    seen = {one["code"]: one for one in shown.evaluate(code) if "code" in one}
    assert len(seen) == 48
    assert all(abs(one["count"] / one["area_km2"] - one["per_km2"]) < 0.01 for one in seen.values())
    if folder := os.environ.get("SCREENSHOTS"):
        shown.screenshot(path=Path(folder) / "maplibre.png")


def test_a_click_tells_the_count(shown: Page) -> None:
    shown.mouse.click(450, 250)
    shown.wait_for_selector(".maplibregl-popup-content")
    assert re.search(r"990\d{9}: \d+", shown.inner_text(".maplibregl-popup-content"))


def test_far_away_squares_keep_the_sum(shown: Page) -> None:
    # A cell on the edge of two tiles is seen in both; a square lies in one.
    seen = "window.cityMap.queryRenderedFeatures({layers: ['cells']}).map(one => one.properties)"
    near = {one["code"]: one["count"] for one in shown.evaluate(seen)}
    shown.evaluate("window.cityMap.jumpTo({zoom: 6})")
    shown.wait_for_function("window.cityMap.loaded() && window.cityMap.areTilesLoaded()", timeout=60_000)
    assert sum(one["count"] for one in shown.evaluate(seen)) == sum(near.values()) > 0
