"""QGIS loads collections as OGC API layers and vector tiles as a map; skipped where it is not installed.

Seen with QGIS 3.22 (Debian 12): boxes go to the server, filters and expressions are worked out by QGIS itself over the
pages it read, answers it has are asked for again by their ETag (304), and pages have 1,000 features. Newer ones turn a
filter into CQL2 text where the server keeps `cql2-text`, `basic-cql2`, `filter` and `features-filter`, which it does.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from api.conformance import CONFORMS_TO
from tests.api.tiny import SOUTH, STEP, WEST, Tiny
from tests.clients.conftest import Request, Served

pytestmark = pytest.mark.qgis
PROGRAM = Path(__file__).with_name("qgis_session.py")
SYSTEM_PYTHON = "/usr/bin/python3"
TRIED = range(32200, 32300)
"""Versions of which it is known that no filter travels to the server."""

VIEW = (WEST + 0.1 * STEP, SOUTH + 0.1 * STEP, WEST + 1.9 * STEP, SOUTH + 1.9 * STEP)


@pytest.fixture(scope="module")
def session(served: Served, tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[Request]]:
    """What QGIS saw, and what it asked the server for."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))}
    home = tmp_path_factory.mktemp("qgis")
    environment = {**clean, "HOME": str(home), "XDG_RUNTIME_DIR": str(home), "QT_QPA_PLATFORM": "offscreen"}
    try:
        there = subprocess.run([SYSTEM_PYTHON, "-c", "import qgis.core"], env=environment, capture_output=True)
    except FileNotFoundError:
        there = None
    if there is None or there.returncode != 0:
        pytest.skip("QGIS is not installed: apt-get install python3-qgis qgis-providers")
    before = served.log.stat().st_size
    picture = home / "tiles.png"
    words = [SYSTEM_PYTHON, str(PROGRAM), served.address, *map(str, VIEW), str(picture)]
    done = subprocess.run(words, env=environment, capture_output=True, text=True, timeout=240)
    assert done.returncode == 0, done.stderr
    return json.loads(Path(f"{picture}.json").read_text(encoding="utf-8")), served.requests(before)


Session = tuple[dict[str, Any], list[Request]]


def test_a_collection_is_a_layer_with_types_and_decimals(session: Session, facts: Tiny) -> None:
    seen, _ = session
    assert seen["count"] == len(facts.cells)
    assert set(seen["per_km2"]) == set(facts.cells)
    assert seen["fields"]["per_km2"] == "Real"
    assert seen["fields"]["count"] == "Integer"
    assert any(value != int(value) for value in seen["per_km2"].values())
    assert seen["crs"] in ("EPSG:4326", "OGC:CRS84")


def test_pages_follow_one_another(session: Session) -> None:
    _, requests = session
    pages = [one for one in requests if one.path == "/collections/density-cells/items"]
    assert [one.parameters["limit"] for one in pages if "after" in one.parameters] == ["20", "20"]


def test_a_box_goes_to_the_server(session: Session, facts: Tiny) -> None:
    seen, requests = session
    assert len(seen["box"]) == 4
    assert any("bbox" in one.parameters for one in requests if one.path == "/collections/cells/items")


def test_filters_give_the_right_features(session: Session, facts: Tiny) -> None:
    seen, requests = session
    assert seen["subset"] == sorted(code for code, tier in facts.tiers.items() if tier == "key")
    assert seen["expression"] == sorted(code for code, tier in facts.tiers.items() if tier == "general")
    filters = {one.parameters["filter"] for one in requests if "filter" in one.parameters}
    assert seen["version"] not in TRIED or not filters


def test_pages_are_large(session: Session) -> None:
    _, requests = session
    limits = {one.parameters.get("limit") for one in requests if one.path == "/collections/cells/items"}
    assert limits == {"10", "1000"}


def test_vector_tiles_are_drawn(session: Session) -> None:
    seen, requests = session
    assert seen["tiles"]["valid"]
    assert seen["tiles"]["crs"] == "EPSG:3857"
    assert seen["tiles"]["colours"] >= 3
    tiles = [one for one in requests if one.path.startswith("/tiles/density-cells/") and one.path.endswith(".mvt")]
    assert tiles
    assert {one.status for one in tiles} == {200}


def test_nothing_that_qgis_asked_for_went_wrong(session: Session) -> None:
    _, requests = session
    # It asks by OPTIONS whether features may be written, and is told that they may not.
    assert {one.status for one in requests} <= {200, 304}


def test_what_newer_ones_need_to_send_filters_is_kept() -> None:
    part_3 = "http://www.opengis.net/spec/ogcapi-features-3/1.0/conf/{}"
    cql2 = "http://www.opengis.net/spec/cql2/1.0/conf/{}"
    needed = {part_3.format(name) for name in ("filter", "features-filter")}
    needed |= {cql2.format(name) for name in ("cql2-text", "basic-cql2")}
    assert needed <= set(CONFORMS_TO)
