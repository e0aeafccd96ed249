"""Answers as bytes: whole, valid, and harmless to those who open them."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.encoding import ROWS_AT_ONCE, csv_pieces, geojson_pieces, json_pieces, table_lines, to_json


@pytest.mark.parametrize("count", [0, 1, ROWS_AT_ONCE, ROWS_AT_ONCE + 1, 3 * ROWS_AT_ONCE])
def test_pieces_join_to_one_document(count: int) -> None:
    rows = [{"code": str(number), "name": "街"} for number in range(count)]
    plain = b"".join(json_pieces({"level": "cell"}, rows))
    assert orjson.loads(plain) == {"level": "cell", "rows": rows}
    features = ((row["code"], b'{"type":"Point","coordinates":[1,2]}', row) for row in rows)
    shapes = orjson.loads(b"".join(geojson_pieces({"level": "cell"}, features)))
    assert [one["properties"] for one in shapes["features"]] == rows
    assert all(one["id"] == one["properties"]["code"] for one in shapes["features"])
    table = io.StringIO(b"".join(csv_pieces(["code", "name"], rows)).decode())
    assert list(csv.DictReader(table)) == rows


def test_large_answers_come_in_many_pieces() -> None:
    pieces = list(json_pieces({}, ({"n": number} for number in range(10 * ROWS_AT_ONCE))))
    assert len(pieces) == 12
    assert max(map(len, pieces)) < 30_000


def test_an_empty_head() -> None:
    assert orjson.loads(b"".join(json_pieces({}, []))) == {"rows": []}


def test_decimals_dates_and_times() -> None:
    value = {"a": Decimal("8.30000001"), "b": date(2016, 5, 1), "c": datetime(2016, 5, 1, tzinfo=UTC)}
    assert orjson.loads(to_json(value)) == {"a": 8.30000001, "b": "2016-05-01", "c": "2016-05-01T00:00:00+00:00"}


@given(text=st.text(st.characters(codec="utf-8"), max_size=20), number=st.integers() | st.floats(allow_nan=False))
def test_no_text_in_a_table_begins_like_a_formula(text: str, number: float) -> None:
    pieces = b"".join(csv_pieces(["text", "number"], [{"text": text, "number": number}]))
    _, (shown, figure) = csv.reader(io.StringIO(pieces.decode(), newline=""))
    assert not shown.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert shown in (text, f"'{text}")
    assert figure == str(number)


def test_a_terminal_shows_aligned_columns_and_no_control_characters() -> None:
    rows = [{"name": "中原区", "n": 3}, {"name": "a\x1b[31m", "n": -12}, {"name": None, "n": None}]
    lines = list(table_lines(["name", "n"], rows))
    assert lines == ["name      n", "中原区    3", "a\ufffd[31m  -12", "-         -"]
