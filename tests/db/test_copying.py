"""COPY BINARY in both directions: every kind comes back as it went, nulls, empty texts and far dates included."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
import psycopg2
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from gis.store.copying import CopyColumn, copy_in, copy_out, copy_out_array, copy_out_fields

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
KINDS = {
    "int2": ("smallint", np.array([0, -1, 1, -(2**15), 2**15 - 1], np.int16)),
    "int4": ("integer", np.array([0, -1, 1, -(2**31), 2**31 - 1], np.int32)),
    "int8": ("bigint", np.array([0, -1, 1, -(2**63), 2**63 - 1], np.int64)),
    "float8": ("double precision", np.array([0.0, -0.1, np.inf, 5e-324, 1.7e308])),
}


def table(conn: Connection, **columns: str) -> None:
    conn.execute(text("DROP TABLE IF EXISTS pg_temp.held"))
    listed = ", ".join(f"{name} {kind}" for name, kind in columns.items())
    conn.execute(text(f"CREATE TEMP TABLE held (n int, {listed})"))


def fill(conn: Connection, *columns: CopyColumn) -> None:
    copy_in(conn, "held", [CopyColumn("n", "int4", np.arange(len(columns[0].values))), *columns])


def held(conn: Connection, expression: str = "v") -> list:
    return list(conn.execute(text(f"SELECT {expression} FROM held ORDER BY n")).scalars())


@pytest.mark.parametrize("kind", KINDS)
def test_numbers(kind: str, conn: Connection) -> None:
    declared, values = KINDS[kind]
    table(conn, v=declared)
    fill(conn, CopyColumn("v", kind, values))
    assert held(conn) == values.tolist()
    back = copy_out_array(conn, text("SELECT v FROM held ORDER BY n"), {}, {"v": kind})
    assert back["v"].tolist() == values.tolist()
    assert back["v"].dtype == values.dtype


@pytest.mark.parametrize("kind", KINDS)
def test_numbers_with_nulls(kind: str, conn: Connection) -> None:
    declared, values = KINDS[kind]
    table(conn, v=declared, w="text")
    valid = np.array([True, False, True, False, False])
    fill(conn, CopyColumn("v", kind, values, valid), CopyColumn("w", "text", pa.array(list("abcde"))))
    assert held(conn) == [value if good else None for value, good in zip(values.tolist(), valid, strict=True)]
    assert held(conn, "w") == list("abcde")
    with pytest.raises(ValueError, match=r"null|bytes"):
        copy_out_array(conn, text("SELECT v FROM held ORDER BY n"), {}, {"v": kind})


def test_dates_and_instants_near_and_far(conn: Connection) -> None:
    days = [
        date(1, 1, 1),
        date(1899, 12, 31),
        date(1970, 1, 1),
        date(1999, 12, 31),
        date(2000, 1, 1),
        date(9999, 12, 31),
    ]
    moments = [datetime(day.year, day.month, day.day, 12, 30, 15, 123456, tzinfo=UTC) for day in days]
    numbers = np.array([(day - EPOCH.date()).days for day in days], np.int32)
    micros = np.array([(moment - EPOCH) // timedelta(microseconds=1) for moment in moments], np.int64)
    table(conn, d="date", t="timestamptz")
    fill(conn, CopyColumn("d", "date", numbers), CopyColumn("t", "timestamptz", micros))
    assert held(conn, "d") == days
    assert held(conn, "t") == moments
    back = copy_out_array(conn, text("SELECT d, t FROM held ORDER BY n"), {}, {"d": "date", "t": "timestamptz"})
    assert back["d"].tolist() == numbers.tolist()
    assert back["t"].tolist() == micros.tolist()


TEXTS = ["", None, "a", "占道经营", "a\tb\nc\\N", '"quoted"', "x" * 100_000, "\U0001f6a7"]


@pytest.mark.parametrize("kind", ["string", "large_string", "sliced"])
def test_texts(kind: str, conn: Connection) -> None:
    if kind == "sliced":
        values = pa.array(["before", *TEXTS, "after"]).slice(1, len(TEXTS))
    else:
        values = pa.array(TEXTS, getattr(pa, kind)())
    table(conn, v="text", w="int")
    fill(conn, CopyColumn("v", "text", values), CopyColumn("w", "int4", np.arange(len(TEXTS))))
    assert held(conn) == TEXTS
    assert held(conn, "w") == list(range(len(TEXTS)))


def test_bytes(conn: Connection) -> None:
    values = [b"", None, b"\0\1\2", bytes(range(256)) * 100]
    table(conn, v="bytea")
    fill(conn, CopyColumn("v", "bytea", pa.array(values, pa.binary())))
    assert [None if one is None else bytes(one) for one in held(conn)] == values
    back = list(copy_out_fields(conn, text("SELECT v, n FROM held ORDER BY n"), {}))
    assert [None if one is None else bytes(one) for one, _ in back] == values
    assert [int.from_bytes(number, "big") for _, number in back] == [0, 1, 2, 3]


def test_points(conn: Connection) -> None:
    at = np.array([[-71.06, 42.35], [113.65, 34.75], [-180.0, -90.0], [np.nan, np.nan], [0.1 + 0.2, 1e-300]])
    valid = ~np.isnan(at[:, 0])
    table(conn, g="geometry(Point, 4326)")
    fill(conn, CopyColumn("g", "point", at, valid))
    rows = conn.execute(text("SELECT ST_X(g), ST_Y(g), ST_SRID(g) FROM held ORDER BY n")).all()
    assert [tuple(row) for row in rows] == [
        (*pair, 4326) if good else (None, None, None) for pair, good in zip(at.tolist(), valid, strict=True)
    ]


def test_no_rows_at_all(conn: Connection) -> None:
    table(conn, v="int")
    fill(conn, CopyColumn("v", "int4", np.empty(0, np.int32)))
    assert held(conn) == []
    assert copy_out(conn, text("SELECT v FROM held"), {}) == b""
    assert len(copy_out_array(conn, text("SELECT v FROM held"), {}, {"v": "int4"})) == 0
    assert list(copy_out_fields(conn, text("SELECT v FROM held"), {})) == []


def test_all_null_and_all_empty(conn: Connection) -> None:
    table(conn, v="int", w="text", x="text")
    fill(
        conn,
        CopyColumn("v", "int4", np.zeros(3, np.int32), np.zeros(3, bool)),
        CopyColumn("w", "text", pa.nulls(3, pa.string())),
        CopyColumn("x", "text", pa.array(["", "", ""])),
    )
    assert conn.execute(text("SELECT v, w, x FROM held")).all() == [(None, None, "")] * 3


def test_parameters_are_bound_and_not_pasted(conn: Connection) -> None:
    table(conn, v="text")
    nasty = ["%s", "it's", "%(v)s", "100%", "\\"]
    fill(conn, CopyColumn("v", "text", pa.array(nasty)))
    for one in nasty:
        found = list(copy_out_fields(conn, text("SELECT v FROM held WHERE v = :v AND n % 100 < 50"), {"v": one}))
        assert [bytes(row[0]).decode() for row in found] == [one]


def test_other_widths_than_said_are_refused(conn: Connection) -> None:
    table(conn, v="bigint")
    fill(conn, CopyColumn("v", "int8", np.arange(7)))
    with pytest.raises(ValueError, match=r"expected|not of type"):
        copy_out_array(conn, text("SELECT v FROM held"), {}, {"v": "int4"})


def test_the_servers_refusal_arrives_and_the_savepoint_holds(conn: Connection) -> None:
    table(conn, v="int UNIQUE")
    with pytest.raises(psycopg2.errors.UniqueViolation), conn.begin_nested():
        fill(conn, CopyColumn("v", "int4", np.array([1, 1])))
    assert held(conn) == []
    table(conn, v="text")
    with pytest.raises(psycopg2.errors.CharacterNotInRepertoire), conn.begin_nested():
        fill(conn, CopyColumn("v", "text", pa.array(["a\0b"])))


ROWS = st.lists(
    st.tuples(
        st.integers(-(2**31), 2**31 - 1),
        st.none() | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20),
        st.none() | st.integers(-(2**15), 2**15 - 1),
        st.none() | st.binary(max_size=20),
        st.floats(allow_nan=False),
    ),
    max_size=30,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS)
def test_any_rows_in_any_mixture(conn: Connection, rows: list[tuple]) -> None:
    if not rows:
        return
    table(conn, a="int", b="text", c="smallint", d="bytea", e="double precision")
    a, b, c, d, e = zip(*rows, strict=True)
    fill(
        conn,
        CopyColumn("a", "int4", np.array(a, np.int32)),
        CopyColumn("b", "text", pa.array(b, pa.string())),
        CopyColumn("c", "int2", np.array([x or 0 for x in c], np.int16), np.array([x is not None for x in c])),
        CopyColumn("d", "bytea", pa.array(d, pa.binary())),
        CopyColumn("e", "float8", np.array(e)),
    )
    found = conn.execute(text("SELECT a, b, c, d, e FROM held ORDER BY n")).all()
    assert [(*row[:3], None if row[3] is None else bytes(row[3]), row[4]) for row in found] == rows
