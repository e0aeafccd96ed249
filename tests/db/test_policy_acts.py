"""Overrides act where cases are opened, merged and judged, from their day on."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Connection, text

from gis.case_opening import open_cases
from gis.case_reads import reports_without_case
from gis.cases import Move
from gis.cases import record as record_case
from gis.ground import load_ground
from gis.policy_files import load_policy, read_policy_file
from gis.response import ResponseQuery, response
from gis.response_live import LiveQuery, response_live
from tests.town import build_town, slanted, take_in, write_csv

NOW = datetime(2016, 7, 1, tzinfo=UTC)
MAY, JUNE = date(2016, 5, 21), date(2016, 6, 11)


@pytest.fixture
def load(conn: Connection, tmp_path: Path) -> Callable[[str], None]:
    def load(numbers: str) -> None:
        path = tmp_path / "policy.toml"
        path.write_text(f'[[from]]\neffective = 2016-06-01\nreason = "x"\n{numbers}\n', encoding="utf-8")
        load_policy(conn, read_policy_file(path), "office", NOW)

    return load


def pairs(conn: Connection, tmp_path: Path) -> None:
    """In each of two periods two reports of one kind, 40 m apart and an hour."""
    build_town(conn)
    lon, lat = slanted(3.5, 3.5).tolist()
    rows = [
        (f"{day}-{number}", repr(lon), repr(lat + number * 40 / 111_000), f"{day}T0{8 + number}:00:00", "0505")
        for day in ("2016-05-25", "2016-06-05")
        for number in range(2)
    ]
    take_in(conn, write_csv(tmp_path / "reports.csv", rows))


def cases_by_month(conn: Connection) -> dict[int, int]:
    open_cases(conn, reports_without_case(conn, MAY, JUNE), "centre", NOW)
    return Counter(conn.execute(text("SELECT extract(month FROM day)::int FROM cases")).scalars())


def test_reports_within_reach_are_one_case(conn: Connection, tmp_path: Path) -> None:
    pairs(conn, tmp_path)
    assert cases_by_month(conn) == {5: 1, 6: 1}


def test_a_shorter_reach_merges_less_from_its_day_on(conn: Connection, tmp_path: Path, load: Callable) -> None:
    pairs(conn, tmp_path)
    load("merge_reach_m = 20")
    assert cases_by_month(conn) == {5: 1, 6: 2}


def test_a_case_without_a_limit_of_its_own(conn: Connection, tmp_path: Path, load: Callable) -> None:
    pairs(conn, tmp_path)
    load("case_limit_work_days = 1")
    cases_by_month(conn)
    allowed = conn.execute(text("SELECT allowed FROM cases ORDER BY day")).scalars().all()
    assert allowed == [timedelta(hours=24), timedelta(hours=8)]


def test_ten_minutes_become_five_from_a_day_on(conn: Connection, tmp_path: Path, load: Callable) -> None:
    pairs(conn, tmp_path)
    cases_by_month(conn)
    for case, found_at in conn.execute(text("SELECT id, found_at FROM cases")).all():
        record_case(conn, case, Move("arrive", "P", found_at + timedelta(minutes=8)), NOW)
    load("response_limit_s = 300")
    ground = load_ground(conn)
    table = response(conn, ground, "city", ResponseQuery(MAY, JUNE), NOW)
    assert (table.total["on_time"], table.total["late"]) == (1, 1)
    june = response(conn, ground, "city", ResponseQuery(date(2016, 6, 1), JUNE), NOW)
    assert (june.total["on_time"], june.total["late"]) == (0, 1)
    live = response_live(conn, ground, LiveQuery(600), datetime(2016, 6, 5, 0, 6, tzinfo=UTC))
    assert [row["seconds_left"] for row in live] == [-60.0]
