"""`finegrid import patrols` and `finegrid coverage` as a user runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import orjson
import pytest
from click.testing import Result
from sqlalchemy import Engine

from tests.conftest import json_of
from tests.town import build_town

Run = Callable[..., Result]
ROWS = ("segment,time,surveyor", "R000001,2016-05-12 08:00,A", "R000009,2016-05-12 08:00,A")


@pytest.fixture
def town(engine: Engine) -> None:
    with engine.begin() as conn:
        build_town(conn)


def test_import_and_ask(town: None, finegrid: Run, write_csv: Callable[..., Path], tmp_path: Path) -> None:
    path, rejects = write_csv("p.csv", *ROWS), tmp_path / "no.csv"
    told = finegrid("import", "patrols", path, "--rejects", rejects)
    assert told.exit_code == 0
    assert "read 2 rows = accepted 1 + duplicate 0 + rejected 1" in told.output
    assert "row 2: 'R000009' is not a road segment of this city" in told.output
    assert rejects.read_text(encoding="utf-8").startswith("row,reason,original\n")
    again = json_of(finegrid("import", "patrols", path, "--rejects", rejects, "--json"))
    assert (again["accepted"], again["duplicate"], again["rejected"]) == (0, 1, 1)
    rows = json_of(finegrid("coverage", "--level", "segment", "--period", "2016-05-T2", "--json"))["rows"]
    assert {row["code"]: row["surveyed"] for row in rows} == {f"R00000{n}": n == 1 for n in range(5)}
    shown = finegrid("coverage", "--level", "class", "--period", "2016-05")
    assert "branch" in shown.stdout
    assert "surveyed, coverage 0." in shown.stderr
    missing = json_of(
        finegrid("coverage", "--missing", "--period", "2016-05-T2", "--near", "113.6054,34.7", "--limit", "2", "--json")
    )
    assert [row["surveyed"] for row in missing["rows"]] == [False, False]
    assert missing["rows"][0]["distance_m"] < missing["rows"][1]["distance_m"]
    out = tmp_path / "m.geojson"
    assert finegrid("coverage", "--missing", "--format", "geojson", "--out", out).exit_code == 0
    assert len(orjson.loads(out.read_bytes())["features"]) == 5
    words = ("--period", "2016-05-T2", "--property", "surveyed=false")
    assert finegrid("export", "coverage", "--out", out, *words).exit_code == 0
    assert len(orjson.loads(out.read_bytes())["features"]) == 4


def test_a_track(town: None, finegrid: Run, write_csv: Callable[..., Path]) -> None:
    from tests.town import lines

    line = lines()[3]
    fixes = [line.interpolate(at / 120, normalized=True) for at in range(121)]
    rows = [f"{one.x},{one.y},2016-05-12 08:{at // 60:02d}:{at % 60:02d}" for at, one in enumerate(fixes)]
    path = write_csv("t.csv", "lon,lat,time", *rows)
    refused = finegrid("import", "patrols", path, "--surveyor", "A")
    assert (refused.exit_code, "--crs" in refused.output) == (1, True)
    taken = finegrid("import", "patrols", path, "--surveyor", "A", "--crs", "wgs84")
    assert "1 new passes over 1 segments" in taken.output
    assert "1 new tracks of" in taken.output


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("coverage", "--period", "2016-05-T4"), 2, "is no period"),
        (("coverage", "--near", "1,2"), 2, "go with --missing"),
        (("coverage", "--missing", "--level", "street"), 2, "with --missing, which lists segments"),
        (("coverage", "--missing", "--near", "here"), 2, "two numbers lon,lat"),
        (("coverage", "--level", "cell"), 1, "level"),
        (("coverage", "--missing", "--street", "9"), 1, "there is no area '9'"),
        (("coverage", "--missing", "--near", "1,2", "--crs", "beijing54"), 1, "local"),
        (("import", "patrols", "nowhere.csv"), 1, "there is no such file"),
    ],
)
def test_what_is_wrong_is_said(town: None, finegrid: Run, words: tuple[str, ...], code: int, said: str) -> None:
    result = finegrid(*words)
    assert (result.exit_code, said in result.output) == (code, True), result.output
