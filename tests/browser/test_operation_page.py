"""The heat map of a special operation: only what lies inside, its edge drawn, in both languages."""

from __future__ import annotations

import re
from datetime import datetime

import pytest
import shapely
from sqlalchemy import text

from gis.store.database import bump_version, transaction
from tests.browser.conftest import Town, Visit
from tests.browser.test_heatmap_page import legend, number
from tests.town import slanted

pytestmark = pytest.mark.browser
EDGE = shapely.Polygon(slanted([2.2, 7.4, 6.1, 3.3], [1.7, 2.6, 8.2, 7.1]))
BEGINS, ENDS = "2016-06-03T18:00", "2016-06-12T06:00"
PAGE = "/maps/heatmap?operation=FAIR&lang="


@pytest.fixture(scope="module")
def fair(town_server: Town) -> Town:
    with transaction(town_server.engine) as conn:
        conn.execute(
            text(
                "INSERT INTO special_operations (code, name, name_en, valid, geom) VALUES ('FAIR', '秋季<展览>',"
                " 'Autumn fair', '[2016-06-03T18:00+08,2016-06-12T06:00+08)', ST_Multi(ST_GeomFromWKB(:wkb, 4326)))"
            ),
            {"wkb": EDGE.wkb},
        )
        bump_version(conn, "operations")
    return town_server


def inside(row: tuple) -> bool:
    at = datetime.fromisoformat(row[3])
    in_time = datetime.fromisoformat(BEGINS) <= at < datetime.fromisoformat(ENDS)
    return in_time and EDGE.covers(shapely.Point(row[1], row[2]))


def test_it_holds_what_lies_inside_and_draws_the_edge(fair: Town, visit: Visit) -> None:
    page = visit.open(f"{PAGE}zh")
    rows = [row for row in fair.rows if inside(row)]
    counts = fair.counts(inside)
    said = page.locator(".fg-total").inner_text()
    assert number(re.findall(r"网格内 ([\d,]+)", said)[0]) == sum(counts) > 100
    outside = re.findall(r"网格外 ([\d,]+)", said)
    assert sum(counts) + (number(outside[0]) if outside else 0) == len(rows)
    cut = [cell for cell in fair.shapes if cell.intersection(EDGE).area > 0]
    assert sum(legend(page).values()) == len(cut)
    head = page.locator("#fg-legend h2").inner_text()
    assert "8.5" in head  # its exact length in days
    line = page.locator("path.fg-edge")
    assert line.count() == 1
    box = line.bounding_box()
    assert box is not None
    assert box["width"] > 200
    assert box["height"] > 200


def test_its_name_in_both_languages(fair: Town, visit: Visit) -> None:
    page = visit.open(f"{PAGE}zh")
    assert page.title() == "镇 秋季<展览>: 问题上报热力图"
    head = page.locator("#fg-operation")
    assert "秋季<展览>" in head.inner_text()
    assert "2016-06-03 18:00 – 2016-06-12 06:00" in head.inner_text()
    page.click("#fg-language")
    assert page.title() == "Town Autumn fair: Problem reports per km²"
    assert "Autumn fair" in head.inner_text()
    assert page.locator("#fg-from").get_attribute("min") == "2016-06-03"
    assert page.locator("#fg-until").get_attribute("max") == "2016-06-12"


def test_the_city_offers_it(fair: Town, visit: Visit) -> None:
    page = visit.open("/maps/heatmap?from=2016-06-01&to=2016-07-01&lang=zh")
    page.click("#fg-operations summary")
    assert "2016-06-03..2016-06-12" in page.locator("#fg-operations li").inner_text()
    page.click("#fg-operations a")
    page.wait_for_selector("#fg-operation")
    page.wait_for_selector("#fg-legend tr")
    assert page.locator("#fg-operations").count() == 0
    assert number(page.locator(".fg-total").inner_text().split("·")[0]) == sum(fair.counts(inside))


def test_some_of_its_days_and_back_to_the_city(fair: Town, visit: Visit) -> None:
    page = visit.open(f"{PAGE}en")
    page.fill("#fg-from", "2016-06-05")
    page.fill("#fg-until", "2016-06-06")
    page.click("#fg-load")
    page.wait_for_selector("#fg-legend tr")
    wanted = sum(fair.counts(lambda row: inside(row) and "2016-06-05" <= row[3][:10] < "2016-06-07"))
    assert number(page.locator(".fg-total").inner_text().split("·")[0]) == wanted
    page.click("#fg-operation a")
    page.wait_for_selector("#fg-legend tr")
    assert page.locator("#fg-operation").count() == 0
    everywhere = sum(fair.counts(lambda row: "2016-06-05" <= row[3][:10] < "2016-06-07"))
    assert number(page.locator(".fg-total").inner_text().split("·")[0]) == everywhere > wanted
