"""A report is known by source and source_ref: whatever is sent again, in whatever order and company, counts once."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path
from threading import Barrier, Thread

import pytest
from sqlalchemy import Connection, Engine, text

from gis import report_files
from gis.reconciliation import reconciliation
from gis.store.database import create_database_engine, transaction
from gis.verify import verify
from tests.town import HEADER, build_town, some_rows, stored_reports, sums, take_in, write_csv


@pytest.fixture
def small(conn: Connection) -> Connection:
    build_town(conn)
    return conn


def row(ref: str, time: str = "2016-06-01 08:00") -> tuple:
    return (ref, "113.604", "34.705", time, "0501")


@pytest.mark.parametrize("block", [16 << 20, 2000])
def test_the_same_file_twice_changes_nothing(
    block: int, small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", block)
    path = write_csv(tmp_path / "reports.csv", some_rows(500))
    assert sums(take_in(small, path)) == (500, 500, 0, 0)
    reports, counts = stored_reports(small), everything(small)
    assert sums(take_in(small, path)) == (500, 0, 500, 0)
    assert stored_reports(small) == reports
    assert everything(small) == counts
    assert verify(small).differences == 0
    answer = reconciliation(small)
    assert (answer["read"], answer["accepted"], answer["duplicate"], answer["adds_up"]) == (1000, 500, 500, True)


def everything(conn: Connection) -> list[tuple]:
    """The roll-up as it is stored, and the version of the reports."""
    rolled = conn.execute(text("SELECT * FROM report_counts ORDER BY 1, 2, 3, 4")).all()
    version = conn.execute(text("SELECT version FROM data_versions WHERE layer = 'reports'")).all()
    return [tuple(bytes(part) if isinstance(part, memoryview) else part for part in row) for row in [*rolled, *version]]


@pytest.mark.parametrize("block", [16 << 20, 2000])
def test_a_file_that_half_overlaps(
    block: int, small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", block)
    rows = some_rows(900)
    assert sums(take_in(small, write_csv(tmp_path / "a.csv", rows[:600]))) == (600, 600, 0, 0)
    # New and known ones by turns, so that every chunk holds both.
    mixed = [entry for pair in zip(rows[300:600], rows[600:], strict=True) for entry in pair]
    assert sums(take_in(small, write_csv(tmp_path / "b.csv", mixed))) == (600, 300, 300, 0)
    assert len(stored_reports(small)) == 900
    assert verify(small).differences == 0


def test_repeats_within_a_chunk_and_across_chunks(
    small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 2000)
    rows = some_rows(300)
    # The first of equal references stays, whatever the later ones say.
    later = [(entry[0], *row("", time="2016-07-01 08:00")[1:]) for entry in rows[::3]]
    mixed = [*rows[:10], *rows[:10], *rows[10:], *later]
    assert sums(take_in(small, write_csv(tmp_path / "a.csv", mixed))) == (410, 300, 110, 0)
    assert max(entry[4] for entry in stored_reports(small)) < date(2016, 7, 1)
    assert verify(small).differences == 0


def test_one_reference_from_two_sources_is_two_reports(small: Connection, tmp_path: Path) -> None:
    header = (*HEADER, "source")
    rows = [(*row("a"), "patrol"), (*row("a"), "citizen"), (*row("a"), ""), (*row(" a "), "citizen")]
    path = write_csv(tmp_path / "a.csv", rows, header)
    assert sums(take_in(small, path, "media")) == (4, 3, 1, 0)
    assert [entry[:2] for entry in stored_reports(small)] == [("citizen", "a"), ("media", "a"), ("patrol", "a")]


def test_sources_of_rows_are_made_while_chunks_are_written(
    small: Connection, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 2000)
    rows = [(*entry, f"hotline {n // 50}") for n, entry in enumerate(some_rows(400))]
    path = write_csv(tmp_path / "a.csv", rows, (*HEADER, "source"))
    assert sums(take_in(small, path, "citizen", source_kind="citizen")) == (400, 400, 0, 0)
    assert Counter(entry[0] for entry in stored_reports(small)) == {f"hotline {n}": 50 for n in range(8)}


@pytest.mark.parametrize("known", [True, False], ids=["a known source", "a new source"])
@pytest.mark.parametrize("opposite", [True, False], ids=["opposite order", "same order"])
def test_two_imports_at_once_count_each_report_once(
    opposite: bool, known: bool, engine: Engine, database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "CSV_BLOCK", 4000)
    with transaction(engine) as conn:
        build_town(conn)
        if known:
            conn.execute(text("INSERT INTO sources (name, kind) VALUES ('patrol', 'patrol')"))
    rows = some_rows(2000)
    second = rows[::-1] if opposite else rows
    paths = [write_csv(tmp_path / "a.csv", rows), write_csv(tmp_path / "b.csv", second)]
    together, results = Barrier(2), []

    def run(path: Path) -> None:
        own = create_database_engine(database_url)
        together.wait()
        try:
            with transaction(own) as conn:
                results.append(sums(take_in(conn, path)))
        except Exception as problem:
            results.append(problem)
        own.dispose()

    threads = [Thread(target=run, args=(path,)) for path in paths]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(results, key=str) == [(2000, 0, 2000, 0), (2000, 2000, 0, 0)]
    with transaction(engine) as conn:
        assert len(stored_reports(conn)) == 2000
        assert verify(conn).differences == 0
        assert reconciliation(conn)["adds_up"]
