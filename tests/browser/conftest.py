"""The town behind a real server, a headless Chromium in front of it, and a page that tells on every foreign request."""

from __future__ import annotations

import contextlib
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
import uvicorn
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import Engine, text

from api.app import CONNECTIONS, create_app
from gis.city import define_city
from gis.store.database import bump_version, create_database_engine, transaction
from tests.town import add_road, build_town, slanted, some_rows, take_in, town, write_csv

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
SHARED = (113.6055, 34.7052)
PROVENANCE = {
    "areas": {"synthetic": False, "text": "Areas drawn by hand.", "text_zh": "区域为手绘。"},
    "roads": {
        "synthetic": False,
        "text": "© OpenStreetMap contributors, ODbL 1.0. Classes added.",
        "text_zh": "© OpenStreetMap 贡献者，ODbL 1.0。等级另加。",
    },
    "reports": {"synthetic": True, "text": "Synthetic: drawn by a seed.", "text_zh": "合成数据：由种子生成。"},
}


@dataclass(frozen=True)
class Town:
    """A database with reports, and the same reports as plain rows to count independently."""

    engine: Engine
    rows: list[tuple[str, float, float, str, str]]
    codes: list[str]
    shapes: np.ndarray
    km2: list[float]
    address: str = ""

    def cell_of_rows(self) -> list[int]:
        """Position of the cell of each row by the rule, found with shapely: lowest code that covers it; -1: none."""
        points = shapely.points([(row[1], row[2]) for row in self.rows])
        covered = shapely.covers(self.shapes[None, :], points[:, None])
        return [int(np.argmax(line)) if line.any() else -1 for line in covered]

    def counts(self, keep: Callable[[tuple], bool]) -> list[int]:
        """Rows of each cell, by position, for which `keep` is true."""
        counts = [0] * len(self.codes)
        for row, cell in zip(self.rows, self.cell_of_rows(), strict=True):
            if cell >= 0 and keep(row):
                counts[cell] += 1
        return counts


def in_june(row: tuple) -> bool:
    return "2016-06-01" <= row[3][:10] < "2016-07-01"


@pytest.fixture(scope="session")
def town_database(
    make_database: Callable[..., str], template_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Town]:
    """The town with 3,000 scattered reports, 150 on one coordinate, a stub of a road, and too few coordinators."""
    engine = create_database_engine(make_database(template_url), pool_size=CONNECTIONS)
    rows = some_rows(3000, seed=11)
    rows += [(f"s{n}", repr(SHARED[0]), repr(SHARED[1]), f"2016-06-{n % 30 + 1:02d}T09:00", "0505") for n in range(150)]
    stub = [repr(float(at)) for at in slanted(9.5, 9.5)]
    rows += [(f"stub{n}", *stub, "2016-06-05T10:00", "0501") for n in range(9)]
    path = write_csv(tmp_path_factory.mktemp("town") / "reports.csv", rows)
    with transaction(engine) as conn:
        build_town(conn)
        define_city(conn, replace(town(), provenance=PROVENANCE, demo_window=(date(2016, 6, 1), date(2016, 7, 1))))
        add_road(conn, "R000009", shapely.LineString(slanted([9.5, 9.55], [9.5, 9.5])))
        conn.execute(text("UPDATE cells SET tier = 'key' WHERE code LIKE '410101001%'"))
        conn.execute(
            text(
                "INSERT INTO coordinators (ref, name, area_id, tier, on_post) SELECT 'c' || n, 'post ' || n, id, 'key',"
                " '[2016-01-01,)' FROM areas, generate_series(1, 3) n WHERE code = '410101001'"
            )
        )
        bump_version(conn, "roads", "cells", "coordinators")
        take_in(conn, path, source="patrol", source_kind="patrol")
        cells = conn.execute(text("SELECT code, ST_AsBinary(geom), area_km2 FROM cells ORDER BY code")).all()
    shapes = shapely.from_wkb(np.array([bytes(cell[1]) for cell in cells], object))
    plain = [(row[0], float(row[1]), float(row[2]), row[3], row[4]) for row in rows]
    yield Town(engine, plain, [cell[0] for cell in cells], shapes, [float(cell[2]) for cell in cells])
    engine.dispose()


@contextlib.contextmanager
def served(engine: Engine) -> Iterator[str]:
    """The application itself, on a port of its own; gives its address."""
    server = uvicorn.Server(uvicorn.Config(create_app(engine), port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    limit = time.monotonic() + 60
    while not server.started:
        assert thread.is_alive()
        assert time.monotonic() < limit
        time.sleep(0.05)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=30)


@pytest.fixture(scope="session")
def town_server(town_database: Town) -> Iterator[Town]:
    """The town behind a server."""
    with served(town_database.engine) as address:
        yield replace(town_database, address=address)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.fail("headless Chromium is not installed: make setup, or apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=FLAGS)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page, and what it asked for and complained about."""

    page: Page
    home: str
    requests: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.home + path)
        self.page.wait_for_selector("#fg-legend tr")
        return self.page

    def note(self, route: Any) -> None:
        url = route.request.url
        if url.startswith(self.home):
            route.continue_()
        else:
            self.foreign.append(url)
            route.abort()


def visit_of(browser: Browser, home: str, **context: Any) -> Visit:
    page = browser.new_context(viewport={"width": 1366, "height": 768}, **context).new_page()
    visit = Visit(page, home)
    page.on("request", lambda request: visit.requests.append(request.url))
    page.on("console", lambda said: visit.complaints.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda problem: visit.complaints.append(str(problem)))
    page.route("**/*", visit.note)
    return visit


@pytest.fixture
def visit(chromium: Browser, town_server: Town) -> Iterator[Visit]:
    """A page on the server; at the end it must have asked nobody else for anything, and complained about nothing."""
    visit = visit_of(chromium, town_server.address)
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert visit.complaints == []


@pytest.fixture
def file_visit(chromium: Browser, tmp_path: Path) -> Iterator[Visit]:
    """A page on a file, with the network cut."""
    visit = visit_of(chromium, tmp_path.as_uri() + "/", offline=True)
    yield visit
    visit.page.context.close()
    assert visit.foreign == []
    assert visit.complaints == []
