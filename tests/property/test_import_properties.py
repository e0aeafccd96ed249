"""Whatever a file holds: nothing is lost, nothing counts twice, and the roll-up is what the reports say."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, text

from gis import report_files
from gis.reconciliation import reconciliation
from gis.store.database import create_database_engine, transaction
from gis.verify import verify
from tests.town import HEADER, build_town, slanted, stored_reports, sums, take_in

REFS = st.sampled_from(["a", "b", "c", " a ", "", "x" * 501, "编号", "q\nr", 'say "no"', "n\0ul"]) | st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r"), max_size=6
)
PLACES = st.tuples(st.integers(-4, 24), st.integers(-4, 24)).map(lambda at: slanted(at[0] / 2, at[1] / 2).tolist())
NUMBERS = st.sampled_from(["", " ", "0", "nan", "inf", "-181", "1e400", "34.705", "113.604", "east", "１", "\0"])
POSITIONS = PLACES.map(lambda at: (repr(at[0]), repr(at[1]))) | st.tuples(NUMBERS, NUMBERS)
TIMES = st.sampled_from(
    ["2016-06-01 08:00", "2016-06-02T23:30:00Z", "2016年6月3日", "2016/2/30", "", "soon", "1850-01-01", "2016-06-05"]
)
CATEGORIES = st.sampled_from(["0501", "event:0101", "0101", "占道经营", "", "none", " 0505 "])
GOOD_OR_BAD = st.tuples(REFS, POSITIONS, TIMES, CATEGORIES).map(lambda row: (row[0], *row[1], *row[2:]))
SHORT_OR_LONG = st.lists(st.sampled_from(["a", "1", "", "x,y"]), min_size=2, max_size=8).filter(
    lambda row: len(row) != 5
)
GOOD = st.tuples(
    st.text("abcdefgh", min_size=1, max_size=2),
    PLACES.map(lambda at: (repr(at[0]), repr(at[1]))),
    st.sampled_from(["2016-06-01 08:00", "2016-06-02 08:00"]),
    st.sampled_from(["0501", "0505"]),
).map(lambda row: (row[0], *row[1], *row[2:]))
FILES = st.lists(st.lists(GOOD | GOOD | GOOD_OR_BAD | SHORT_OR_LONG, max_size=12), min_size=1, max_size=3)


@pytest.fixture(scope="module")
def town_engine(template_url: str, make_database: Callable[..., str]) -> Iterator[Engine]:
    engine = create_database_engine(make_database(template_url))
    with transaction(engine) as conn:
        build_town(conn)
    yield engine
    engine.dispose()


def written(path: Path, rows: list[tuple | list]) -> Path:
    text_of = io.StringIO()
    csv.writer(text_of, lineterminator="\n", quoting=csv.QUOTE_ALL).writerows([HEADER, *rows])
    path.write_text(text_of.getvalue(), encoding="utf-8")
    return path


def rejects_of(conn: Connection, import_id: int) -> list[tuple[int, str, str]]:
    found = conn.execute(
        text("SELECT row_number, reason, original FROM import_rejects WHERE import_id = :id ORDER BY 1"),
        {"id": import_id},
    )
    return [tuple(row) for row in found]


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(FILES, st.booleans(), st.sampled_from([200, 700, 1 << 20]))
def test_nothing_is_lost_and_nothing_counts_twice(
    town_engine: Engine, tmp_path: Path, files: list[list], keep_unlocated: bool, block: int
) -> None:
    known: set[str] = set()
    with town_engine.connect() as conn, pytest.MonkeyPatch.context() as patch:
        patch.setattr(report_files, "CSV_BLOCK", 2000 if block == 200 else block)
        for number, rows in enumerate(files):
            path = written(tmp_path / "reports.csv", rows)
            rejects = tmp_path / "rejects.csv"
            rejects.unlink(missing_ok=True)
            summary = take_in(conn, path, keep_unlocated=keep_unlocated, rejects=rejects)
            read, accepted, duplicate, rejected = sums(summary)
            assert read == len(rows)
            listed = rejects_of(conn, summary.import_id)
            assert len(listed) == rejected
            assert rejects.exists() == bool(rejected)
            # The row and its text are the ones that were in the file.
            for row, _, original in listed:
                as_written = list(next(csv.reader(io.StringIO(original, newline=""))))
                assert as_written == [part.replace("\0", "\N{REPLACEMENT CHARACTER}") for part in rows[row - 1]]
            good = [rows[at] for at in range(len(rows)) if at + 1 not in {row for row, _, _ in listed}]
            fresh = {row[0].strip() for row in good} - known
            assert (accepted, duplicate) == (len(fresh), len(good) - len(fresh))
            known |= fresh
            assert {entry[1] for entry in stored_reports(conn)} == known
            assert reconciliation(conn)["adds_up"], number
        assert verify(conn).differences == 0


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(GOOD_OR_BAD, min_size=1, max_size=30), st.integers(0, 30))
def test_one_file_or_its_two_parts_are_the_same(
    town_engine: Engine, tmp_path: Path, rows: list[tuple], cut: int
) -> None:
    answers = []
    for parts in ([rows], [rows[:cut], rows[cut:]]):
        with town_engine.connect() as conn:
            totals = [sums(take_in(conn, written(tmp_path / "reports.csv", part))) for part in parts]
            answers.append((tuple(map(sum, zip(*totals, strict=True))), stored_reports(conn)))
    assert answers[0] == answers[1]
