"""The cases of the demo: legal, late and on time, under way today, and not twice."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, text

from fixtures.synth_cases import LIVING, play_cases
from gis.case_reads import CaseQuery, list_cases, replayed
from tests.town import build_town, some_rows, take_in, write_csv

NOW = datetime(2016, 7, 1, 7, tzinfo=UTC)  # a Friday afternoon in Shanghai


def test_cases_of_the_demo(conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    conn.execute(text("INSERT INTO departments (code, name) VALUES ('CG', '城管局'), ('SZ', '市政处')"))
    conn.execute(
        text(
            "INSERT INTO category_limits (category_id, amount, unit, department_id)"
            " SELECT c.id, 2, 'urgent_hours', d.id FROM categories c, departments d WHERE d.code = 'CG'"
        )
    )
    take_in(conn, write_csv(tmp_path / "r.csv", some_rows(4000)))
    opened = play_cases(conn, NOW)
    rows = list_cases(conn, CaseQuery(limit=1000))
    assert len(rows) == opened > 50
    today = [row for row in rows if row["day"] == NOW.date()]
    assert 0 < len(today) <= LIVING
    states = Counter(row["state"] for row in rows)
    assert states["closed"] > 30
    assert {row["state"] for row in today} - {"closed", "void"}
    assert {row["on_time"] for row in rows} >= {True, False}
    assert any(NOW - row["found_at"] < timedelta(minutes=10) and row["arrived_at"] is None for row in today)
    assert all(stored == again for stored, again in (replayed(conn, row["id"]) for row in rows))
    assert play_cases(conn, NOW + timedelta(minutes=5)) == 0
