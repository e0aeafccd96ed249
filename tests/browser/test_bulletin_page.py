"""The page of a bulletin in a browser: nothing is asked of anybody, and it prints on A4 as the PDF does."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pypdf
import pytest
from playwright.sync_api import Browser, Page

from api.app import CONNECTIONS
from gis.ground import load_ground
from gis.rules.periods import parse_period
from gis.standings import draft
from gis.store.database import create_database_engine, transaction
from tests.browser.conftest import Visit, served, visit_of
from tests.town import build_town, some_rows, take_in, write_csv

pytestmark = pytest.mark.browser
PERIOD = "2016-06-T1"


@pytest.fixture(scope="module")
def drafted(make_database: Callable[..., str], template_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator:
    """The town with a draft, behind a server: its address."""
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    path = write_csv(tmp_path_factory.mktemp("drafted") / "reports.csv", some_rows(4000, seed=1))
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, path, source="patrol", source_kind="patrol")
    with transaction(engine, snapshot=True) as conn:
        draft(conn, load_ground(conn), parse_period(PERIOD), "office", datetime(2016, 7, 1, tzinfo=UTC))
    with served(engine) as address:
        yield address
    engine.dispose()


@pytest.fixture
def seen(chromium: Browser, drafted: str) -> Iterator[Visit]:
    visit = visit_of(chromium, drafted)
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def opened(visit: Visit, lang: str) -> Page:
    visit.page.goto(f"{visit.home}/bulletins/{PERIOD}?lang={lang}&f=html")
    return visit.page


def test_it_prints_on_a4_with_the_draft_marked_on_every_page(seen: Visit) -> None:
    page = opened(seen, "en")
    printed = pypdf.PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True)))
    total = len(printed.pages)
    assert total >= 2
    for number, sheet in enumerate(printed.pages, 1):
        assert [float(side) for side in sheet.mediabox[2:]] == pytest.approx([595, 842], abs=1.5)
        text = " ".join(sheet.extract_text().split())
        assert f"{PERIOD} · DRAFT" in text
        assert f"Page {number} of {total}" in text
    assert seen.requests == [f"{seen.home}/bulletins/{PERIOD}?lang=en&f=html"]


def test_links_to_the_other_forms_are_for_the_screen_alone(seen: Visit) -> None:
    page = opened(seen, "en")
    bar = page.locator("nav.bl-bar")
    assert bar.is_visible()
    assert [link.get_attribute("href") for link in bar.locator("a").all()] == [
        "?lang=en&f=pdf",
        "?lang=en&f=xlsx",
        "?lang=zh&f=html",
    ]
    bar.locator("a").last.click()
    assert page.locator("h1").inner_text() == "镇城市精细化管理考核通报"
    page.emulate_media(media="print")
    assert not page.locator("nav.bl-bar").is_visible()


def test_every_map_has_a_size_and_stays_on_the_page(seen: Visit) -> None:
    page = opened(seen, "zh")
    for width in (1200, 420):
        page.set_viewport_size({"width": width, "height": 900})
        boxes = [one.bounding_box() for one in page.locator("main svg[role=img]").all()]
        assert len(boxes) > 3
        assert all(box["width"] > 100 and box["height"] > 60 for box in boxes)
        assert page.evaluate("document.documentElement.scrollWidth") <= width
