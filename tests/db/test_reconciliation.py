"""The sums: over everything and by day, and what does not add up is said."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from sqlalchemy import Connection, Engine, text

from gis.reconciliation import reconciliation
from gis.store.database import transaction
from tests.town import build_town, some_rows, take_in, write_csv


def numbers(answer: dict) -> tuple:
    return tuple(
        answer[name] for name in ("read", "accepted", "duplicate", "rejected", "in_cells", "outside", "no_position")
    )


@pytest.fixture
def filled(conn: Connection, tmp_path: Path) -> Connection:
    """Two files: the second repeats one of the first, has one without position, one outside, and three rejects."""
    build_town(conn)
    one = [("a", "113.604", "34.705", "2016-06-01", "0501"), ("b", "113.604", "34.705", "2016-06-02", "0501")]
    two = [
        ("b", "113.604", "34.705", "2016-06-02", "0501"),
        ("c", "", "", "2016-06-02", "0501"),
        ("d", "113.7", "34.705", "2016-06-02", "0501"),
        ("e", "113.604", "34.705", "2016-06-02", "none"),
        ("f", "113.604", "34.705", "2016-06-03", "none"),
        ("g", "113.604", "34.705", "soon", "0501"),
    ]
    take_in(conn, write_csv(tmp_path / "one.csv", one))
    take_in(conn, write_csv(tmp_path / "two.csv", two), keep_unlocated=True)
    return conn


def test_everything(filled: Connection) -> None:
    answer = reconciliation(filled)
    assert numbers(answer) == (8, 4, 1, 3, 2, 1, 1)
    assert answer["adds_up"] is True


def test_a_window_counts_the_days_of_the_reports(filled: Connection) -> None:
    assert numbers(reconciliation(filled, date(2016, 6, 1), date(2016, 6, 2))) == (1, 1, 0, 0, 1, 0, 0)
    assert numbers(reconciliation(filled, date(2016, 6, 2), date(2016, 6, 3))) == (5, 3, 1, 1, 1, 1, 1)
    assert numbers(reconciliation(filled, date(2016, 6, 3), None)) == (1, 0, 0, 1, 0, 0, 0)
    assert numbers(reconciliation(filled, None, date(2016, 6, 1))) == (0, 0, 0, 0, 0, 0, 0)
    parts = [reconciliation(filled, date(2016, 6, day), date(2016, 6, day + 1)) for day in (1, 2, 3)]
    assert all(part["adds_up"] for part in parts)
    whole = numbers(reconciliation(filled))
    # The row without readable time belongs to no day.
    assert [sum(column) for column in zip(*map(numbers, parts), strict=True)] == [whole[0] - 1, 4, 1, 2, 2, 1, 1]


def test_an_empty_city_adds_up(conn: Connection) -> None:
    build_town(conn)
    assert numbers(reconciliation(conn)) == (0, 0, 0, 0, 0, 0, 0)
    assert reconciliation(conn)["adds_up"]


@pytest.mark.parametrize(
    "damage",
    [
        "DELETE FROM reports WHERE source_ref = 'a'",
        "DELETE FROM import_days WHERE day = '2016-06-01'",
        "UPDATE imports SET read = read + 1, rejected = rejected + 1 WHERE id = (SELECT min(id) FROM imports)",
    ],
)
def test_what_does_not_add_up_is_said(damage: str, filled: Connection) -> None:
    assert filled.execute(text(damage)).rowcount == 1
    assert reconciliation(filled)["adds_up"] is False


@pytest.mark.parametrize("column", ["read", "accepted", "in_cells"])
def test_the_database_itself_refuses_an_import_that_does_not_add_up(column: str, filled: Connection) -> None:
    with pytest.raises(Exception, match="ck_imports"):
        filled.execute(text(f"UPDATE imports SET {column} = {column} + 1"))


def test_the_command(finegrid, engine: Engine, tmp_path: Path) -> None:
    with transaction(engine) as conn:
        build_town(conn)
        take_in(conn, write_csv(tmp_path / "reports.csv", some_rows(100)))
    answer = json.loads(finegrid("reconcile", "--from", "2016-01-01", "--to", "2017-01-01", "--json").stdout)
    assert (answer["read"], answer["adds_up"]) == (100, True)
    assert "it adds up" in finegrid("reconcile").stdout
    with transaction(engine) as conn:
        conn.execute(text("DELETE FROM reports WHERE source_ref = 'r1'"))
    result = finegrid("reconcile")
    assert result.exit_code == 1
    assert "IT DOES NOT ADD UP" in result.stdout
