"""`finegrid draw`: what is kept where until the reveal, and what each command answers."""

from __future__ import annotations

import csv
import json
import stat
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
import shapely
from click.testing import Result
from sqlalchemy import Connection, Engine, text

from gis.cli import draws
from gis.draw_file import sha256
from gis.draw_seeds import keep_seed, read_seed
from gis.errors import Conflict, FileError, ParameterError
from gis.roads import load_roads
from tests.conftest import json_of

Finegrid = Callable[..., Result]
PERIOD = "2016-06-T1"
SEED = "0f" * 32


class Clock(datetime):
    """What the command line takes for now."""

    at = datetime(2016, 5, 30, tzinfo=UTC)

    @classmethod
    def now(cls, tz=None):
        return cls.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> type[Clock]:
    monkeypatch.setattr(draws, "datetime", Clock)
    monkeypatch.setattr("gis.cli.dust.datetime", Clock)
    monkeypatch.setattr(Clock, "at", Clock.at)
    return Clock


@pytest.fixture
def city(conn: Connection, small_city, write_geojson: Callable[..., Path]) -> None:
    """Thirty roads, committed, so that commands see them."""
    rows = [
        (shapely.LineString([(x, 34.702), (x, 34.706 - number / 20000)]), {"code": f"R{number:02}", "class": "branch"})
        for number, x in enumerate(113.601 + 0.001 * at for at in range(30))
    ]
    load_roads(conn, write_geojson("roads.geojson", *rows), "wgs84")
    conn.commit()


@pytest.mark.usefixtures("city")
def test_from_the_commitment_to_the_deduction(
    finegrid: Finegrid, tmp_path: Path, clock: type[Clock], engine: Engine
) -> None:
    def run(*words: str | Path) -> Result:
        return finegrid("draw", *words, HOME=str(tmp_path))

    made = json_of(run("make", PERIOD, "--roads", "4", "--json"))
    seed_file = tmp_path / "seeds" / f"zhengzhou-{PERIOD}.seed"
    assert made["seed_file"] == str(seed_file)
    assert stat.S_IMODE(seed_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(seed_file.parent.stat().st_mode) == 0o700
    seed = seed_file.read_text().strip()
    assert sha256(seed) == made["seed_sha256"]
    published = tmp_path / "before.json"
    for words in (("list",), ("show", PERIOD), ("file", PERIOD, "--out", published), ("verify", PERIOD)):
        done = run(*words)
        assert done.exit_code == 0, done.output
        assert seed not in done.output
    assert seed not in published.read_text()
    assert json_of(run("verify", published, "--json")) == {
        "draw": str(published),
        "agrees": True,
        "revealed": False,
        "faults": [],
    }
    early = run("points", PERIOD)
    assert (early.exit_code, "points are known from 2016-06-01 on" in early.output) == (1, True)
    early = run("reveal", PERIOD)
    assert (early.exit_code, "revealed from 2016-06-01 on" in early.output) == (1, True)
    clock.at = datetime(2016, 6, 1, 1, tzinfo=UTC)
    again = run("make", PERIOD)
    assert (again.exit_code, "has a draw already" in again.output) == (1, True)
    late = run("make", "2016-05-T3")
    assert (late.exit_code, "began on 2016-05-21" in late.output) == (1, True)
    assert not (tmp_path / "seeds" / "zhengzhou-2016-05-T3.seed").exists()
    shown = run("reveal", PERIOD)
    assert shown.output.startswith(f"{PERIOD}: 4 roads (4 branch), 20 points\n")
    after = tmp_path / "after.json"
    run("file", PERIOD, "--out", after)
    assert json.loads(after.read_text())["seed"] == seed
    for target in (PERIOD, after):
        assert "frame, seed, roads and points agree" in run("verify", target).output
    after.write_text(after.read_text().replace(seed, SEED))
    wrong = run("verify", after)
    assert (wrong.exit_code, "IT DOES NOT AGREE" in wrong.output) == (1, True)
    # The list of points is the form: fill it in and send it back.
    form = tmp_path / "form.csv"
    run("points", PERIOD, "--format", "csv", "--out", form)
    with form.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        row |= {"g_per_m2": "11.5" if row["road"] == "1" else "4", "weighed_on": "2016-06-01", "weighed_by": "team 1"}
    with form.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    done = run("results", form)
    assert done.output == "20 rows from form.csv: 20 added, 0 corrected, 0 unchanged, 0 without a weight\n"
    roads = json_of(run("roads", PERIOD, "--json"))["rows"]
    assert [(row["mean_g_per_m2"], row["limit_g_per_m2"], row["deduction"]) for row in roads] == [
        (11.5, 10.0, 1.0),
        *[(4.0, 10.0, 0.0)] * 3,
    ]
    geojson = json.loads(run("roads", PERIOD, "--format", "geojson").output)
    assert {one["geometry"]["type"] for one in geojson["features"]} == {"MultiLineString"}
    assert len(json.loads(run("points", PERIOD, "--format", "geojson").output)["features"]) == 20
    assert run("roads", PERIOD).output.splitlines()[1].split()[-1] == "1"


@pytest.mark.usefixtures("city", "clock")
def test_a_seed_that_somebody_else_keeps(finegrid: Finegrid, tmp_path: Path, clock: type[Clock]) -> None:
    made = json_of(finegrid("draw", "make", PERIOD, "--seed-sha256", sha256(SEED), "--json", HOME=str(tmp_path)))
    assert made["seed_file"] is None
    assert not (tmp_path / "seeds").exists()
    clock.at = datetime(2016, 6, 1, tzinfo=UTC)
    lost = finegrid("draw", "reveal", PERIOD, HOME=str(tmp_path))
    assert (lost.exit_code, "say where it is with --seed-file" in lost.output) == (1, True)
    assert finegrid("draw", "reveal", PERIOD, "--seed", SEED).exit_code == 0


@pytest.mark.usefixtures("city", "clock")
def test_a_seed_file_that_is_there_gives_the_seed(finegrid: Finegrid, tmp_path: Path) -> None:
    path = tmp_path / "mine.seed"
    path.write_text(SEED.upper() + "\n")
    path.chmod(0o644)
    refused = finegrid("draw", "make", PERIOD, "--seed-file", path)
    assert (refused.exit_code, "others may read this seed" in refused.output) == (1, True)
    path.chmod(0o600)
    made = json_of(finegrid("draw", "make", PERIOD, "--seed-file", path, "--json"))
    assert made["seed_sha256"] == sha256(SEED)


@pytest.mark.usefixtures("city", "clock")
def test_ways_to_give_a_seed_exclude_each_other(finegrid: Finegrid, tmp_path: Path) -> None:
    done = finegrid("draw", "make", PERIOD, "--seed", SEED, "--seed-sha256", sha256(SEED))
    assert (done.exit_code, "is enough" in done.output) == (2, True)
    done = finegrid("draw", "reveal", PERIOD, "--seed", SEED, "--seed-file", tmp_path / "x")
    assert (done.exit_code, "is enough" in done.output) == (2, True)
    done = finegrid("draw", "make", "2016-06-T4")
    assert (done.exit_code, "is no period" in done.output) == (2, True)


@pytest.mark.usefixtures("city", "clock")
def test_where_the_seed_cannot_be_kept_nothing_is_committed(finegrid: Finegrid, tmp_path: Path, engine: Engine) -> None:
    (tmp_path / "file").write_text("")
    done = finegrid("draw", "make", PERIOD, "--seed-file", tmp_path / "file" / "below")
    assert (done.exit_code, "the seed cannot be kept there" in done.output) == (1, True)
    with engine.connect() as conn:
        assert conn.execute(text("SELECT count(*) FROM dust_draws")).scalar() == 0


def test_a_seed_is_never_written_over(tmp_path: Path) -> None:
    path = tmp_path / "new" / "a.seed"
    keep_seed(path, SEED)
    assert read_seed(path, secret=True) == SEED
    with pytest.raises(FileError, match="cannot be kept there: File exists"):
        keep_seed(path, SEED)
    path.write_text("short")
    with pytest.raises(ParameterError, match=r"64 hexadecimal digits .* not 5 characters"):
        read_seed(path, secret=True)
    path.chmod(0o640)
    with pytest.raises(Conflict, match="others may read"):
        read_seed(path, secret=True)
    with pytest.raises(FileError, match="say where it is"):
        read_seed(tmp_path / "none", secret=False)


@pytest.mark.usefixtures("city", "clock")
def test_who_did_it_is_this_account_unless_somebody_is_named(finegrid: Finegrid, tmp_path: Path) -> None:
    made = json_of(finegrid("draw", "make", PERIOD, "--json", HOME=str(tmp_path)))
    assert made["committed_by"]
    other = json_of(finegrid("draw", "make", "2016-06-T2", "--actor", "审计处", "--json", HOME=str(tmp_path)))
    assert other["committed_by"] == "审计处"
    assert date.fromisoformat(other["first_day"]) == date(2016, 6, 11)
