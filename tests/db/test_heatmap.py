"""What the heat map page carries, against the answers that /density, /roads/density and the command line give."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import numpy as np
import orjson
import pytest
from click.testing import Result
from sqlalchemy import Connection, Engine

from gis.density import DensityQuery, cell_counts, segment_counts
from gis.errors import ParameterError
from gis.ground import load_ground
from gis.heatmap import counts_by_period, shared_counts, sub_periods
from gis.settings import settings
from maps import heatmap_facts
from maps.heatmap import FACTS_ID, heatmap_page
from tests.conftest import json_of
from tests.town import SOUTH, WEST, build_town, some_rows, take_in, write_csv

FIRST, END = date(2016, 5, 25), date(2016, 6, 20)
CODES = ("event:0501", "event:0505", "event:0102", "event:0101")


@pytest.fixture
def filled(conn: Connection, tmp_path: Path) -> Connection:
    """The town with 2,000 scattered reports and 120 on one coordinate, from two sources."""
    build_town(conn)
    take_in(conn, write_csv(tmp_path / "a.csv", some_rows(2000, seed=3)), source_kind="patrol")
    rows = [(f"x{n}", WEST + 0.003, SOUTH + 0.003, "2016-06-02 08:00", "0505") for n in range(120)]
    take_in(conn, write_csv(tmp_path / "b.csv", rows), source="line", source_kind="citizen")
    return conn


def facts_of(page: str) -> dict:
    found = re.search(rf'<script type="application/json" id="{FACTS_ID}">(.*?)</script>', page, re.DOTALL)
    assert found
    return json.loads(found[1])


def page_of(conn: Connection, query: DensityQuery) -> str:
    return heatmap_page(conn, load_ground(conn), query, lang="en", assets="linked")


@pytest.mark.parametrize("source", [(), ("kind:citizen",), ("patrol",)])
@pytest.mark.parametrize("target", ["cell", "segment"])
def test_counts_are_those_of_density(filled: Connection, target: str, source: tuple[str, ...]) -> None:
    ground = load_ground(filled)
    periods = sub_periods(FIRST, END)
    found = counts_by_period(filled, ground, target, DensityQuery(FIRST, END, sources=source), periods)
    count = cell_counts if target == "cell" else segment_counts
    places = len(ground.cell_ids if target == "cell" else ground.segment_ids)
    ids = {one.id: f"{one.kind}:{one.code}" for one in heatmap_facts.dictionary(filled)}
    for number, period in enumerate(periods):
        for code in CODES:
            mine = (found.period == number) & np.array([ids[one] == code for one in found.category.tolist()], bool)
            query = DensityQuery(period.from_day, period.to_day, (code,), source)
            sums = np.bincount(found.place[mine], found.reports[mine], places + 2)[:places]
            assert sums.tolist() == count(filled, ground, query).tolist()
    assert (found.reports > 0).all()
    key = list(zip(found.category, found.period, found.place, strict=True))
    assert key == sorted(set(key))


def test_shared_coordinates_are_those_that_density_leaves_out(filled: Connection) -> None:
    ground = load_ground(filled)
    query = DensityQuery(FIRST, END)
    found = shared_counts(filled, ground, query, sub_periods(FIRST, END))
    assert sum(one.reports for one in found) >= 120
    assert {(one.lon, one.lat) for one in found} == {(WEST + 0.003, SOUTH + 0.003)}
    left_out = cell_counts(filled, ground, query) - cell_counts(
        filled, ground, DensityQuery(FIRST, END, without_shared=True)
    )
    assert np.flatnonzero(left_out).tolist() == sorted({one.cell for one in found})
    assert left_out.sum() == sum(one.reports for one in found)


def test_a_page_holds_only_what_was_asked_for(filled: Connection) -> None:
    facts = facts_of(page_of(filled, DensityQuery(FIRST, END, ("chaos:parking",), ("patrol",), without_shared=True)))
    assert [(one["kind"], one["code"]) for one in facts["categories"]] == [("event", "0505")]
    assert facts["onlyCategories"] == ["chaos:parking"]
    assert facts["onlySources"] == ["patrol"]
    assert facts["withoutShared"] is True
    assert facts["window"] == {"from": "2016-05-25", "to": "2016-06-20", "days": 26}
    assert [period["from"] for period in facts["periods"]] == ["2016-05-25", "2016-06-01", "2016-06-11"]
    assert facts["staffing"] is None  # nobody is known, which is not the same as everybody missing


def test_a_box_is_the_view_that_the_page_opens_with(filled: Connection) -> None:
    box = (WEST, SOUTH, WEST + 0.002, SOUTH + 0.002)
    facts = facts_of(page_of(filled, DensityQuery(FIRST, END, bbox=box)))
    assert facts["view"] == list(box)


def test_the_same_city_gives_the_same_page(filled: Connection) -> None:
    query = DensityQuery(FIRST, END)
    assert page_of(filled, query) == page_of(filled, query)


def test_an_empty_window_is_a_page_too(filled: Connection) -> None:
    facts = facts_of(page_of(filled, DensityQuery(date(2001, 1, 1), date(2001, 2, 1))))
    assert facts["categories"] == []
    assert facts["breaks"]["all"] == {"window": [], "period": []}


def test_a_city_without_cells_is_a_page_too(conn: Connection) -> None:
    build_town(conn)
    conn.exec_driver_sql("DELETE FROM cells")
    conn.exec_driver_sql("DELETE FROM road_segments")
    facts = facts_of(page_of(conn, DensityQuery(FIRST, END)))
    assert facts["cells"]["codes"] == ""
    assert facts["view"] is not None


def test_too_many_counts_drop_the_sub_periods(filled: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    query = DensityQuery(FIRST, END)
    whole = facts_of(page_of(filled, query))["breaks"]["all"]["window"]
    monkeypatch.setattr(heatmap_facts, "MOST_COUNTS", 10)
    facts = facts_of(page_of(filled, query))
    assert facts["periodsDropped"] is True
    assert facts["periods"] == []
    assert facts["breaks"]["all"] == {"window": whole, "period": whole}
    assert {row[4] for row in facts["shared"]["counts"]} == {0}


def test_an_unknown_category_is_refused(filled: Connection) -> None:
    with pytest.raises(ParameterError, match="category"):
        page_of(filled, DensityQuery(FIRST, END, ("nonsense",)))


def test_names_cannot_break_out_of_the_page(filled: Connection) -> None:
    evil = "</script><script>alert(1)</script><!--"
    filled.exec_driver_sql("UPDATE areas SET name = %s, name_en = %s", (evil, evil))
    page = page_of(filled, DensityQuery(FIRST, END))
    assert "alert(1)</script>" not in page
    assert facts_of(page)["areas"]["name"][0] == evil


def test_a_tile_server_is_a_setting(filled: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "tileLayer" not in page_of(filled, DensityQuery(FIRST, END))
    monkeypatch.setenv("FINEGRID_TILE_URL", "/tiles/{z}/{x}/{y}.png")
    monkeypatch.setenv("FINEGRID_TILE_ATTRIBUTION", "city survey")
    settings.cache_clear()
    page = page_of(filled, DensityQuery(FIRST, END))
    assert '"/tiles/{z}/{x}/{y}.png"' in page
    assert "city survey" in page
    assert facts_of(page)["tiles"] is True


def test_the_command_writes_one_file(
    engine: Engine, finegrid: Callable[..., Result], tmp_path: Path, filled: Connection
) -> None:
    filled.commit()
    out = tmp_path / "june.html"
    days = ("--from", "2016-06-01", "--to", "2016-07-01")
    result = finegrid("map", "heatmap", *days, "--lang", "en", "--out", out, "--json")
    assert result.exit_code == 0
    assert json_of(result) == {"file": str(out), "bytes": out.stat().st_size, "seconds": pytest.approx(1, abs=60)}
    page = out.read_text(encoding="utf-8")
    assert '<html lang="en">' in page
    assert facts_of(page)["reload"] is False
    assert orjson.loads(orjson.dumps(facts_of(page)["window"]))["to"] == "2016-07-01"
    refused = finegrid("map", "heatmap", *days, "--out", tmp_path / "no" / "june.html")
    assert refused.exit_code == 1
    assert "cannot be written" in refused.output
    backwards = finegrid("map", "heatmap", "--from", "2016-07-01", "--to", "2016-06-01", "--out", out)
    assert backwards.exit_code == 1
