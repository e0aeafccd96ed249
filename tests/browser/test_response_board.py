"""The live board as somebody on duty sees it: counts down, asks again, says when it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from api.app import CONNECTIONS
from gis.case_opening import open_case
from gis.cases import Move, record
from gis.city import define_city
from gis.store.database import bump_version, create_database_engine, transaction
from maps.response_board import SCRIPTS, STYLES
from tests.browser.conftest import PROVENANCE, Town, Visit, served, visit_of
from tests.town import build_town, slanted, take_in, town, write_csv

pytestmark = pytest.mark.browser
# The board replays from this instant on, so that the hours which other tests take do not matter.
NOW = datetime(2016, 6, 1, 2, 0, tzinfo=UTC)
# Minutes before at which each was found: one has just run out, one is urgent, one waits for enforcement, one is new.
FOUND = {"r1": 12.0, "r2": 8.9, "r3": 30.0, "r4": 1.0}


@pytest.fixture(scope="session")
def duty_server(
    make_database: Callable[..., str], template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """The town with four cases that wait for somebody."""
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    rows = []
    for number, (ref, minutes) in enumerate(FOUND.items()):
        lon, lat = slanted(1.5 + 2 * number, 4.5)
        when = (NOW - timedelta(minutes=minutes)).isoformat()
        rows.append((ref, repr(float(lon)), repr(float(lat)), when, "0505" if number else "0501"))
    rows.append(("lost", *(repr(float(one)) for one in slanted(9.5, 40)), NOW.isoformat(), "0102"))
    path = write_csv(tmp_path_factory.mktemp("duty") / "reports.csv", rows)
    with transaction(engine) as conn:
        build_town(conn)
        define_city(conn, replace(town(), provenance=PROVENANCE))
        conn.execute(text("INSERT INTO persons (ref, name, phone) VALUES ('P1', '<b>甲</b>', '13800000000')"))
        conn.execute(
            text(
                "INSERT INTO responsibilities (person_id, cell_id, valid) SELECT p.id, c.id, '[2016-01-01,)'"
                " FROM persons p, cells c WHERE c.code LIKE '410101001%'"
            )
        )
        bump_version(conn, "responsibles")
        take_in(conn, path, source="patrol", source_kind="patrol")
        for ref, *_ in rows:
            case_id, _ = open_case(conn, "patrol", ref, "centre", NOW)
            if ref == "r3":
                for move, minutes in (("arrive", 25), ("fail", 4)):
                    record(conn, case_id, Move(move, "officer", NOW - timedelta(minutes=minutes)), NOW)
    with served(engine) as address:
        yield Town(engine, [], [], [], [], address)
    engine.dispose()


@pytest.fixture
def duty(chromium: Browser, duty_server: Town) -> Iterator[Visit]:
    visit = visit_of(chromium, duty_server.address)
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert visit.complaints == []


def open_board(visit: Visit, query: str = "lang=en") -> Page:
    query += "" if "at=" in query else f"&at={NOW:%Y-%m-%dT%H:%M:%SZ}"
    visit.page.goto(f"{visit.home}/maps/response?{query}")
    visit.page.wait_for_selector("#bd-waiting li, .bd-nothing")
    return visit.page


def seconds(words: str) -> int:
    parts = [int(part) for part in re.findall(r"\d+", words)]
    return sum(part * 60**power for power, part in enumerate(reversed(parts)))


def cards(page: Page, which: str) -> list[str]:
    return page.locator(f"#{which} .bd-what").all_inner_texts()


def test_most_urgent_first_then_what_has_just_run_out(duty: Visit) -> None:
    page = open_board(duty)
    assert cards(page, "bd-waiting") == ["cars", "cars", "cars", "exposed rubbish"]
    assert cards(page, "bd-over") == ["street vendors"]
    left = [seconds(words) for words in page.locator("#bd-waiting .bd-left").all_inner_texts()]
    assert left == sorted(left)
    for shown, minutes in zip(left, (1.1, 6.0, 9.0, 10.0), strict=True):
        assert 0 <= minutes * 60 - shown < 5
    over = page.locator("#bd-over .bd-left").inner_text()
    assert over.startswith("+")
    assert 120 <= seconds(over) < 125
    steps = page.locator("#bd-waiting .bd-step").all_inner_texts()
    assert steps[1] == "enforcement on the spot"
    assert set(steps) == {"enforcement on the spot", "responsible person on the spot"}
    assert page.locator("#bd-counts").inner_text() == "4 waiting · 1 run out within 2 minutes · 1 just run out"


def test_who_is_called_and_who_is_missing(duty: Visit) -> None:
    page = open_board(duty)
    assert page.locator("#bd-over .bd-who").inner_text() == "<b>甲</b> 13800000000"  # a name is never read as HTML
    assert page.locator("#bd-over .bd-who a").get_attribute("href") == "tel:13800000000"
    assert page.locator("#bd-waiting li").last.locator(".bd-nobody").inner_text() == "Nobody answers for this cell"
    assert "outside all cells" in page.locator("#bd-waiting li").last.locator(".bd-where").inner_text()


def test_it_counts_down_by_itself_and_asks_again(duty: Visit) -> None:
    page = open_board(duty)
    first = page.locator("#bd-waiting .bd-left").first
    before, clock = seconds(first.inner_text()), page.locator("#bd-clock").inner_text()
    asked = len([url for url in duty.requests if "/response/live" in url])
    page.wait_for_timeout(6500)
    assert 5 <= before - seconds(first.inner_text()) <= 9
    assert page.locator("#bd-clock").inner_text() != clock
    assert len([url for url in duty.requests if "/response/live" in url]) > asked


def test_a_click_finds_the_place_on_the_map_and_back(duty: Visit) -> None:
    page = open_board(duty)
    page.locator("#bd-waiting button").first.click()
    assert page.locator("#bd-waiting li").first.get_attribute("class").endswith("bd-chosen")
    chosen = page.locator(".bd-face.bd-chosen")
    assert chosen.count() == 1
    assert page.evaluate("Finegrid.board.map.getZoom()") >= 16
    box, map_box = chosen.bounding_box(), page.locator("#bd-map").bounding_box()
    assert abs(box["x"] + box["width"] / 2 - (map_box["x"] + map_box["width"] / 2)) < 3
    page.evaluate("Finegrid.board.fit()")
    page.locator(".bd-face.bd-step-2").click()
    assert "enforcement" in page.locator(".bd-card.bd-chosen .bd-step").inner_text()


def test_pins_say_the_minutes_that_are_left(duty: Visit) -> None:
    page = open_board(duty)
    faces = page.locator(".bd-face").all_inner_texts()
    assert len(faces) == 5
    assert faces.count("!") == 1
    left = [seconds(words) for words in page.locator("#bd-waiting .bd-left").all_inner_texts()]
    assert sorted(int(face) for face in faces if face != "!") == pytest.approx([-(-one // 60) for one in left], abs=1)


def test_street_and_minutes_can_be_chosen(duty: Visit) -> None:
    page = open_board(duty)
    page.select_option("#bd-street", "410101001")
    page.wait_for_function("document.querySelectorAll('#bd-waiting li').length < 4")
    assert page.locator("#bd-waiting .bd-where", has_text="410101002").count() == 0
    page.select_option("#bd-street", "")
    page.select_option("#bd-within", "300")
    page.wait_for_function("document.querySelectorAll('#bd-waiting li').length === 1")
    assert seconds(page.locator("#bd-waiting .bd-left").inner_text()) < 120


def test_both_languages(duty: Visit) -> None:
    page = open_board(duty, "lang=zh")
    assert page.title() == "镇 双十实时看板"
    assert cards(page, "bd-over") == ["占道经营"]
    assert page.locator("#bd-counts").inner_text() == "等待 4 · 2 分钟内到限 1 · 刚刚超时 1"
    page.click("#bd-language")
    assert page.title() == "Town Double ten, live"
    assert cards(page, "bd-over") == ["street vendors"]
    assert page.locator("#bd-synthetic").count() == 1


def test_a_past_instant_is_replayed(duty: Visit) -> None:
    page = open_board(duty, f"lang=en&at={NOW - timedelta(minutes=8):%Y-%m-%dT%H:%M:%SZ}")
    # r1 and r2 wait; enforcement was not needed yet.
    assert page.locator("#bd-waiting .bd-step").all_inner_texts() == ["responsible person on the spot"] * 2
    assert page.locator("#bd-told").inner_text().startswith("Replay: ")
    left = seconds(page.locator("#bd-waiting .bd-left").first.inner_text())
    assert 350 < left <= 360


def test_without_an_instant_it_is_now(duty: Visit) -> None:
    duty.page.goto(f"{duty.home}/maps/response?lang=en")
    duty.page.wait_for_selector(".bd-nothing")
    said = time.fromisoformat(duty.page.locator("#bd-clock").inner_text())
    real = datetime.now(ZoneInfo("Asia/Shanghai"))
    gone = (real - real.replace(hour=said.hour, minute=said.minute, second=said.second)).total_seconds()
    assert abs(gone) < 5 or abs(gone) > 86_390
    assert "updated" in duty.page.locator("#bd-told").inner_text()


def test_before_the_first_answer_it_does_not_say_that_nobody_is_waited_for(duty: Visit) -> None:
    duty.page.route("**/response/live*", lambda route: route.abort())
    duty.page.goto(f"{duty.home}/maps/response?lang=en")
    duty.page.wait_for_selector("body.bd-stale")
    assert duty.page.locator("#bd-lists").inner_text() == "The server does not answer"
    assert duty.page.locator(".bd-nothing").count() == 0
    duty.complaints.clear()


def test_when_the_server_does_not_answer_it_says_so(duty: Visit) -> None:
    page = open_board(duty)
    page.route("**/response/live*", lambda route: route.abort())
    page.evaluate("Finegrid.board.refresh()")
    page.wait_for_selector("body.bd-stale")
    assert page.locator("#bd-told").inner_text().endswith("The server does not answer: what you see is as of 10:00:00")
    assert page.locator("#bd-waiting li").count() == 4
    page.unroute("**/response/live*")
    page.evaluate("Finegrid.board.refresh()")
    page.wait_for_selector("body:not(.bd-stale)")
    duty.complaints.clear()  # the browser itself notes the request that failed


def test_all_that_a_page_asks_for_is_its_own_server(duty: Visit) -> None:
    open_board(duty)
    duty.page.wait_for_function("Finegrid.board.shapes.size > 0")
    asked = {url.removeprefix(duty.home).partition("?")[0] for url in duty.requests}
    own = {f"/static/maps/{name}" for name in (*STYLES, *SCRIPTS)}
    assert asked == {"/maps/response", "/response/live", "/areas"} | own


def test_a_telephone_is_wide_enough(chromium: Browser, duty_server: Town, tmp_path: Path) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 844})
    page = context.new_page()
    page.goto(f"{duty_server.address}/maps/response?lang=zh&at={NOW:%Y-%m-%dT%H:%M:%SZ}")
    page.wait_for_selector("#bd-waiting li")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    context.close()
