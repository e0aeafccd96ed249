"""`finegrid indicators` and `finegrid response`: the answers of the API on the command line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Connection

from gis.ground import load_ground
from gis.indicators import COLUMNS, IndicatorQuery, indicators
from gis.response import COLUMNS as RESPONSE_COLUMNS
from gis.response import ResponseQuery, response
from gis.response_live import COLUMNS as LIVE_COLUMNS
from gis.rules.periods import parse_period
from tests.case_histories import make_histories
from tests.conftest import json_of
from tests.town import build_town, some_rows, take_in, write_csv

NOW = datetime(2030, 1, 1, tzinfo=UTC)
JUNE = parse_period("2016-06")
FROM_TO = ("--from", "2016-06-01", "--to", "2016-07-01")
Run = Callable[..., Result]


@pytest.fixture
def town_with_cases(conn: Connection, tmp_path: Path) -> Connection:
    build_town(conn)
    take_in(conn, write_csv(tmp_path / "r.csv", some_rows(150, seed=3)))
    make_histories(conn, 5, datetime(2016, 8, 1, tzinfo=UTC))
    conn.commit()
    return conn


def plain(rows: list[dict]) -> list[dict]:
    return [
        {name: value if value is None else float(value) for name, value in row.items() if name not in ("code", "name")}
        for row in rows
    ]


def test_indicators_in_every_form(finegrid: Run, town_with_cases: Connection) -> None:
    conn = town_with_cases
    table = indicators(conn, load_ground(conn), "street", IndicatorQuery(JUNE.first, JUNE.after), NOW)
    rows = list(table.rows())
    said = json_of(finegrid("indicators", "--level", "street", *FROM_TO, "--json"))
    assert said == json_of(finegrid("indicators", "--level", "street", "--period", "2016-06", "--json"))
    assert plain(said["rows"]) == plain(rows)
    assert said["total"]["accepted"] == sum(row["accepted"] for row in rows) + said["elsewhere"]["accepted"] > 0
    listed = list(
        csv.DictReader(io.StringIO(finegrid("indicators", "--level", "street", *FROM_TO, "--format", "csv").stdout))
    )
    assert list(listed[0]) == list(COLUMNS)
    shown = finegrid("indicators", "--level", "city", *FROM_TO, "--exclude", "four_chaos").stdout.splitlines()
    assert shown[0].split()[:4] == ["code", "name", "accepted", "filed"]
    assert len(shown) == 2
    drawn = json.loads(finegrid("indicators", "--level", "street", *FROM_TO, "--format", "geojson").stdout)
    assert [one["properties"]["due"] for one in drawn["features"]] == [row["due"] for row in rows]


def test_response_in_every_form(finegrid: Run, town_with_cases: Connection, tmp_path: Path) -> None:
    conn = town_with_cases
    rows = list(response(conn, load_ground(conn), "hour", ResponseQuery(JUNE.first, JUNE.after, (1,)), NOW).rows())
    said = json_of(finegrid("response", "--level", "hour", *FROM_TO, "--step", "1", "--json"))
    assert plain(said["rows"]) == plain(rows)
    out = tmp_path / "r.csv"
    finegrid("response", "--level", "hour", "--period", "2016-06", "--step", "1", "--format", "csv", "--out", out)
    listed = list(csv.DictReader(out.open(encoding="utf-8")))
    assert list(listed[0]) == list(RESPONSE_COLUMNS)
    assert len(listed) == 24
    assert len(finegrid("response", *FROM_TO).stdout.splitlines()) == 3  # two streets


def test_live_of_a_past_instant(finegrid: Run, town_with_cases: Connection) -> None:
    instants = [f"2016-06-{day:02d}T{hour:02d}:00+08:00" for day in range(1, 25) for hour in (3, 15)]
    found = {
        at: json_of(finegrid("response", "live", "--within", "7200", "--at", at, "--json"))["rows"]
        for at in instants[:12]
    }
    at, rows = max(found.items(), key=lambda one: len(one[1]))
    assert rows
    assert list(rows[0]) == list(LIVE_COLUMNS)
    lines = finegrid("response", "live", "--within", "7200", "--at", at).stdout.splitlines()
    assert lines[0].split()[:3] == ["case_id", "step", "seconds_left"]
    assert [line.split()[0] for line in lines[1:]] == [str(row["case_id"]) for row in rows]
    drawn = json.loads(finegrid("response", "live", "--within", "7200", "--at", at, "--format", "geojson").stdout)
    assert [one["geometry"]["coordinates"] for one in drawn["features"]] == [[row["lon"], row["lat"]] for row in rows]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("indicators", "--level", "city"), 2, "--period 2016-05-T2"),
        (("indicators", "--level", "city", *FROM_TO, "--period", "2016-06"), 2, "instead of --from and --to"),
        (("indicators", "--level", "city", "--period", "June"), 1, "2016-06-T1"),
        (("indicators", "--level", "community", *FROM_TO), 1, "there are city, district, street, cell"),
        (("indicators", "--level", "city", *FROM_TO, "--format", "geojson"), 1, "has no geometry"),
        (("indicators", "--level", "city", "--from", "2016-06-02", "--to", "2016-06-01"), 1, "must be after"),
        (("indicators", "--level", "city", *FROM_TO, "--department", "D9"), 1, "there are D0, D1, D2"),
        (("response", "--period", "2016-06", "--street", "1"), 1, "there is no area '1'"),
        (("response", "live", "--at", "2099-01-01T00:00+08:00"), 1, "lies in the future"),
        (("response", "live", "--within", "0"), 2, "0 is not in the range"),
    ],
)
def test_what_is_wrong_is_said(
    finegrid: Run, town_with_cases: Connection, words: tuple[str, ...], code: int, said: str
) -> None:
    result = finegrid(*words)
    assert (result.exit_code, said in result.output) == (code, True), result.output
