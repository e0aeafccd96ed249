"""The roll-up: packing and back, appending, and the same numbers as GROUP BY."""

from __future__ import annotations

from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from gis.counts import NO_POSITION, OUTSIDE, CountKey, Packed, add_counts, count_by_id, pack, stored_counts
from gis.store.copying import copy_out_array
from gis.store.database import sql
from gis.verify import COUNT_FIELDS
from tests.town import build_town, some_rows, take_in, write_csv

KEYS = st.tuples(
    st.integers(-30_000, 30_000), st.integers(1, 32_767), st.integers(1, 32_767), st.integers(NO_POSITION, 2**31 - 1)
)
EVERY_DAY = CountKey(date(1900, 1, 1), date(2100, 1, 1))
WINDOW = {"first": date(2016, 6, 1), "start": 0, "stop": 30}
EPOCH = date(1970, 1, 1)


def arrays(keys: list[tuple[int, int, int, int]]) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    table = np.array(keys, np.int64).reshape(-1, 4)
    return table[:, 0].astype("i4"), table[:, 1].astype("i2"), table[:, 2].astype("i2"), table[:, 3].astype("i4")


def unpacked(packed: Packed) -> Counter:
    found: Counter = Counter()
    rows = zip(packed.day, packed.category_id, packed.source_id, packed.ids, packed.counts, strict=True)
    for day, category, source, ids, counts in rows:
        assert ids.dtype == counts.dtype == np.dtype("<i4")
        assert len(ids) == len(counts) > 0
        assert (np.diff(ids) > 0).all()
        for place, count in zip(ids.tolist(), counts.tolist(), strict=True):
            found[int(day), int(category), int(source), place] += count
    return found


@settings(max_examples=60, deadline=None)
@given(
    st.lists(KEYS, max_size=40).flatmap(
        lambda keys: st.lists(st.sampled_from(keys), max_size=60) if keys else st.just([])
    )
)
def test_what_is_packed_comes_out_again(keys: list[tuple[int, int, int, int]]) -> None:
    packed = pack(*arrays(keys))
    assert unpacked(packed) == Counter(keys)
    groups = list(zip(packed.day.tolist(), packed.category_id.tolist(), packed.source_id.tolist(), strict=True))
    assert groups == sorted(set(groups))


def day_number(day: date) -> int:
    return (day - EPOCH).days


def held(conn: Connection, target: str = "cell") -> Counter:
    rows = stored_counts(conn, target, WINDOW)
    return Counter({tuple(int(part) for part in tuple(row)[:4]): int(row["count"]) for row in rows})


@pytest.fixture
def small(conn: Connection) -> Connection:
    build_town(conn)
    conn.execute(text("INSERT INTO sources (name, kind) VALUES ('a', 'citizen'), ('b', 'media')"))
    return conn


def test_counts_are_appended_and_read_as_sums(small: Connection) -> None:
    day = day_number(date(2016, 6, 1))
    first = [(day, 1, 1, 5), (day, 1, 1, 5), (day, 1, 1, OUTSIDE), (day + 1, 2, 1, NO_POSITION)]
    second = [(day, 1, 1, 5), (day, 1, 2, 5), (day, 1, 1, 9)]
    for keys in (first, second):
        packed = pack(*arrays(keys))
        add_counts(small, {"cell": packed, "segment": packed})
    assert held(small) == held(small, "segment") == Counter(first + second)
    rows = small.execute(text("SELECT count(*), max(octet_length(ids)) FROM report_counts WHERE target = 'cell'")).one()
    assert tuple(rows) == (3, 4 * 4)  # 0, 5 and then 5, 9 in one row
    totals = count_by_id(small, "cell", EVERY_DAY, 10)
    assert totals.tolist() == [1, 1, 0, 0, 0, 0, 4, 0, 0, 0, 1]


def test_windows_categories_and_sources_are_told_apart(small: Connection) -> None:
    day = day_number(date(2016, 6, 1))
    keys = [(day + n, 1 + n % 3, 1 + n % 2, 7) for n in range(12)]
    add_counts(small, {"cell": pack(*arrays(keys))})

    def at_seven(**key) -> int:
        return int(count_by_id(small, "cell", CountKey(**key), 8)[8])

    window = {"from_day": date(2016, 6, 1), "to_day": date(2016, 6, 13)}
    assert at_seven(**window) == 12
    assert at_seven(from_day=date(2016, 6, 2), to_day=date(2016, 6, 4)) == 2
    assert at_seven(**window, category_ids=(1, 2)) == 8
    assert at_seven(**window, source_ids=(2,)) == 6
    assert at_seven(**window, category_ids=(1,), source_ids=(2,)) == 2
    assert at_seven(**window, category_ids=()) == 0
    assert count_by_id(small, "segment", CountKey(**window), 8).sum() == 0


def test_ids_that_are_not_known_do_no_harm(small: Connection) -> None:
    day = day_number(date(2016, 6, 1))
    add_counts(small, {"cell": pack(*arrays([(day, 1, 1, 4), (day, 1, 1, 1_000)]))})
    assert count_by_id(small, "cell", EVERY_DAY, 5).tolist() == [0, 0, 0, 0, 0, 1]


def test_an_empty_roll_up(small: Connection) -> None:
    add_counts(small, {"cell": pack(*arrays([])), "segment": pack(*arrays([]))})
    assert count_by_id(small, "cell", EVERY_DAY, 3).tolist() == [0, 0, 0, 0]
    assert len(stored_counts(small, "cell", WINDOW)) == 0


def test_more_reports_than_a_byte_or_two_can_count(small: Connection) -> None:
    day = np.full(70_000, day_number(date(2016, 6, 1)), np.int32)
    ones = np.ones(70_000, np.int16)
    add_counts(small, {"cell": pack(day, ones, ones, np.full(70_000, 3, np.int32))})
    assert count_by_id(small, "cell", EVERY_DAY, 4)[4] == 70_000


@pytest.mark.parametrize("target", ["cell", "segment"])
def test_the_roll_up_of_an_import_is_group_by(target: str, conn: Connection, tmp_path: Path) -> None:
    build_town(conn)
    for part in range(3):
        rows = [*some_rows(400, seed=part, first=part * 1000), (f"x{part}", "", "", "2016-06-01", "0501")]
        take_in(conn, write_csv(tmp_path / "part.csv", rows), ("patrol", "citizen")[part % 2], keep_unlocated=True)
    window = {"first": date(2016, 5, 1), "start": 0, "stop": 90}
    asked = {**window, "target": target, "outside": OUTSIDE, "no_position": NO_POSITION}
    grouped = copy_out_array(conn, sql("grouped_reports"), asked, COUNT_FIELDS)
    assert grouped["count"].sum() == 1203
    stored = stored_counts(conn, target, window)
    assert np.array_equal(np.sort(grouped, order=["day", "category_id", "source_id", "id"]), stored)
    size = int(conn.execute(sql(f"largest_{target}_id")).scalar_one()) + 1
    by_id = count_by_id(conn, target, EVERY_DAY, size)
    direct = conn.execute(
        text(
            f"SELECT coalesce({target}_id, CASE WHEN geom IS NULL THEN -1 ELSE 0 END) AS id, count(*)"
            " FROM reports GROUP BY 1"
        )
    ).all()
    assert {place: int(by_id[place + 1]) for place, _ in direct} == dict(map(tuple, direct))
    assert by_id.sum() == 1203
