"""The heat map as a planner sees it: what the legend, a click and each choice say, counted again independently."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import pytest
from playwright.sync_api import Page

from gis.density import DensityQuery, road_density
from gis.ground import load_ground
from gis.staffing import staffing
from gis.store.database import transaction
from maps import listings_page
from maps import response_board as board
from maps.assets import ASSET_FOLDERS, SCRIPTS, STYLES
from maps.heatmap import heatmap_page
from tests.browser.conftest import SHARED, Town, Visit, in_june

pytestmark = pytest.mark.browser
JUNE = "/maps/heatmap?from=2016-06-01&to=2016-07-01&lang=en"
BREAKS = [number * 10**power for power in range(9) for number in (1, 2, 5)]


def number(words: str) -> int:
    return int(re.sub(r"\D", "", words))


def legend(page: Page) -> dict[str, int]:
    """Label of each class -> cells in it."""
    rows = page.locator("#fg-legend tr")
    return {
        rows.nth(at).locator("th").inner_text(): number(rows.nth(at).locator(".fg-number").inner_text())
        for at in range(rows.count())
    }


def limits(label: str) -> tuple[float, float]:
    """Lower (inclusive) and upper limit of a class as its label says them."""
    found = [float(part) for part in re.findall(r"\d+", label.replace(",", ""))]
    if label.startswith("0 "):
        return 0, 0
    if label.startswith("<"):
        return 1e-9, found[0]
    if label.startswith("≥"):
        return found[0], float("inf")
    return found[0], found[1]


def classed(town: Town, counts: list[int], labels: list[str], cells: Iterable[int] | None = None) -> dict[str, int]:
    """How many of the cells (of all, if not given) each class should have."""
    answer = dict.fromkeys(labels, 0)
    for cell in range(len(counts)) if cells is None else cells:
        shown = float(f"{counts[cell] / town.km2[cell]:.3g}")
        for label in labels:
            low, high = limits(label)
            if (shown == 0 and high == 0) or (shown > 0 and low <= shown < high):
                answer[label] += 1
    return answer


def click_cell(page: Page, town: Town, cell: int) -> dict[str, str]:
    """Click into the middle of a cell; what the card says."""
    at = town.shapes[cell].point_on_surface()
    page.evaluate("Finegrid.page.choose({worst: false, shared: false})")  # nothing may lie over the cell
    x, y = page.evaluate(
        "([lat, lon]) => { const map = Finegrid.page.map; map.setView([lat, lon], 16, {animate: false});"
        " const p = map.latLngToContainerPoint([lat, lon]);"
        " const box = map.getContainer().getBoundingClientRect(); return [box.x + p.x, box.y + p.y]; }",
        [at.y, at.x],
    )
    page.mouse.click(x, y)
    card = page.locator("#fg-details")
    card.wait_for(state="visible")
    terms = card.locator("dt").all_inner_texts()
    facts = dict(zip(terms, card.locator("dd").all_inner_texts(), strict=True))
    return {
        **facts,
        "title": card.locator("h2").inner_text(),
        "formula": card.locator(".fg-formula").inner_text(),
        "when": card.locator(".fg-when").inner_text(),
    }


def formula(count: int, km2: float) -> str:
    rate = float(f"{count / km2:.3g}")
    return f"{count} {'report' if count == 1 else 'reports'} / {km2:.4f} km² = {rate:,.0f} per km²"


def busiest(counts: list[int]) -> int:
    return max(range(len(counts)), key=counts.__getitem__)


def test_all_that_a_page_asks_for_is_its_own_server(visit: Visit) -> None:
    visit.open(JUNE)
    asked = [url.removeprefix(visit.home).partition("?")[0] for url in visit.requests]
    assert asked == ["/maps/heatmap", *(f"/static/maps/{name}" for name in (*STYLES, *SCRIPTS))]


def test_the_legend_says_what_colours_mean(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    assert page.locator("#fg-legend h2").inner_text() == "Reports per km² in 2016-06-01..2016-06-30, 30 days"
    said = legend(page)
    counts = town_server.counts(in_june)
    assert sum(said.values()) == len(counts)
    assert said == classed(town_server, counts, list(said))
    breaks = sorted({limit for label in said for limit in limits(label) if 1 <= limit < float("inf")})
    first = BREAKS.index(int(breaks[0]))
    assert breaks == BREAKS[first : first + len(breaks)]
    assert "One report in a cell of 10,000 m² is 100 per km²" in page.locator("#fg-legend").inner_text()
    outside = sum(map(in_june, town_server.rows)) - sum(counts)
    assert page.locator(".fg-total").inner_text() == f"{sum(counts):,} reports in cells · {outside:,} outside"


def test_a_click_gives_the_numbers_behind_a_colour(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    counts = town_server.counts(in_june)
    for cell in (busiest(counts), counts.index(min(filter(None, counts))), counts.index(sorted(counts)[40])):
        card = click_cell(page, town_server, cell)
        km2 = town_server.km2[cell]
        assert card["title"] == f"Grid cell {town_server.codes[cell]}"
        assert card["formula"] == formula(counts[cell], km2)
        assert card["Area"] == f"{km2 * 1e6:,.0f} m² = {km2:.4f} km²"
        assert card["Street office"] == town_server.codes[cell][:9]
        assert card["District"] == "410101"
        assert card["Tier"] == ("key" if town_server.codes[cell].startswith("410101001") else "general")
        low, high = limits(card["Class"])
        assert low <= float(f"{counts[cell] / km2:.3g}") < high
        by_category = page.locator("#fg-details table").first.locator(".fg-number").all_inner_texts()
        assert sum(map(number, by_category)) == counts[cell]
    assert page.locator("#fg-details table").count() == 2


def test_a_cell_without_reports_has_a_class_of_its_own(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE + "&category=component:0101")
    assert list(legend(page).values())[-1] == len(town_server.codes)
    assert click_cell(page, town_server, 3)["Class"] == "0 (no report)"


def test_category_and_period_change_the_numbers(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    options = page.locator("#fg-period option").all_inner_texts()
    assert options == [
        "All 2016-06-01..2016-06-30",
        "June 2016, early (06-01..06-10)",
        "June 2016, middle (06-11..06-20)",
        "June 2016, late (06-21..06-30)",
    ]
    codes = {
        "chaos:parking": ("0505",),
        "chaos:any": ("0501", "0505", "0102"),
        "all": ("0501", "0505", "0102", "event:0101"),
    }
    spans = {0: ("2016-06-01", "2016-06-11"), 1: ("2016-06-11", "2016-06-21"), 2: ("2016-06-21", "2016-07-01")}
    breaks = {}
    for choice, members in codes.items():
        for period, (first, end) in spans.items():
            page.select_option("#fg-category", choice)
            page.select_option("#fg-period", str(period))
            counts = town_server.counts(lambda row: row[4] in members and first <= row[3][:10] < end)  # noqa: B023
            assert number(page.locator(".fg-total").inner_text().split("·")[0]) == sum(counts)
            said = legend(page)
            assert said == classed(town_server, counts, list(said))
            breaks[choice, period] = list(said)
            assert (
                f"in {first}..2016-06-{int(end[8:]) - 1 or 30:02d}, 10 days"
                in page.locator("#fg-legend h2").inner_text()
            )
    assert len({tuple(labels) for labels in breaks.values()}) == 1  # so that colours compare
    page.select_option("#fg-category", "chaos:parking")
    page.select_option("#fg-period", "1")
    counts = town_server.counts(lambda row: row[4] == "0505" and "2016-06-11" <= row[3][:10] < "2016-06-21")
    cell = busiest(counts)
    card = click_cell(page, town_server, cell)
    assert card["formula"] == formula(counts[cell], town_server.km2[cell])
    assert card["when"] == "2016-06-11..2016-06-20 · Chaotic parking"
    page.click("#fg-later")
    counts = town_server.counts(lambda row: row[4] == "0505" and "2016-06-21" <= row[3][:10] < "2016-07-01")
    assert page.locator("#fg-details .fg-formula").inner_text() == formula(counts[cell], town_server.km2[cell])


def test_the_four_chaoses_stand_together_above_the_categories(visit: Visit) -> None:
    page = visit.open(JUNE)
    groups = page.locator("#fg-category optgroup").evaluate_all("all => all.map((one) => one.label)")
    assert groups[0] == "Four chaoses 四乱"
    first = page.locator("#fg-category optgroup").first.locator("option").all_inner_texts()
    assert first == [
        "All four chaoses",
        "Chaotic parking",
        "Trading on the road or outside the shop",
        "Rubbish piled up",
    ]
    assert page.locator("#fg-category option").first.inner_text() == "All categories"


def test_shared_coordinates_are_shown_apart_and_can_be_left_out(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    assert page.locator(".fg-ring").inner_text() == "150"
    cell = town_server.cell_of_rows()[next(at for at, row in enumerate(town_server.rows) if row[1:3] == SHARED)]
    with_them = town_server.counts(in_june)
    card = click_cell(page, town_server, cell)
    assert card["formula"] == formula(with_them[cell], town_server.km2[cell])
    assert "150 of them on a suspicious shared coordinate" in page.locator("#fg-details").inner_text()
    page.check("#fg-without-shared")
    without = town_server.counts(lambda row: in_june(row) and row[1:3] != SHARED)
    assert page.locator("#fg-details .fg-formula").inner_text() == formula(without[cell], town_server.km2[cell])
    assert "150 on shared coordinates left out" in page.locator(".fg-total").inner_text()
    assert number(page.locator(".fg-total").inner_text().split("·")[0]) == sum(without) == sum(with_them) - 150
    page.check("#fg-shared")
    assert page.locator(".fg-ring").inner_text() == "150"


def test_worst_segments_are_long_enough_to_be_judged(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    with transaction(town_server.engine, read_only=True) as conn:
        rows = list(road_density(conn, load_ground(conn), DensityQuery(date(2016, 6, 1), date(2016, 7, 1))).rows())
    stub = next(row for row in rows if row["code"] == "R000009")
    assert stub["length_m"] < 50
    assert stub["per_km"] == max(row["per_km"] for row in rows)
    expected = sorted(
        (row for row in rows if row["length_m"] >= 50 and row["count"] >= 3), key=lambda row: -row["per_km"]
    )
    listed = page.locator("#fg-worst-list li").all_inner_texts()
    assert len(listed) == len(expected) == 4
    for words, row in zip(listed, expected, strict=True):
        assert row["code"] in words
        rate = float(f"{row['per_km']:.3g}")
        assert f"{rate:,g} per km · {row['count']:,} / {row['length_m']:,.0f} m" in words
    assert "at least 50 m with at least 3 reports" in page.locator("#fg-side").inner_text()
    page.locator("#fg-worst-list button").first.click()
    assert expected[0]["code"] in page.locator("#fg-details").inner_text()
    assert page.locator("#fg-details .fg-formula").inner_text().startswith(f"{expected[0]['count']:,} reports / ")


def test_streets_short_of_staff_are_listed_with_their_numbers(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    with transaction(town_server.engine, read_only=True) as conn:
        areas = staffing(conn, "street", date(2016, 6, 30)).by_area()
    short = sorted((area for area in areas if area["gap"] < 0), key=lambda area: area["gap"])
    assert len(short) == 2
    listed = page.locator("#fg-short-list li").all_inner_texts()
    for words, area in zip(listed, short, strict=True):
        assert area["code"] in words
        assert f"{area['required']} required, {area['on_post']} on post, {-area['gap']} missing" in words
    page.check("#fg-short")
    assert page.locator("path.fg-hatch").count() == 2


def test_the_language_changes_in_the_page(visit: Visit) -> None:
    page = visit.open(JUNE)
    assert page.title() == "Town Problem reports per km²"
    assert "Synthetic data 合成数据: reports" in page.locator("#fg-synthetic").inner_text()
    asked = len(visit.requests)
    page.click("#fg-language")
    assert page.title() == "镇 问题上报热力图"
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.locator("#fg-synthetic").inner_text() == "合成数据：上报"
    assert page.locator("#fg-legend h2").inner_text() == "2016-06-01..2016-06-30（30 天）每 km² 上报数"
    assert page.locator("#fg-category optgroup").first.get_attribute("label") == "四乱"
    assert "© OpenStreetMap 贡献者" in page.locator(".leaflet-control-attribution").inner_text()
    assert "合成数据：由种子生成。" in page.locator("#fg-sources").inner_text()
    assert len(visit.requests) == asked
    page.click("#fg-language")
    assert "© OpenStreetMap contributors, ODbL 1.0" in page.locator(".leaflet-control-attribution").inner_text()


def test_another_window_comes_from_the_server(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    page.fill("#fg-from", "2016-05-25")
    page.fill("#fg-until", "2016-06-03")
    page.click("#fg-load")
    page.wait_for_url("**from=2016-05-25&to=2016-06-04**")
    page.wait_for_selector("#fg-legend tr")
    assert page.locator("#fg-legend h2").inner_text() == "Reports per km² in 2016-05-25..2016-06-03, 10 days"
    counts = town_server.counts(lambda row: "2016-05-25" <= row[3][:10] < "2016-06-04")
    assert number(page.locator(".fg-total").inner_text().split("·")[0]) == sum(counts)


def test_the_keyboard_is_enough(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    page.focus("#map_city")
    page.keyboard.press("Enter")
    card = page.locator("#fg-details")
    card.wait_for(state="visible")
    assert card.locator("h2").inner_text().removeprefix("Grid cell ") in town_server.codes
    page.keyboard.press("Escape")
    assert card.is_hidden()


def test_each_cell_has_the_colour_of_its_class_at_every_zoom(visit: Visit, town_server: Town) -> None:
    page = visit.open(JUNE)
    page.select_option("#fg-period", "0")
    page.evaluate("Finegrid.page.choose({worst: false, shared: false, roads: false})")
    counts = town_server.counts(lambda row: "2016-06-01" <= row[3][:10] < "2016-06-11")
    paint = page.locator("#fg-legend i").evaluate_all("all => all.map((one) => getComputedStyle(one).backgroundColor)")
    colour_of = {
        label: [int(part) for part in re.findall(r"\d+", rgb)] for label, rgb in zip(legend(page), paint, strict=True)
    }
    assert len({tuple(rgb) for rgb in colour_of.values()}) == len(colour_of)
    order = sorted(range(len(counts)), key=counts.__getitem__)
    expected = {}
    for cell in (order[0], order[len(order) // 2], order[-1]):
        label = next(label for label, cells in classed(town_server, counts, list(colour_of), [cell]).items() if cells)
        expected[label] = colour_of[label]
        at = town_server.shapes[cell].point_on_surface()
        for zoom in (14, 15.25, 16, 18):
            seen = page.evaluate(
                "([lat, lon, zoom]) => { const {map, heat} = Finegrid.page;"
                " map.setView([lat, lon], zoom, {animate: false});"
                " const p = map.latLngToLayerPoint([lat, lon]).subtract(heat._bounds.min);"
                " return [...heat._container.getContext('2d').getImageData(p.x, p.y, 1, 1).data]; }",
                [at.y, at.x, zoom],
            )
            assert seen == [*colour_of[label], 255], (label, zoom)
    assert len(expected) == 3


def test_one_file_needs_no_server_and_no_network(file_visit: Visit, town_database: Town, tmp_path: Path) -> None:
    query = DensityQuery(date(2016, 6, 1), date(2016, 7, 1))
    with transaction(town_database.engine, read_only=True) as conn:
        html = heatmap_page(conn, load_ground(conn), query, lang="zh", assets="inline")
    (tmp_path / "june.html").write_text(html, encoding="utf-8")
    page = file_visit.open("june.html")
    assert file_visit.requests == [(tmp_path / "june.html").as_uri()]
    page.click("#fg-language")
    counts = town_database.counts(in_june)
    cell = busiest(counts)
    assert click_cell(page, town_database, cell)["formula"] == formula(counts[cell], town_database.km2[cell])
    assert page.locator("#fg-from").count() == 0
    assert file_visit.requests == [(tmp_path / "june.html").as_uri()]


# -- what is written, without a browser --------------------------------------------------------------------------------

# Names and notes, not addresses that anything fetches: XML namespaces, and links and comments of Leaflet.
KNOWN = ("http://www.w3.org/", "https://leafletjs.com", "https://bugs.chromium.org/", "https://bugzilla.mozilla.org/")
FETCHING = re.compile(
    r"""(?:src|srcset|href|action|poster)\s*=\s*["']?\s*(?:https?:)?//(?!leafletjs\.com)"""
    r"""|url\(\s*["']?(?:https?:)?//|@import|\bfetch\(|XMLHttpRequest|sendBeacon|WebSocket|EventSource|importScripts""",
    re.IGNORECASE,
)


def written() -> dict[str, str]:
    return {
        str(path.relative_to(folder.parent)): path.read_text(encoding="utf-8")
        for folder in ASSET_FOLDERS.values()
        for path in sorted(folder.rglob("*"))
        if path.suffix in {".js", ".css", ".html", ".svg"}
    }


def test_no_script_or_style_names_another_server() -> None:
    texts = written()
    pages = {*board.SCRIPTS, *board.STYLES, *listings_page.SCRIPTS, *listings_page.STYLES}
    assert set(texts) == {*SCRIPTS, *STYLES, "static/ogc.css", "static/ogc.js", "static/bulletin.css", *pages}
    for name, content in texts.items():
        # The live board asks its own server for two things, the heat map for one when it is told to; the tests in a
        # browser see whom they ask.
        asked = ["fetch("] * {"static/board.js": 2, "static/hotspots.js": 1}.get(name, 0)
        assert FETCHING.findall(content) == asked, name
        strange = [url for url in re.findall(r"https?://[^\s\"'<>)]*", content) if not url.startswith(KNOWN)]
        assert not strange, name


@pytest.mark.parametrize("assets", ["linked", "inline"])
def test_no_page_names_another_server(town_database: Town, assets: str) -> None:
    query = DensityQuery(date(2016, 6, 1), date(2016, 7, 1))
    with transaction(town_database.engine, read_only=True) as conn:
        html = heatmap_page(conn, load_ground(conn), query, lang="en", assets=assets)  # type: ignore[arg-type]
    assert not FETCHING.findall(html)
    assert not [url for url in re.findall(r"https?://[^\s\"'<>)]*", html) if not url.startswith(KNOWN)]
    sources = re.findall(r"""<(?:script|img|iframe)[^>]*\ssrc="([^"]*)|<link[^>]*\shref="([^"]*)""", html)
    addresses = ["".join(pair) for pair in sources]
    assert all(address.startswith(("/static/maps/", "data:")) for address in addresses)
    assert len(addresses) == 1 + (len(SCRIPTS) + len(STYLES) if assets == "linked" else 0)


def test_leaflet_is_what_its_note_says() -> None:
    vendor = ASSET_FOLDERS["vendor"]
    sums = dict(
        re.findall(r"^\| (leaflet/\S+) \| `([0-9a-f]{64})` \|$", (vendor / "README.md").read_text(), re.MULTILINE)
    )
    assert set(sums) == {str(path.relative_to(vendor)) for path in vendor.rglob("*") if path.is_file()} - {"README.md"}
    for name, digest in sums.items():
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest
