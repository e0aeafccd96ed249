"""The public list as a reader sees it: what it says of each place, and how map and table belong together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from api.app import CONNECTIONS
from gis.listing_reads import ListingQuery, list_listings
from gis.listings import propose, publish, record, tick
from gis.rules.periods import parse_period
from gis.store.database import create_database_engine, transaction
from maps.assets import ASSET_FOLDERS
from maps.listings_page import SCRIPTS, STYLES, urgency
from tests.browser.conftest import Visit, served, visit_of
from tests.town import build_town, some_rows, take_in, write_csv

pytestmark = pytest.mark.browser
PERIOD = parse_period("2016-06-T1")
ON = "2016-06-24"
PAGE = f"/maps/listings?on={ON}&lang=en"


@pytest.fixture(scope="module")
def listed(make_database: Callable[..., str], template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """The town with listed places in all states, behind a server: its address and the rows of its list."""
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    path = write_csv(tmp_path_factory.mktemp("listed") / "reports.csv", some_rows(4000, seed=1))
    day = datetime(2016, 6, 11, 2, tzinfo=UTC)
    now = datetime(2016, 7, 1, tzinfo=UTC)
    with transaction(engine) as conn:
        build_town(conn)
        conn.execute(text("UPDATE road_segments SET name = '<b>' || code || '</b>'"))
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '张三', '13800000000')"))
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, valid)"
                " SELECT p.id, c.id, '[2016-01-01T00:00Z,)' FROM persons p, cells c"
            )
        )
        take_in(conn, path, source="patrol", source_kind="patrol")
        ids = propose(conn, PERIOD, "office", day).ids
        publish(conn, PERIOD, "office", day + timedelta(days=1))
        for listing_id, steps in zip(ids, (("rectify",), ("rectify", "submit"), ("rectify", "submit")), strict=False):
            for step, move in enumerate(steps):
                record(conn, listing_id, move, "Li", now, day + timedelta(days=2 + step))
        tick(conn, day + timedelta(days=12, hours=12))
        record(conn, ids[2], "verify", "Wang", now, day + timedelta(days=12, hours=13))
        rows = list_listings(conn, ListingQuery("open"), datetime.fromisoformat(ON).date())
    with served(engine) as address:
        yield address, rows
    engine.dispose()


@pytest.fixture
def visit(chromium: Browser, listed: tuple) -> Iterator[Visit]:
    """A page on the server; at the end it must have asked nobody else for anything, and complained about nothing."""
    visit = visit_of(chromium, listed[0])
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def opened(visit: Visit, path: str = PAGE) -> Page:
    visit.page.goto(visit.home + path)
    visit.page.wait_for_selector(".ls-mark")
    return visit.page


def cells(page: Page, listing_id: int) -> list[str]:
    row = page.locator(f"#ls-table tbody tr:has(a.ls-number:text-is('{listing_id}'))")
    return row.locator("td").all_inner_texts()


def test_all_that_a_page_asks_for_is_its_own_server(visit: Visit) -> None:
    opened(visit)
    asked = [url.removeprefix(visit.home).partition("?")[0] for url in visit.requests]
    assert sorted(asked) == sorted(["/maps/listings", *(f"/static/maps/{name}" for name in (*STYLES, *SCRIPTS))])
    for name in (*STYLES, *SCRIPTS):
        folder, _, rest = name.partition("/")
        assert (Path(ASSET_FOLDERS[folder]) / rest).is_file()


def test_every_place_stands_in_the_table_most_urgent_first(visit: Visit, listed: tuple) -> None:
    page, rows = opened(visit), listed[1]
    shown = [int(one) for one in page.locator("#ls-table tbody a.ls-number").all_inner_texts()]
    assert sorted(shown) == sorted(row["id"] for row in rows)
    by_id = {row["id"]: row for row in rows}
    late = [by_id[one]["days_left"] for one in shown if urgency(by_id[one]) == "late"]
    assert late
    assert late == sorted(late)
    assert [urgency(by_id[one]) for one in shown][: len(late)] == ["late"] * len(late)
    for row in rows:
        place, left, due, state, *_ = cells(page, row["id"])
        assert due == str(row["due_on"])
        assert state.split()[0] == row["state"]
        if row["days_left"] is not None:
            assert left == f"{-row['days_left']} days overdue"
            assert "escalated" in state
        # A name is never read as HTML; a spot far from any road has a coordinate.
        assert "<b>" in place or (row["name"] is None and f"{row['lat']:.5f}" in place)


def test_the_sums_are_those_of_the_rows(visit: Visit, listed: tuple) -> None:
    page, rows = opened(visit), listed[1]
    said = page.locator(".og-counted").inner_text()
    assert f"{ON}: {len(rows)} places on the list" in said
    assert f"{sum(urgency(row) == 'late' for row in rows)} overdue" in said
    assert "1 to be verified" in said
    assert "1 in their hold" in said


def test_map_and_table_choose_the_same_place(visit: Visit, listed: tuple) -> None:
    page = opened(visit)
    assert page.locator(".ls-mark").count() == len(listed[1])
    page.locator("#ls-table tbody tr").nth(2).locator("td").nth(2).click()
    chosen = page.locator("#ls-table tbody tr[aria-current]")
    assert chosen.count() == 1
    number = chosen.locator("a.ls-number").inner_text()
    assert page.locator(".ls-mark.ls-chosen").inner_text() == number
    page.keyboard.press("Escape")
    assert page.locator(".ls-chosen").count() == page.locator("[aria-current]").count() == 0
    page.evaluate("Finegrid.listedMap.marks[0].fire('click', {originalEvent: new MouseEvent('click')})")
    assert page.locator("#ls-table tbody tr[aria-current]").get_attribute("data-at") == "0"


def test_who_answers_is_named_and_his_telephone_is_not(visit: Visit) -> None:
    page = opened(visit)
    assert "张三" in page.locator("#ls-table").inner_text()
    assert "1380000" not in page.content()


def test_filter_languages_and_downloads(visit: Visit, listed: tuple) -> None:
    page = opened(visit)
    page.locator(".og-find summary").click()
    page.select_option("#ls-kind", "segment")
    page.locator(".og-main-button").click()
    page.wait_for_selector(".ls-mark")
    segments = [row for row in listed[1] if row["kind"] == "segment"]
    assert page.locator("#ls-table tbody tr").count() == len(segments)
    geojson = page.locator(".og-buttons a").first.get_attribute("href")
    answer = page.request.get(visit.home + geojson)
    assert len(answer.json()["features"]) == len(segments)
    page.locator("#og-language").click()
    page.wait_for_selector(".ls-mark")
    assert page.locator("h1").inner_text().endswith("挂牌督办")
    assert page.evaluate("document.documentElement.lang") == "zh-CN"
    assert page.locator("#ls-table tbody tr").count() == len(segments)


def test_nothing_to_show(visit: Visit) -> None:
    visit.page.goto(visit.home + PAGE + "&state=dismissed")
    assert visit.page.locator(".og-empty").inner_text() == "No listing is like that."


def test_it_reads_on_a_telephone(chromium: Browser, listed: tuple) -> None:
    visit = visit_of(chromium, listed[0])
    page = opened(visit)
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.context.close()
